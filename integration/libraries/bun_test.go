package libraries

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"
	"github.com/uptrace/bun/schema"

	"github.com/multidb-go/multidb"
)

func TestBun(t *testing.T) {
	on(t, testBun, postgres, mariadb, modernc, ncruces)
}

func bunDialect(s server) schema.Dialect {
	switch s.driver {
	case "pgx":
		return pgdialect.New()
	case "mysql":
		return mysqldialect.New()
	}
	return sqlitedialect.New()
}

type bunCustomer struct {
	bun.BaseModel `bun:"table:customers"`

	ID     int64 `bun:",pk,autoincrement"`
	Name   string
	Likes  []string    `bun:"type:json"`
	Orders []*bunOrder `bun:"rel:has-many,join:id=customer_id"`
}

type bunOrder struct {
	bun.BaseModel `bun:"table:orders"`

	ID         int64 `bun:",pk,autoincrement"`
	CustomerID int64
	Item       string
	Customer   *bunCustomer `bun:"rel:belongs-to,join:customer_id=id"`
	Tags       []*bunTag    `bun:"m2m:orders_tags,join:Order=Tag"`
}

type bunTag struct {
	bun.BaseModel `bun:"table:tags"`

	ID   int64 `bun:",pk"`
	Name string
}

type bunOrderTag struct {
	bun.BaseModel `bun:"table:orders_tags"`

	OrderID int64     `bun:",pk"`
	Order   *bunOrder `bun:"rel:belongs-to,join:order_id=id"`
	TagID   int64     `bun:",pk"`
	Tag     *bunTag   `bun:"rel:belongs-to,join:tag_id=id"`
}

func testBun(t *testing.T, s server) {
	f := s.open(t)
	ctx := t.Context()
	db := bun.NewDB(f.DB, bunDialect(s))
	db.RegisterModel((*bunOrderTag)(nil))

	f.writes(func() { migrateBun(t, f, db) })

	ada := &bunCustomer{Name: "Ada", Likes: []string{"tea", "salt"}}
	f.writes(func() {
		_, err := db.NewInsert().Model(ada).Exec(ctx)
		must(t, err)
		if ada.ID == 0 {
			t.Error("the key of the inserted row was not set")
		}
		orders := []*bunOrder{{CustomerID: ada.ID, Item: "tea"}, {CustomerID: ada.ID, Item: "milk"}}
		_, err = db.NewInsert().Model(&orders).Exec(ctx)
		must(t, err)
		_, err = db.NewInsert().Model(&bunTag{ID: 1, Name: "new"}).Exec(ctx)
		must(t, err)
		_, err = db.NewInsert().Model(&bunOrderTag{OrderID: orders[0].ID, TagID: 1}).Exec(ctx)
		must(t, err)
		upsertBun(t, s, db, &bunTag{ID: 1, Name: "hot"})
		_, err = db.NewUpdate().Model(orders[1]).Set("item = ?", "oat milk").WherePK().Exec(ctx)
		must(t, err)
	})

	f.reads(func() {
		var customers []bunCustomer
		must(t, db.NewSelect().Model(&customers).Relation("Orders", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("id") }).
			Relation("Orders.Tags").Scan(ctx))
		equal(t, "the number of customers", len(customers), 1)
		got := customers[0]
		equal(t, "the JSON column", got.Likes, ada.Likes)
		equal(t, "the number of orders", len(got.Orders), 2)
		equal(t, "the second order", got.Orders[1].Item, "oat milk")
		equal(t, "the tag of the first order", got.Orders[0].Tags[0].Name, "hot")

		var order bunOrder
		must(t, db.NewSelect().Model(&order).Relation("Customer").Where("item = ?", "tea").Scan(ctx))
		equal(t, "the customer of an order", order.Customer.Name, "Ada")

		n, err := db.NewSelect().Model((*bunOrder)(nil)).Count(ctx)
		must(t, err)
		equal(t, "the count", n, 2)
		exists, err := db.NewSelect().Model((*bunOrder)(nil)).Where("item = ?", "gold").Exists(ctx)
		must(t, err)
		equal(t, "what Exists gives", exists, false)
		var page []bunOrder
		n, err = db.NewSelect().Model(&page).Order("id").Limit(1).ScanAndCount(ctx)
		must(t, err)
		equal(t, "the page and its count", []int64{int64(len(page)), n}, []int64{1, 2})

		var items []string
		recent := db.NewSelect().Model((*bunOrder)(nil)).Column("item")
		must(t, db.NewSelect().With("recent", recent).Table("recent").Column("item").Order("item").Scan(ctx, &items))
		equal(t, "what a WITH gives", items, []string{"oat milk", "tea"})

		err = db.NewSelect().Model(&order).Where("id = ?", 999).Scan(ctx)
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no row: %v", err)
		}
		var at int
		err = db.NewRaw(s.whereAmI).Scan(ctx, &at)
		f.isOn(multidb.Replica, at, err)
	})

	f.writes(func() {
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewDelete().Model((*bunOrderTag)(nil)).Where("tag_id = ?", 1).Exec(ctx)
			must(t, err)
			// One inside the other is a savepoint.
			rollback := errors.New("enough")
			err = tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.NewDelete().Model((*bunOrder)(nil)).Where("id > 0").Exec(ctx)
				must(t, err)
				return rollback
			})
			if err != rollback {
				t.Errorf("RunInTx returns %v, not what its function returned", err)
			}
			n, err := tx.NewSelect().Model((*bunOrder)(nil)).Count(ctx)
			must(t, err)
			equal(t, "the number of orders after the rollback to the savepoint", n, 2)
			var at int
			err = tx.NewRaw(s.whereAmI).Scan(ctx, &at)
			f.isOn(multidb.Primary, at, err)
			return err
		})
		must(t, err)
	})
	equal(t, "the tags of orders", f.count("SELECT COUNT(*) FROM orders_tags"), 0)
	equal(t, "the orders", f.count("SELECT COUNT(*) FROM orders"), 2)
	if s.driver != "pgx" {
		return
	}
	f.writes(func() { // a write and a lock that look like reads
		var items []string
		must(t, db.NewDelete().Model((*bunOrder)(nil)).Where("item = ?", "tea").Returning("item").Scan(ctx, &items))
		equal(t, "what was deleted", items, []string{"tea"})
		var order bunOrder
		must(t, db.NewSelect().Model(&order).For("UPDATE").Limit(1).Scan(ctx))
		moved := db.NewUpdate().Model((*bunOrder)(nil)).Set("item = 'moved'").Where("id > 0").Returning("item")
		must(t, db.NewSelect().With("moved", moved).Table("moved").Column("item").Scan(ctx, &items))
		equal(t, "what was updated", items, []string{"moved"})
	})
}

