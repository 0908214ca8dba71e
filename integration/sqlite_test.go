package integration

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"
	_ "modernc.org/sqlite"

	"github.com/multidb-go/multidb"
)

var (
	modernc = sqliteDriver("modernc", "sqlite")
	ncruces = sqliteDriver("ncruces", "sqlite3")
)

// sqliteDriver has one file in WAL mode: the primary opens it as it is, the
// replica to read only.
func sqliteDriver(name, driver string) childDriver {
	return childDriver{
		name:     name,
		driver:   driver,
		whereAmI: "PRAGMA query_only",
		servers: func(t testing.TB) servers {
			file := "file:" + filepath.Join(t.TempDir(), "shop.db")
			s := servers{
				primary:  file + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)",
				replicas: []string{file + "?mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)"},
			}
			makeFile(t, driver, s.primary)
			return s
		},
		kinds: []string{
			`CREATE TABLE kinds (id INTEGER PRIMARY KEY, i INT, r REAL, txt TEXT, bl BLOB, num NUMERIC, yes BOOLEAN,
				d DATE, dt DATETIME, ts TIMESTAMP, vc VARCHAR(10), dc DECIMAL(10,2), anything)`,
			`INSERT INTO kinds VALUES (1, 9223372036854775807, 1.5, 'text ü', X'00ff', '12.5', TRUE, '2024-02-29',
				'2024-02-29 12:34:56', '2024-02-29T12:34:56.789Z', 'vc', 12.5, X'01')`,
			`INSERT INTO kinds (id) VALUES (2)`,
			`INSERT INTO kinds VALUES (3, 'not an int', 'nor a real', 1, 'x', 1, 0, 1709210096, 1.5, 1, 1, 'x', 'y')`,
		},
		arguments: []any{"tea", []byte("milk"), nil, "ü", 12, 1.5, true, time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC), struct{}{}},
		mistakes:  []string{"SELECT * FROM visits WHERE", "SELECT 1; SELECT 2", "ATTACH '/nowhere/else.db' AS other"},
		states: []state{
			{"PRAGMA cache_size = 77", "PRAGMA cache_size", "77"},
			{"PRAGMA recursive_triggers = 1", "PRAGMA recursive_triggers", "1"},
			{"CREATE TEMP TABLE basket AS SELECT 2 AS id", "SELECT MAX(id) FROM basket", "2"},
			{"ATTACH ':memory:' AS other", "SELECT COUNT(*) FROM pragma_database_list WHERE name = 'other'", "1"},
		},
	}
}

// makeFile makes the file: one that is read only can not be made.
func makeFile(t testing.TB, driver, dsn string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustExec(t, db, "CREATE TABLE made (id INT)")
}

// An in-memory database lives in its one connection. A plain DSN holds it, as
// without multidb.
func TestSQLiteInMemory(t *testing.T) {
	for _, d := range []childDriver{modernc, ncruces} {
		t.Run(d.name, func(t *testing.T) {
			connector, err := multidb.NewConnector(multidb.Config{Driver: d.driver, Primary: multidb.Engine{DSN: ":memory:"}})
			if err != nil {
				t.Fatal(err)
			}
			direct, err := sql.Open(d.driver, ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			f := &fleet{DB: sql.OpenDB(connector), direct: direct, t: t, driver: d}
			defer f.DB.Close()
			defer direct.Close()
			f.DB.SetMaxOpenConns(1)
			direct.SetMaxOpenConns(1)
			for _, query := range []string{
				createVisits, "INSERT INTO visits VALUES (1, 'tea')", "INSERT INTO visits VALUES (1, 'again')",
				"CREATE TEMP TABLE basket AS SELECT 2 AS id", "ATTACH ':memory:' AS other", "CREATE TABLE other.visits (id)",
				"PRAGMA foreign_keys = 1", "BEGIN", "INSERT INTO visits VALUES (2, 'milk')", "ROLLBACK",
			} {
				same(f, query, func(db *sql.DB) effect { return effectOf(db.ExecContext(t.Context(), query)) })
			}
			for _, query := range []string{
				"SELECT * FROM visits", "SELECT * FROM basket", "PRAGMA foreign_keys", "SELECT name FROM pragma_database_list",
			} {
				same(f, query, func(db *sql.DB) answer { return answerOf(db.QueryContext(t.Context(), query)) })
			}
			// A statement whose context ends does not cost the connection.
			const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
			same(f, "a context that ends in a statement", func(db *sql.DB) []string {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				var n int
				err := db.QueryRowContext(ctx, endless).Scan(&n)
				return []string{fmt.Sprint(failureOf(err)), scan(t, t.Context(), db, "SELECT COUNT(*) FROM visits")}
			})
		})
	}
}

// SQLite lets a connection write while it has rows open. On a sql.Conn the rows
// are the replica's and the writes the primary's: neither ends the other.
func TestSQLiteRowsOpenOnBothEngines(t *testing.T) {
	for _, d := range []childDriver{modernc, ncruces} {
		t.Run(d.name, func(t *testing.T) {
			f := d.open(t, nil)
			f.exec(createVisits)
			f.exec("INSERT INTO visits VALUES (1, 'a'), (2, 'b'), (3, 'c')")
			same(f, "writes between rows", func(db *sql.DB) (seen []string) {
				mustExec(t, db, "DELETE FROM visits WHERE id > 3")
				conn := mustConn(t, db)
				defer conn.Close()
				rows, err := conn.QueryContext(t.Context(), "SELECT id FROM visits WHERE id <= 3 ORDER BY id")
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				for rows.Next() {
					var id int
					if err := rows.Scan(&id); err != nil {
						t.Fatal(err)
					}
					mustExec(t, conn, "INSERT INTO visits VALUES (?, 'new')", 10+id)
					seen = append(seen, fmt.Sprint(id, scan(t, f.onPrimary(), conn, "SELECT COUNT(*) FROM visits")))
				}
				return append(seen, fmt.Sprint(failureOf(rows.Err())))
			})
		})
	}
}

// A tenant that nobody has set up has no file, unless the DSN lets SQLite make it.
func TestSQLiteTenantsWithoutAFile(t *testing.T) {
	for _, d := range []childDriver{modernc, ncruces} {
		t.Run(d.name, func(t *testing.T) {
			folder := t.TempDir()
			open := func(mode string) *sql.DB {
				connector, err := multidb.NewConnector(multidb.Config{
					Driver:  d.driver,
					Tenants: multidb.Database{Primary: multidb.Engine{DSN: "file:" + filepath.Join(folder, "{tenant}.db") + "?mode=" + mode}},
				})
				if err != nil {
					t.Fatal(err)
				}
				db := sql.OpenDB(connector)
				t.Cleanup(func() { db.Close() })
				return db
			}
			files := func() []string {
				found, err := filepath.Glob(filepath.Join(folder, "*"))
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			acme, nobody := multidb.WithDatabase(t.Context(), "acme"), multidb.WithDatabase(t.Context(), "nobody")
			if _, err := open("rwc").ExecContext(acme, "CREATE TABLE orders (item TEXT)"); err != nil {
				t.Fatal(err)
			}
			serving := open("rw")
			if _, err := serving.ExecContext(acme, "INSERT INTO orders VALUES ('tea')"); err != nil {
				t.Error(err)
			}
			if _, err := serving.ExecContext(nobody, "CREATE TABLE orders (item TEXT)"); err == nil {
				t.Error("a tenant that nobody has set up took a write")
			}
			if found := files(); len(found) != 1 {
				t.Errorf("there are the files %q", found)
			}
		})
	}
}
