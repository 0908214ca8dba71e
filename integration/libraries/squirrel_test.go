package libraries

import (
	"testing"

	sq "github.com/Masterminds/squirrel"

	"github.com/multidb-go/multidb"
)

func TestSquirrel(t *testing.T) {
	on(t, testSquirrel, postgres, mariadb, modernc, ncruces)
}

func testSquirrel(t *testing.T, s server) {
	f := s.open(t)
	ctx := t.Context()
	f.exec(createCustomers)
	build := sq.StatementBuilder
	if s.dollars() {
		build = build.PlaceholderFormat(sq.Dollar)
	}
	cache := sq.NewStmtCache(f.DB) // prepares each text once
	defer cache.Clear()
	for name, runner := range map[string]sq.BaseRunner{"db": f.DB, "stmt cache": cache} {
		t.Run(name, func(t *testing.T) {
			build := build.RunWith(runner)
			f.writes(func() {
				insert := build.Insert("customers").Columns("id", "name", "email").Values(1, "Ada", nil).Values(2, "Bob", "bob@example.org")
				_, err := insert.ExecContext(ctx)
				must(t, err)
				result, err := build.Update("customers").Set("name", "Cy").Where(sq.Eq{"id": 2}).ExecContext(ctx)
				must(t, err)
				changed, err := result.RowsAffected()
				must(t, err)
				equal(t, "the number of changed rows", changed, 1)
			})
			f.reads(func() {
				for range 3 {
					var name string
					must(t, build.Select("name").From("customers").Where(sq.Eq{"id": 2}).QueryRowContext(ctx).Scan(&name))
					equal(t, "the name", name, "Cy")
					var n int
					must(t, build.Select("COUNT(*)").From("customers").Where(sq.Or{sq.Like{"name": "A%"}, sq.NotEq{"email": nil}}).
						QueryRowContext(ctx).Scan(&n))
					equal(t, "the count", n, 2)
				}
				rows, err := build.Select("c.name", "COALESCE(d.name, '')").From("customers c").LeftJoin("customers d ON d.id = c.id + 1").
					OrderBy("c.id").Limit(10).QueryContext(ctx)
				must(t, err)
				defer rows.Close()
				var pairs []string
				for rows.Next() {
					var first, second string
					must(t, rows.Scan(&first, &second))
					pairs = append(pairs, first+"-"+second)
				}
				must(t, rows.Err())
				equal(t, "the join", pairs, []string{"Ada-Cy", "Cy-"})
				var at int
				err = build.Select("*").FromSelect(sq.Select(s.whereAmI[len("SELECT "):]), "here").QueryRowContext(ctx).Scan(&at)
				f.isOn(multidb.Replica, at, err)
			})
			f.writes(func() {
				_, err := build.Delete("customers").Where(sq.Gt{"id": 0}).ExecContext(ctx)
				must(t, err)
			})
			equal(t, "the number of rows that are left", f.count("SELECT COUNT(*) FROM customers"), 0)
		})
	}
	// A prepared cache inside of a transaction.
	f.writes(func() {
		tx, err := f.BeginTx(ctx, nil)
		must(t, err)
		defer tx.Rollback()
		build := build.RunWith(sq.NewStmtCache(tx))
		_, err = build.Insert("customers").Columns("id", "name").Values(3, "Dee").ExecContext(ctx)
		must(t, err)
		var name string
		must(t, build.Select("name").From("customers").Where(sq.Eq{"id": 3}).QueryRowContext(ctx).Scan(&name))
		equal(t, "the name in the transaction", name, "Dee")
		must(t, tx.Commit())
	})
}
