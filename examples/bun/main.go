// Bun on a primary and a replica. bun.NewDB takes an *sql.DB and a dialect, so
// nothing changes but how that *sql.DB was opened.
//
//	go -C examples run ./bun
package main

import (
	"context"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/multidb-go/multidb/examples/internal/demo"
)

func main() { demo.Main(run) }

// Customer has many orders.
type Customer struct {
	ID     int64 `bun:",pk,autoincrement"`
	Name   string
	Orders []*Order `bun:"rel:has-many,join:id=customer_id"`
}

// Order belongs to a customer.
type Order struct {
	ID         int64 `bun:",pk,autoincrement"`
	CustomerID int64
	Item       string
}

func run(ctx context.Context, folder string) error {
	pool, routes, err := demo.OpenShop(folder)
	if err != nil {
		return err
	}
	db := bun.NewDB(pool, sqlitedialect.New())
	defer db.Close()

	routes.Step("Writes go to the primary, also one that returns rows")
	for _, model := range []any{(*Customer)(nil), (*Order)(nil)} {
		if _, err := db.NewCreateTable().Model(model).Exec(ctx); err != nil {
			return err
		}
	}
	ada := &Customer{Name: "Ada"}
	if _, err := db.NewInsert().Model(ada).Exec(ctx); err != nil {
		return err
	}

	routes.Step("RunInTx stays on the primary")
	err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		orders := []*Order{{CustomerID: ada.ID, Item: "tea"}, {CustomerID: ada.ID, Item: "cake"}}
		if _, err := tx.NewInsert().Model(&orders).Exec(ctx); err != nil {
			return err
		}
		n, err := tx.NewSelect().Model((*Order)(nil)).Count(ctx)
		routes.Note("orders, as the transaction sees them: %d", n)
		return err
	})
	if err != nil {
		return err
	}

	routes.Step("Selects and their relations go to a replica")
	var customers []Customer
	if err := db.NewSelect().Model(&customers).Relation("Orders").Scan(ctx); err != nil {
		return err
	}
	routes.Note("%s has %d orders", customers[0].Name, len(customers[0].Orders))
	return nil
}
