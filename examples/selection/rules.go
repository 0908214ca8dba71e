package main

import (
	"context"

	"github.com/multidb-go/multidb"
)

// byRules is for databases whose border is clear: what a statement does, or which
// table it names, says where it belongs. The code that runs the statements knows
// nothing of it.
func byRules(ctx context.Context, folder string) error {
	db, routes, err := open(ctx, folder, "rules",
		multidb.Rule{Verbs: []string{"insert", "update", "delete"}, Use: "secondary"})
	if err != nil {
		return err
	}
	defer db.Close()

	routes.Step("Rules: changes go to the secondary, all else to the primary")
	if _, err := db.ExecContext(ctx, insertNote, "by a rule"); err != nil {
		return err
	}
	if _, err := count(ctx, db); err != nil {
		return err
	}
	return show(ctx, db, routes)
}
