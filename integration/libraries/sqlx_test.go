package libraries

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/multidb-go/multidb"
)

const createCustomers = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, email VARCHAR(40))"

// sqlx tells the placeholders from the driver's name, which it is given.
func TestSqlx(t *testing.T) {
	on(t, testSqlx, postgres, mariadb, modernc, ncruces)
}

type sqlxCustomer struct {
	ID    int
	Name  string
	Email sql.NullString
}

func testSqlx(t *testing.T, s server) {
	f := s.open(t)
	db, ctx := sqlx.NewDb(f.DB, s.driver), t.Context()
	f.writes(func() {
		db.MustExecContext(ctx, createCustomers)
		db.MustExecContext(ctx, db.Rebind("INSERT INTO customers (id, name) VALUES (?, ?)"), 1, "Ada")
		_, err := db.NamedExecContext(ctx, "INSERT INTO customers (id, name, email) VALUES (:id, :name, :email)",
			[]sqlxCustomer{{ID: 2, Name: "Bob"}, {ID: 3, Name: "Cy", Email: sql.NullString{String: "cy@example.org", Valid: true}}})
		must(t, err)
		insert, err := db.PrepareNamedContext(ctx, "INSERT INTO customers (id, name) VALUES (:id, :name)")
		must(t, err)
		defer insert.Close()
		for id, name := range []string{10: "Dee", 11: "Eve"} {
			if name != "" {
				_, err = insert.ExecContext(ctx, sqlxCustomer{ID: id, Name: name})
				must(t, err)
			}
		}
	})

	f.reads(func() {
		var all []sqlxCustomer
		must(t, db.SelectContext(ctx, &all, "SELECT id, name, email FROM customers ORDER BY id"))
		equal(t, "what Select gives", all, []sqlxCustomer{{ID: 1, Name: "Ada"}, {ID: 2, Name: "Bob"},
			{3, "Cy", sql.NullString{String: "cy@example.org", Valid: true}}, {ID: 10, Name: "Dee"}, {ID: 11, Name: "Eve"}})

		var one sqlxCustomer
		must(t, db.GetContext(ctx, &one, db.Rebind("SELECT * FROM customers WHERE id = ?"), 2))
		equal(t, "what Get gives", one.Name, "Bob")
		if err := db.GetContext(ctx, &one, db.Rebind("SELECT * FROM customers WHERE id = ?"), 99); err != sql.ErrNoRows {
			t.Errorf("Get without a row: %v", err)
		}

		query, args, err := sqlx.In("SELECT name FROM customers WHERE id IN (?) ORDER BY id", []int{1, 3, 11})
		must(t, err)
		var names []string
		must(t, db.SelectContext(ctx, &names, db.Rebind(query), args...))
		equal(t, "what In gives", names, []string{"Ada", "Cy", "Eve"})

		rows, err := db.NamedQueryContext(ctx, "SELECT * FROM customers WHERE name = :name", map[string]any{"name": "Cy"})
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			found := make(map[string]any)
			must(t, rows.MapScan(found))
			equal(t, "the number of columns in a MapScan", len(found), 3)
		}
		must(t, rows.Err())

		byID, err := db.PreparexContext(ctx, db.Rebind("SELECT * FROM customers WHERE id = ?"))
		must(t, err)
		defer byID.Close()
		named, err := db.PrepareNamedContext(ctx, "SELECT name FROM customers WHERE id = :id")
		must(t, err)
		defer named.Close()
		for range 5 {
			must(t, byID.GetContext(ctx, &one, 10))
			equal(t, "what a prepared Get gives", one.Name, "Dee")
			must(t, named.GetContext(ctx, &one.Name, sqlxCustomer{ID: 11}))
			equal(t, "what a prepared named Get gives", one.Name, "Eve")
		}
		var at int
		err = db.GetContext(ctx, &at, s.whereAmI)
		f.isOn(multidb.Replica, at, err)
	})

	f.writes(func() {
		tx, err := db.BeginTxx(ctx, nil)
		must(t, err)
		defer tx.Rollback()
		tx.MustExecContext(ctx, tx.Rebind("UPDATE customers SET name = ? WHERE id = ?"), "Adam", 1)
		var name string
		must(t, tx.GetContext(ctx, &name, "SELECT name FROM customers WHERE id = 1"))
		equal(t, "the name in the transaction", name, "Adam")
		var at int
		err = tx.GetContext(ctx, &at, s.whereAmI)
		f.isOn(multidb.Primary, at, err)
		must(t, tx.Commit())
	})
	equal(t, "the number of rows that were changed", f.count("SELECT COUNT(*) FROM customers WHERE name = 'Adam'"), 1)

	// A connection of its own sees both engines.
	conn, err := db.Connx(ctx)
	must(t, err)
	defer conn.Close()
	f.reads(func() {
		var name string
		must(t, conn.GetContext(ctx, &name, "SELECT name FROM customers WHERE id = 1"))
		equal(t, "the name after the transaction", name, "Adam")
	})
	f.writes(func() {
		must(t, conn.GetContext(multidb.WithEngine(context.WithoutCancel(ctx), multidb.Primary), new(string), "SELECT name FROM customers WHERE id = 1"))
	})
}
