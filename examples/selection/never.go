package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/examples/internal/demo"
)

// handMade is a session as people write it: what it runs on is a field, which
// somebody can set while work is under way.
type handMade struct {
	on interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}
}

func (s *handMade) add(ctx context.Context, text string) error {
	_, err := s.on.ExecContext(ctx, insertNote, text)
	return err
}

// never is what not to do: to give an open session another engine. The hand-made
// one lets it happen, and a rollback then takes back half of the work. multidb
// refuses it, and the transaction is where it was.
func never(ctx context.Context, folder string) error {
	db, routes, err := open(ctx, folder, "never")
	if err != nil {
		return err
	}
	defer db.Close()

	routes.Step("Never: a session whose engine is exchanged while it works, made by hand")
	secondary, err := sql.Open("sqlite", demo.File(folder, "never-secondary.db"))
	if err != nil {
		return err
	}
	defer secondary.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	s := &handMade{on: tx}
	err = s.add(ctx, "first half")
	s.on = secondary // nobody told the transaction
	if err := errors.Join(err, s.add(ctx, "second half"), tx.Rollback()); err != nil {
		return err
	}
	if err := show(ctx, db, routes); err != nil {
		return err
	}
	routes.Note("the rollback left half of the work behind")

	routes.Step("Never: the same with multidb is refused, and nothing is left behind")
	err = session(ctx, db, multidb.Primary, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, insertNote, "first half"); err != nil {
			return err
		}
		_, err := tx.ExecContext(multidb.WithEngine(ctx, "secondary"), insertNote, "second half")
		return err
	})
	if !errors.Is(err, multidb.ErrTxDatabase) && !errors.Is(err, multidb.ErrTxEngine) {
		return fmt.Errorf("not refused: %v", err)
	}
	return show(ctx, db, routes)
}
