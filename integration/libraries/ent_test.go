package libraries

import (
	"database/sql"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/integration/libraries/internal/ent"
	"github.com/multidb-go/multidb/integration/libraries/internal/ent/customer"
	"github.com/multidb-go/multidb/integration/libraries/internal/ent/order"
)

func TestEnt(t *testing.T) {
	on(t, testEnt, postgres, mariadb, modernc, ncruces)
}

// openEnt says the dialect, which ent would else tell from the driver's name.
func openEnt(s server, db *sql.DB) *ent.Client {
	dialects := map[string]string{"pgx": dialect.Postgres, "mysql": dialect.MySQL, "sqlite": dialect.SQLite, "sqlite3": dialect.SQLite}
	return ent.NewClient(ent.Driver(entsql.OpenDB(dialects[s.driver], db)))
}

func testEnt(t *testing.T, s server) {
	f := s.open(t)
	ctx := t.Context()
	client := openEnt(s, f.DB)

	// Twice: the second looks at what is there. All is done on the primary but for
	// a question about the server's settings, which ent asks without the context.
	before := f.routed()
	for range 2 {
		must(t, client.Schema.Create(f.onPrimary()))
	}
	f.caughtUp()
	if n := f.routed().minus(before).on(multidb.Replica); n > 2 {
		t.Errorf("%d statements of two migrations ran on replicas", n)
	}

	var ada *ent.Customer
	f.writes(func() {
		var err error
		ada, err = client.Customer.Create().SetName("Ada").SetLikes([]string{"tea"}).Save(ctx)
		must(t, err)
		_, err = client.Order.CreateBulk(
			client.Order.Create().SetItem("tea").SetAmount(2).SetCustomer(ada),
			client.Order.Create().SetItem("milk").SetAmount(1).SetCustomer(ada),
		).Save(ctx)
		must(t, err)
		upsert := client.Customer.Create().SetName("Ada").SetVisits(7)
		if s.driver == "mysql" {
			err = upsert.OnConflict().UpdateVisits().Exec(ctx)
		} else {
			err = upsert.OnConflictColumns(customer.FieldName).UpdateVisits().Exec(ctx)
		}
		must(t, err)
		must(t, client.Customer.Create().SetName("Bob").Exec(ctx))
		n, err := client.Order.Update().Where(order.Item("milk")).SetItem("oat milk").Save(ctx)
		must(t, err)
		equal(t, "the number of changed orders", n, 1)
		_, err = ada.Update().AppendLikes([]string{"salt"}).Save(ctx)
		must(t, err)
	})

	f.reads(func() {
		customers, err := client.Customer.Query().WithOrders(func(q *ent.OrderQuery) { q.Order(order.ByID()) }).Order(customer.ByID()).All(ctx)
		must(t, err)
		equal(t, "the number of customers", len(customers), 2)
		equal(t, "the visits after the upsert", customers[0].Visits, 7)
		equal(t, "the JSON column", customers[0].Likes, []string{"tea", "salt"})
		equal(t, "the second order", customers[0].Edges.Orders[1].Item, "oat milk")

		items, err := ada.QueryOrders().Order(order.ByItem()).Select(order.FieldItem).Strings(ctx)
		must(t, err)
		equal(t, "the items", items, []string{"oat milk", "tea"})
		owner, err := client.Order.Query().Where(order.Item("tea")).QueryCustomer().Only(ctx)
		must(t, err)
		equal(t, "the customer of an order", owner.Name, "Ada")
		n, err := client.Customer.Query().Where(customer.HasOrdersWith(order.AmountGT(1))).Count(ctx)
		must(t, err)
		equal(t, "the number of customers with orders", n, 1)
		exists, err := client.Customer.Query().Where(customer.NameHasPrefix("C")).Exist(ctx)
		must(t, err)
		equal(t, "what Exist gives", exists, false)
		sum, err := client.Order.Query().Aggregate(ent.Sum(order.FieldAmount)).Int(ctx)
		must(t, err)
		equal(t, "the sum", sum, 3)
		var groups []struct {
			Item  string
			Count int
		}
		must(t, client.Order.Query().GroupBy(order.FieldItem).Aggregate(ent.Count()).Scan(ctx, &groups))
		equal(t, "the number of groups", len(groups), 2)
		if _, err := client.Customer.Get(ctx, 999); !ent.IsNotFound(err) {
			t.Errorf("no row: %v", err)
		}
		at, err := entWhere(t, s, client)
		f.isOn(multidb.Replica, at, err)
	})

	f.writes(func() {
		tx, err := client.Tx(ctx)
		must(t, err)
		defer tx.Rollback()
		must(t, tx.Order.Create().SetItem("salt").SetAmount(3).SetCustomer(ada).Exec(ctx))
		n, err := tx.Customer.QueryOrders(ada).Count(ctx)
		must(t, err)
		equal(t, "the number of orders in the transaction", n, 3)
		if s.driver == "pgx" || s.driver == "mysql" {
			_, err := tx.Customer.Query().Where(customer.Name("Ada")).ForUpdate().Only(ctx)
			must(t, err)
		}
		at, err := entWhere(t, s, tx.Client())
		f.isOn(multidb.Primary, at, err)
		must(t, tx.Commit())

		tx, err = client.Tx(ctx)
		must(t, err)
		_, err = tx.Order.Delete().Exec(ctx)
		must(t, err)
		must(t, tx.Rollback())
	})
	equal(t, "the number of orders", f.count("SELECT COUNT(*) FROM orders"), 3)

	// A read-only transaction begins on a replica, and all of it is there.
	f.reads(func() {
		tx, err := client.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		must(t, err)
		defer tx.Rollback()
		n, err := tx.Order.Query().Count(ctx)
		must(t, err)
		equal(t, "the number of orders in a read-only transaction", n, 3)
		at, err := entWhere(t, s, tx.Client())
		f.isOn(multidb.Replica, at, err)
	})
}

func entWhere(t *testing.T, s server, client *ent.Client) (at int, err error) {
	t.Helper()
	rows, err := client.QueryContext(t.Context(), s.whereAmI)
	must(t, err)
	defer rows.Close()
	rows.Next()
	return at, rows.Scan(&at)
}