// migrateBun uses the migrator, twice. It reads what it wrote a moment before, so
// it is sent to the primary.
func migrateBun(t *testing.T, f *shop, db *bun.DB) {
	ctx := f.onPrimary()
	migrations := migrate.NewMigrations()
	migrations.Add(migrate.Migration{
		Name: "1",
		Up: func(ctx context.Context, _ *migrate.Migrator, migration *migrate.Migration) error {
			return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				for _, model := range []any{(*bunCustomer)(nil), (*bunOrder)(nil), (*bunTag)(nil), (*bunOrderTag)(nil)} {
					if _, err := tx.NewCreateTable().Model(model).Exec(ctx); err != nil {
						return err
					}
				}
				return nil
			})
		},
	})
	for _, applied := range []int{1, 0} {
		migrator := migrate.NewMigrator(db, migrations)
		must(t, migrator.Init(ctx))
		must(t, migrator.Lock(ctx))
		if err := migrate.NewMigrator(db, migrations).Lock(ctx); err == nil {
			t.Error("the migrations were locked twice")
		}
		group, err := migrator.Migrate(ctx)
		must(t, err)
		equal(t, "the number of migrations that were run", len(group.Migrations), applied)
		must(t, migrator.Unlock(ctx))
	}
}

func upsertBun(t *testing.T, s server, db *bun.DB, tag *bunTag) {
	t.Helper()
	insert := db.NewInsert().Model(tag)
	if s.driver == "mysql" {
		insert = insert.On("DUPLICATE KEY UPDATE").Set("name = VALUES(name)")
	} else {
		insert = insert.On("CONFLICT (id) DO UPDATE").Set("name = EXCLUDED.name")
	}
	_, err := insert.Exec(t.Context())
	must(t, err)
}
