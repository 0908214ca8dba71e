// Ent on a primary and a replica. ent.Open knows no driver "multidb", so the
// client gets a driver that is made of the *sql.DB and the dialect.
//
//	go -C examples run ./ent
package main

import (
	"context"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/examples/ent/ent"
	"github.com/multidb-go/multidb/examples/ent/ent/order"
	"github.com/multidb-go/multidb/examples/internal/demo"
)

func main() { demo.Main(run) }

func run(ctx context.Context, folder string) error {
	pool, routes, err := demo.OpenShop(folder)
	if err != nil {
		return err
	}
	client := ent.NewClient(ent.Driver(entsql.OpenDB(dialect.SQLite, pool)))
	defer client.Close()

	routes.Step("The migration asks the primary what is there, not a replica")
	routes.Hidden = true // it is long
	if err := client.Schema.Create(multidb.WithEngine(ctx, multidb.Primary)); err != nil {
		return err
	}
	routes.Hidden = false

	routes.Step("Writes go to the primary")
	tea, err := client.Order.Create().SetItem("tea").Save(ctx)
	if err != nil {
		return err
	}

	routes.Step("Queries go to a replica")
	n, err := client.Order.Query().Where(order.Paid(false)).Count(ctx)
	if err != nil {
		return err
	}
	routes.Note("not paid: %d", n)

	routes.Step("A transaction stays on the primary, its reads too")
	tx, err := client.Tx(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := tx.Order.UpdateOne(tea).SetPaid(true).Exec(ctx); err != nil {
		return err
	}
	n, err = tx.Order.Query().Where(order.Paid(false)).Count(ctx)
	if err != nil {
		return err
	}
	routes.Note("not paid, as the transaction sees it: %d", n)
	return tx.Commit()
}
