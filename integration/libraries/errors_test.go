package libraries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/sqlgraph"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
	sqlite3 "github.com/ncruces/go-sqlite3"
	"github.com/uptrace/bun"
	"gorm.io/gorm"
	sqlite "modernc.org/sqlite"

	"github.com/multidb-go/multidb/integration/libraries/internal/ent"
)

// verdict is all that a program can learn of an error, by its type, by its text,
// and by what libraries make of it.
type verdict struct {
	Text  string
	Chain []string // the types, as errors.Unwrap finds them
	Code  string   // the server's own
	Is    []string // those of sentinels that it is
}

var sentinels = map[string]error{
	"sql.ErrNoRows": sql.ErrNoRows, "context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded,
	"gorm.ErrRecordNotFound": gorm.ErrRecordNotFound, "gorm.ErrDuplicatedKey": gorm.ErrDuplicatedKey,
	"gorm.ErrForeignKeyViolated": gorm.ErrForeignKeyViolated,
}

var predicates = map[string]func(error) bool{
	"ent.IsConstraintError": ent.IsConstraintError, "ent.IsNotFound": ent.IsNotFound,
	"sqlgraph.IsUniqueConstraintError":     sqlgraph.IsUniqueConstraintError,
	"sqlgraph.IsForeignKeyConstraintError": sqlgraph.IsForeignKeyConstraintError,
	"a timeout":                            pgconn.Timeout,
}

func judge(err error) verdict {
	if err == nil {
		return verdict{}
	}
	v := verdict{Text: err.Error(), Code: code(err)}
	for e := err; e != nil; e = errors.Unwrap(e) {
		v.Chain = append(v.Chain, fmt.Sprintf("%T", e))
	}
	for _, name := range slices.Sorted(maps.Keys(sentinels)) {
		if errors.Is(err, sentinels[name]) {
			v.Is = append(v.Is, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(predicates)) {
		if predicates[name](err) {
			v.Is = append(v.Is, name)
		}
	}
	return v
}

// code is the server's code, found in the way that programs find it.
func code(err error) string {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	var lite *sqlite.Error
	var lite3 *sqlite3.Error
	switch {
	case errors.As(err, &pg):
		return fmt.Sprint(pg.Code, " ", pg.ConstraintName)
	case errors.As(err, &my):
		return fmt.Sprint(my.Number, " ", string(my.SQLState[:]))
	case errors.As(err, &lite):
		return fmt.Sprint(lite.Code())
	case errors.As(err, &lite3):
		return fmt.Sprint(int(lite3.ExtendedCode()))
	}
	return ""
}

// mistakes are statements that fail, by the code that each kind of server has
// for it.
var mistakes = []struct {
	name, query string
	codes       map[string]string
}{
	{"unique violation", "INSERT INTO customers (id, name, visits, since) VALUES (9, 'Ada', 0, '2024-02-29')",
		map[string]string{"pgx": "23505 customers_name_key", "mysql": "1062 23000", "sqlite": "2067", "sqlite3": "2067"}},
	{"foreign key violation", "INSERT INTO orders (id, item, amount, customer_orders) VALUES (9, 'tea', 1, 99)",
		map[string]string{"pgx": "23503 orders_customers_orders", "mysql": "1452 23000", "sqlite": "787", "sqlite3": "787"}},
	{"syntax error", "SELEKT 1",
		map[string]string{"pgx": "42601 ", "mysql": "1064 42000", "sqlite": "1", "sqlite3": "1"}},
	{"no such table", "SELECT * FROM nowhere",
		map[string]string{"pgx": "42P01 ", "mysql": "1146 42S02", "sqlite": "1", "sqlite3": "1"}},
	{"NULL", "UPDATE customers SET name = NULL",
		map[string]string{"pgx": "23502 ", "mysql": "1048 23000", "sqlite": "1299", "sqlite3": "1299"}},
	{"too long a value", "UPDATE customers SET name = '01234567890123456789012345678901234567890'",
		map[string]string{"pgx": "22001 ", "mysql": "1406 22001"}},
	{"serialization failure", "", // a statement that ends as if two transactions had met
		map[string]string{"pgx": "40001 ", "mysql": "1213 40001"}},
	{"no error", "UPDATE customers SET name = 'Ada'", nil},
}

var serializationFailure = map[string]string{
	"pgx":   "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$",
	"mysql": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'",
}

// ways are how each library runs a text, and queries.
var ways = map[string]func(t *testing.T, s server, db *sql.DB) way{
	"database/sql": func(t *testing.T, s server, db *sql.DB) way {
		return way{
			exec: func(ctx context.Context, query string) error { _, err := db.ExecContext(ctx, query); return err },
			get:  func(ctx context.Context, query string) error { return db.QueryRowContext(ctx, query).Scan(new(any)) },
		}
	},
	"prepared": func(t *testing.T, s server, db *sql.DB) way {
		return way{
			exec: func(ctx context.Context, query string) error {
				stmt, err := db.PrepareContext(ctx, query)
				if err == nil {
					defer stmt.Close()
					_, err = stmt.ExecContext(ctx)
				}
				return err
			},
			get: func(ctx context.Context, query string) error {
				stmt, err := db.PrepareContext(ctx, query)
				if err == nil {
					defer stmt.Close()
					err = stmt.QueryRowContext(ctx).Scan(new(any))
				}
				return err
			},
		}
	},
	"in a transaction": func(t *testing.T, s server, db *sql.DB) way {
		return way{
			exec: func(ctx context.Context, query string) error {
				tx, err := db.BeginTx(ctx, nil)
				if err == nil {
					defer tx.Rollback()
					_, err = tx.ExecContext(ctx, query)
				}
				return err
			},
			get: func(ctx context.Context, query string) error {
				tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
				if err == nil {
					defer tx.Rollback()
					err = tx.QueryRowContext(ctx, query).Scan(new(any))
				}
				return err
			},
		}
	},
	"sqlx": func(t *testing.T, s server, db *sql.DB) way {
		x := sqlx.NewDb(db, s.driver)
		return way{
			exec: func(ctx context.Context, query string) error {
				_, err := x.NamedExecContext(ctx, query, map[string]any{})
				return err
			},
			get: func(ctx context.Context, query string) error { return x.GetContext(ctx, new(any), query) },
		}
	},
	"bun": func(t *testing.T, s server, db *sql.DB) way {
		b := bun.NewDB(db, bunDialect(s))
		return way{
			exec: func(ctx context.Context, query string) error { _, err := b.NewRaw(query).Exec(ctx); return err },
			get:  func(ctx context.Context, query string) error { return b.NewRaw(query).Scan(ctx, new(string)) },
		}
	},
	"gorm": func(t *testing.T, s server, db *sql.DB) way {
		g := openGorm(t, s, db, &gorm.Config{TranslateError: true})
		return way{
			exec: func(ctx context.Context, query string) error { return g.WithContext(ctx).Exec(query).Error },
			get: func(ctx context.Context, query string) error {
				return g.WithContext(ctx).Raw(query).Take(&map[string]any{}).Error
			},
		}
	},
	"ent": func(t *testing.T, s server, db *sql.DB) way {
		client := openEnt(s, db)
		return way{
			exec: func(ctx context.Context, query string) error { _, err := client.ExecContext(ctx, query); return err },
			get: func(ctx context.Context, query string) error {
				rows, err := client.QueryContext(ctx, query)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
				}
				return rows.Err()
			},
		}
	},
}

type way struct {
	exec, get func(ctx context.Context, query string) error
}

// same does something directly and through multidb, and compares the errors.
func (f *shop) same(what string, do func(db *sql.DB) error) verdict {
	f.t.Helper()
	directly, through := judge(do(f.direct)), judge(do(f.DB))
	if !reflect.DeepEqual(directly, through) {
		f.t.Errorf("%s:\nthrough multidb %+v\ndirectly        %+v", what, through, directly)
	}
	return through
}

func TestErrors(t *testing.T) {
	on(t, testErrors, postgres, mariadb, modernc, ncruces)
}

func testErrors(t *testing.T, s server) {
	f := s.open(t)
	must(t, openEnt(s, f.direct).Schema.Create(t.Context()))
	f.exec("INSERT INTO customers (name, visits, since) VALUES ('Ada', 0, '2024-02-29')")
	if s.driver == "pgx" { // ent makes it without a limit
		f.exec("ALTER TABLE customers ALTER name TYPE varchar(40)")
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			sub := *f
			sub.t = t
			testErrorsOf(t, &sub, way)
		})
	}
}

