package libraries

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
	_ "modernc.org/sqlite"

	"github.com/multidb-go/multidb/internal/testdb"
)

// server is a kind of server with a child driver for it.
type server struct {
	name   string // of its subtests
	driver string // as database/sql knows it

	// whereAmI is a read that gives 1 on a replica and 0 on the primary, by
	// the server's own knowledge.
	whereAmI string

	start func(t testing.TB) endpoints
}

// endpoints are the servers of one database of its own.
type endpoints struct {
	primary  string
	replicas []string

	// catchUp returns when the replicas have what the primary has.
	catchUp func(ctx context.Context) error
}

var postgres = server{
	name:     "PostgreSQL",
	driver:   "pgx",
	whereAmI: "SELECT CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END",
	start: func(t testing.TB) endpoints {
		cluster := testdb.Postgres(t)
		database := cluster.Database(t)
		e := endpoints{primary: cluster.Primary().DSN(database), catchUp: cluster.WaitReplay}
		for _, standby := range cluster.Standbys() {
			e.replicas = append(e.replicas, standby.DSN(database))
		}
		return e
	},
}

var mariadb = server{
	name:     "MariaDB",
	driver:   "mysql",
	whereAmI: "SELECT CASE WHEN @@server_id > 1 THEN 1 ELSE 0 END",
	start: func(t testing.TB) endpoints {
		const options = "?parseTime=true&multiStatements=true"
		cluster := testdb.MariaDB(t)
		database := cluster.Database(t)
		e := endpoints{primary: cluster.Primary().DSN(database) + options, catchUp: cluster.WaitReplay}
		for _, replica := range cluster.Replicas() {
			e.replicas = append(e.replicas, replica.DSN(database)+options)
		}
		return e
	},
}

var (
	modernc = sqliteServer("SQLite modernc", "sqlite")
	ncruces = sqliteServer("SQLite ncruces", "sqlite3")
)

// sqliteServer has one file in WAL mode; the replica opens it to read only.
func sqliteServer(name, driver string) server {
	return server{
		name:     name,
		driver:   driver,
		whereAmI: "SELECT query_only FROM pragma_query_only",
		start: func(t testing.TB) endpoints {
			const options = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
			file := "file:" + filepath.Join(t.TempDir(), "shop.db")
			e := endpoints{
				primary:  file + "?_pragma=journal_mode(wal)&_txlock=immediate&" + options,
				replicas: []string{file + "?mode=ro&" + options},
				catchUp:  func(context.Context) error { return nil },
			}
			makeFile(t, driver, e.primary)
			return e
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
	must(t, db.Ping())
	mustExec(t, db, "PRAGMA user_version = 1")
}

// dollars reports whether the server's placeholders are $1, $2.
func (s server) dollars() bool { return s.driver == "pgx" }

func (s server) isSQLite() bool { return s.driver == modernc.driver || s.driver == ncruces.driver }

// on runs a test for each of the servers.
func on(t *testing.T, test func(t *testing.T, s server), servers ...server) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}
