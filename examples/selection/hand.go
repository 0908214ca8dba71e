package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/multidb-go/multidb"
)

// session is a unit of work on one engine: all of it happens there, or none. It
// is all the code that choosing by hand takes.
func session(ctx context.Context, db *sql.DB, engine string, work func(context.Context, *sql.Tx) error) error {
	return multidb.RunInTx(multidb.WithEngine(ctx, engine), db, nil, work)
}

// byHand is for databases whose border no rule can tell. The one who calls says
// which engine a unit of work is for, and has to get it right: a wrong name puts
// data where nobody looks for it.
func byHand(ctx context.Context, folder string) error {
	db, routes, err := open(ctx, folder, "hand")
	if err != nil {
		return err
	}
	defer db.Close()

	routes.Step("By hand: a unit of work names its engine")
	addNote := func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertNote, "by hand")
		return err
	}
	if err := session(ctx, db, multidb.Primary, addNote); err != nil {
		return err
	}
	if err := session(ctx, db, "secondary", addNote); err != nil {
		return err
	}

	routes.Step("By hand: what fails is rolled back, there and nowhere else")
	errChanged := errors.New("changed my mind")
	err = session(ctx, db, "secondary", func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(addNote(ctx, tx), errChanged)
	})
	if !errors.Is(err, errChanged) {
		return err
	}
	return show(ctx, db, routes)
}