func testErrorsOf(t *testing.T, f *shop, open func(*testing.T, server, *sql.DB) way) {
	through, directly := open(t, f.server, f.DB), open(t, f.server, f.direct)
	of := func(db *sql.DB) way {
		if db == f.DB {
			return through
		}
		return directly
	}
	for _, m := range mistakes {
		want, is := m.codes[f.server.driver]
		if m.codes != nil && !is {
			continue
		}
		query := m.query
		if query == "" {
			query = serializationFailure[f.server.driver]
		}
		v := f.same(m.name, func(db *sql.DB) error { return of(db).exec(t.Context(), query) })
		// gorm puts its own error in the place of the server's.
		if v.Code != want && len(v.Is) == 0 {
			t.Errorf("%s has the code %q, not %q: %+v", m.name, v.Code, want, v)
		}
	}
	f.same("a mistake in a query", func(db *sql.DB) error { return of(db).get(t.Context(), "SELECT nothing FROM customers") })
	f.same("no rows", func(db *sql.DB) error { return of(db).get(t.Context(), "SELECT name FROM customers WHERE id = 99") })
	f.same("a query", func(db *sql.DB) error { return of(db).get(t.Context(), "SELECT name FROM customers WHERE id = 1") })

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	f.same("a context that has ended", func(db *sql.DB) error { return of(db).exec(canceled, "UPDATE customers SET visits = 1") })
	f.same("a context that has ended", func(db *sql.DB) error { return of(db).get(canceled, "SELECT name FROM customers") })
	if f.server.isSQLite() {
		return // nobody tells when SQLite is at a query, and which of two errors it then gives is chance
	}
	f.same("a context that ends in a query", func(db *sql.DB) error {
		ctx, cancel := context.WithCancel(f.onPrimary())
		defer cancel()
		query, watch := f.endless(cancel)
		go watch()
		return of(db).get(ctx, query)
	})
}

