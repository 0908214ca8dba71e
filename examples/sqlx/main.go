// Sqlx on a primary and a replica. It cannot tell how to write parameters from
// the name "multidb", so it is told the database: sqlx.NewDb(db, "sqlite3"), or
// "pgx", or "mysql". All else is as always.
//
//	go -C examples run ./sqlx
package main

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/multidb-go/multidb/examples/internal/demo"
)

func main() { demo.Main(run) }

type order struct {
	ID   int64
	Item string
	Paid bool
}

func run(ctx context.Context, folder string) error {
	pool, routes, err := demo.OpenShop(folder)
	if err != nil {
		return err
	}
	db := sqlx.NewDb(pool, "sqlite3")
	defer db.Close()

	routes.Step("Writes go to the primary")
	const table = `CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, paid BOOLEAN NOT NULL)`
	if _, err := db.ExecContext(ctx, table); err != nil {
		return err
	}
	const insert = `INSERT INTO orders (item, paid) VALUES (:item, :paid)`
	if _, err := db.NamedExecContext(ctx, insert, []order{{Item: "tea"}, {Item: "cake", Paid: true}}); err != nil {
		return err
	}

	routes.Step("Get and Select go to a replica")
	var first order
	if err := db.GetContext(ctx, &first, `SELECT * FROM orders WHERE id = ?`, 1); err != nil {
		return err
	}
	var paid []order
	if err := db.SelectContext(ctx, &paid, `SELECT * FROM orders WHERE paid ORDER BY id`); err != nil {
		return err
	}
	routes.Note("the first is %s; paid: %d", first.Item, len(paid))

	routes.Step("A transaction stays on the primary")
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET paid = true WHERE id = ?`, 1); err != nil {
		return err
	}
	if err := tx.SelectContext(ctx, &paid, `SELECT * FROM orders WHERE paid ORDER BY id`); err != nil {
		return err
	}
	routes.Note("paid, as the transaction sees it: %d", len(paid))
	return tx.Commit()
}
