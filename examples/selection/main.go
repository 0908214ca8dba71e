// Selection shows the three ways to work with two databases that have nothing to
// do with each other: rules that decide by the statement, a choice by hand for a
// unit of work, and one that looks easy and is wrong.
//
//	go -C examples run ./selection
package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/examples/internal/demo"
)

func main() { demo.Main(run) }

const (
	createNotes = `CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)`
	insertNote  = `INSERT INTO notes (text) VALUES (?)`
	countNotes  = `SELECT count(*) FROM notes`
)

func run(ctx context.Context, folder string) error {
	for _, way := range []func(context.Context, string) error{byRules, byHand, never} {
		if err := way(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

// open makes two databases with an empty table in each. name tells their files
// from those of the other ways.
func open(ctx context.Context, folder, name string, rules ...multidb.Rule) (*sql.DB, *demo.Routes, error) {
	db, routes, err := demo.Open(multidb.Config{
		Driver:  "sqlite",
		Primary: multidb.Engine{DSN: demo.File(folder, name+"-primary.db")},
		Databases: map[string]multidb.Database{
			"secondary": {Primary: multidb.Engine{DSN: demo.File(folder, name+"-secondary.db")}},
		},
		Rules: rules,
	})
	if err != nil {
		return nil, nil, err
	}
	routes.Hidden = true
	for _, engine := range []string{multidb.Primary, "secondary"} {
		if _, err := db.ExecContext(multidb.WithEngine(ctx, engine), createNotes); err != nil {
			db.Close()
			return nil, nil, err
		}
	}
	routes.Hidden = false
	return db, routes, nil
}

// count reads how many notes there are, where the context says.
func count(ctx context.Context, db *sql.DB) (n int, err error) {
	err = db.QueryRowContext(ctx, countNotes).Scan(&n)
	return n, err
}

// show prints how many notes each database has.
func show(ctx context.Context, db *sql.DB, routes *demo.Routes) error {
	routes.Hidden = true
	defer func() { routes.Hidden = false }()
	var counts [2]int
	for i, engine := range []string{multidb.Primary, "secondary"} {
		n, err := count(multidb.WithEngine(ctx, engine), db)
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
		counts[i] = n
	}
	routes.Note("notes in the primary: %d, in the secondary: %d", counts[0], counts[1])
	return nil
}