var endlesses atomic.Int64 // queries that endless gave

// endless is a query that does not end, and a function that ends its context when
// the server is at it.
func (f *shop) endless(cancel func()) (query string, watch func()) {
	n := endlesses.Add(1) // the one before may not have ended yet
	running := ""
	switch f.server.driver {
	case "pgx":
		query = fmt.Sprintf("SELECT pg_sleep(60 + %d)", n)
		running = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = $1"
	case "mysql":
		query = fmt.Sprintf("SELECT BENCHMARK(1000000000000, MD5('%d'))", n)
		running = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND info = ?"
	}
	return query, func() {
		for n := 0; n == 0; time.Sleep(time.Millisecond) {
			if err := f.direct.QueryRowContext(f.t.Context(), running, query).Scan(&n); err != nil {
				f.t.Error(err)
				break
			}
		}
		cancel()
	}
}

// What ORMs make of the errors of their own statements.
func TestErrorsTranslatedByORMs(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		f := s.open(t)
		must(t, openEnt(s, f.direct).Schema.Create(t.Context()))
		f.exec("INSERT INTO customers (name, visits, since) VALUES ('Ada', 0, '2024-02-29')")
		ctx := t.Context()
		is := func(name string, v verdict) {
			t.Helper()
			for _, have := range v.Is {
				if have == name {
					return
				}
			}
			t.Errorf("%+v is not %s", v, name)
		}
		is("sqlgraph.IsUniqueConstraintError", f.same("ent: unique violation", func(db *sql.DB) error {
			return openEnt(s, db).Customer.Create().SetName("Ada").Exec(ctx)
		}))
		is("ent.IsConstraintError", f.same("ent: foreign key violation", func(db *sql.DB) error {
			return openEnt(s, db).Order.Create().SetItem("tea").SetAmount(1).SetCustomerID(99).Exec(ctx)
		}))
		is("ent.IsNotFound", f.same("ent: no row", func(db *sql.DB) error {
			_, err := openEnt(s, db).Customer.Get(ctx, 99)
			return err
		}))
		is("sql.ErrNoRows", f.same("bun: no row", func(db *sql.DB) error {
			return bun.NewDB(db, bunDialect(s)).NewSelect().Table("customers").Column("name").Where("id = 99").Scan(ctx, new(string))
		}))
		f.same("bun: unique violation", func(db *sql.DB) error {
			customer := &map[string]any{"name": "Ada", "visits": 0, "since": "2024-02-29"}
			_, err := bun.NewDB(db, bunDialect(s)).NewInsert().Model(customer).Table("customers").Exec(ctx)
			return err
		})
		g := func(db *sql.DB) *gorm.DB {
			return openGorm(t, s, db, &gorm.Config{TranslateError: true}).WithContext(ctx)
		}
		translated := is
		if s.driver == modernc.driver { // gormlite knows the errors of ncruces
			translated = func(string, verdict) {}
		}
		translated("gorm.ErrDuplicatedKey", f.same("gorm: unique violation", func(db *sql.DB) error {
			return g(db).Table("customers").Create(map[string]any{"name": "Ada", "visits": 0, "since": "2024-02-29"}).Error
		}))
		translated("gorm.ErrForeignKeyViolated", f.same("gorm: foreign key violation", func(db *sql.DB) error {
			return g(db).Table("orders").Create(map[string]any{"item": "tea", "amount": 1, "customer_orders": 99}).Error
		}))
		is("gorm.ErrRecordNotFound", f.same("gorm: no row", func(db *sql.DB) error {
			return g(db).Table("customers").Take(&map[string]any{}, "id = ?", 99).Error
		}))
	}, postgres, mariadb, modernc, ncruces)
}

// Two transactions that meet: one of them is refused by the server, and may be
// repeated.
func TestSerializationFailure(t *testing.T) {
	f := postgres.open(t)
	f.exec(createCustomers, "INSERT INTO customers VALUES (1, 'Ada', NULL)")
	for _, level := range []sql.IsolationLevel{sql.LevelRepeatableRead, sql.LevelSerializable} {
		v := f.same(level.String(), func(db *sql.DB) error {
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
			must(t, err)
			defer tx.Rollback()
			must(t, tx.QueryRowContext(t.Context(), "SELECT name FROM customers").Scan(new(string)))
			mustExec(t, f.direct, "UPDATE customers SET name = name")
			_, err = tx.ExecContext(t.Context(), "UPDATE customers SET name = 'Bob'")
			return err
		})
		equal(t, "the code", v.Code, "40001 ")
	}
}
