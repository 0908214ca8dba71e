package multidb_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// The classification is forced wrong, and the server that is configured as the
// replica would take every write: nothing but its connections keep them away.

// ways are the ways in which a program may give the replica's engine.
var ways = map[string]func(t *testing.T, dsn string) multidb.Engine{
	"DSN": func(t *testing.T, dsn string) multidb.Engine { return multidb.Engine{DSN: dsn} },
	"keywords": func(t *testing.T, dsn string) multidb.Engine {
		u := must(url.Parse(dsn))
		return multidb.Engine{DSN: "host=" + u.Hostname() + " port=" + u.Port() + " dbname=" + u.Path[1:] +
			" user=" + u.User.Username() + " application_name=replica sslmode=disable"}
	},
	"registered configuration": func(t *testing.T, dsn string) multidb.Engine {
		name := stdlib.RegisterConnConfig(must(pgx.ParseConfig(dsn)))
		t.Cleanup(func() { stdlib.UnregisterConnConfig(name) })
		return multidb.Engine{DSN: name}
	},
	"connector": func(t *testing.T, dsn string) multidb.Engine {
		return multidb.Engine{Connector: stdlib.GetConnector(*must(pgx.ParseConfig(dsn)))}
	},
	"wrapped connector": func(t *testing.T, dsn string) multidb.Engine {
		return multidb.Engine{Driver: "pgx", Connector: wrapped{stdlib.GetConnector(*must(pgx.ParseConfig(dsn)))}}
	},
}

// wrapped hides whose connector it is.
type wrapped struct{ driver.Connector }

// openTwice opens one writable server as both primary and replica, which tell
// their names to the server. leak() writes, and is called a read.
func openTwice(t *testing.T, change func(*multidb.Config), way func(t *testing.T, dsn string) multidb.Engine) *shop {
	t.Helper()
	s := openShop(t, func(c *multidb.Config) {
		u := must(url.Parse(c.Primary.DSN))
		named := func(name string) string {
			q := u.Query()
			q.Set("application_name", name)
			u.RawQuery = q.Encode()
			return u.String()
		}
		c.Primary.DSN = named("primary")
		c.Replicas = []multidb.Engine{way(t, named("replica"))}
		c.ReadFunctions = []string{"leak"}
		if change != nil {
			change(c)
		}
	})
	s.exec("CREATE TABLE leaked (by text DEFAULT current_setting('application_name'))")
	s.exec("CREATE FUNCTION leak() RETURNS int LANGUAGE sql AS 'INSERT INTO leaked DEFAULT VALUES RETURNING 1'")
	return s
}

// leaked says who wrote.
func (s *shop) leaked() (by []string) {
	s.t.Helper()
	rows := must(s.QueryContext(multidb.WithEngine(s.t.Context(), multidb.Primary), "SELECT by FROM leaked"))
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		by = append(by, name)
	}
	return by
}

func TestPostgresAReplicaRefusesWrites(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			s := openTwice(t, nil, way)
			check(t, use(s.Query("SELECT leak()")))
			if by := s.leaked(); len(by) != 1 || by[0] != "primary" {
				t.Fatalf("written by %v, want once by the primary", by)
			}
			stmt := must(s.Prepare("SELECT 1 + leak()"))
			defer stmt.Close()
			check(t, use(stmt.Query()))
			check(t, use(stmt.Query()))
			if e, _ := multidb.FromDB(s.DB).Stats().Engine("replica1"); e.Rescued != 2 {
				t.Errorf("rescued %d, want one for each text", e.Rescued)
			}
			if by := s.leaked(); len(by) != 3 || by[1] != "primary" || by[2] != "primary" {
				t.Errorf("written by %v, want all by the primary", by)
			}
			tx := must(s.BeginTx(multidb.WithEngine(t.Context(), "replica1"), nil))
			var refused *pgconn.PgError
			if err := use(tx.Query("SELECT 2 + leak()")); !errors.As(err, &refused) || refused.Code != "25006" {
				t.Errorf("in a transaction on the replica: %v", err)
			}
			check(t, tx.Rollback())
		})
	}
}

// What pgx's own settings carry costs no statement, and is the session's default:
// a SET would be undone by RESET ALL.
func TestPostgresReadOnlyIsPartOfTheConnect(t *testing.T) {
	setting := func(way func(t *testing.T, dsn string) multidb.Engine) string {
		s := openTwice(t, nil, way)
		ctx := multidb.WithEngine(t.Context(), "replica1")
		conn := must(s.Conn(ctx))
		defer conn.Close()
		must(conn.ExecContext(ctx, "RESET ALL"))
		var value string
		check(t, conn.QueryRowContext(ctx, "SELECT current_setting('default_transaction_read_only')").Scan(&value))
		return value
	}
	if got := setting(ways["DSN"]); got != "on" {
		t.Errorf("by DSN the session starts with %q", got)
	}
	if got := setting(ways["connector"]); got != "off" {
		t.Errorf("a connector that the user built was changed: the session starts with %q", got)
	}
}

// The guard is what keeps the writes away, and it can be switched off.
func TestPostgresTrustedReplica(t *testing.T) {
	s := openTwice(t, func(c *multidb.Config) { c.Replicas[0].ReadOnly = "trust" }, ways["DSN"])
	check(t, use(s.Query("SELECT leak()")))
	if by := s.leaked(); len(by) != 1 || by[0] != "replica" {
		t.Errorf("written by %v, want by the replica, which was trusted", by)
	}
}

// A connection that cannot be made read-only is not used.
func TestAReplicaThatCannotBeGuardedIsNotUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.Replicas[0].ReadOnly = "" })
		h.replicas[0].On(testdb.OpExec, func(*testdb.Call) error { return sqlState("42501") })
		if at := h.where(t.Context()); at != "primary" {
			t.Errorf("answered by %s", at)
		}
		err := use(h.db.QueryContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT 1"))
		wantErr(t, err, sqlState("42501"))
		if trace := h.replicas[0].Trace(); len(trace) == 0 || h.replicas[0].Count(testdb.OpQuery) != 0 {
			t.Errorf("the replica saw %q", trace)
		}
	})
}

// newGuarded is a herd of which the replica is opened read-only, and whose engines
// speak another SQL.
func newGuarded(t *testing.T, speaks string) *herd {
	t.Helper()
	return newHerd(t, 1, func(c *multidb.Config) {
		c.Primary.Driver, c.Replicas[0].Driver, c.Replicas[0].ReadOnly = speaks, speaks, ""
	})
}

// Drivers of PostgreSQL may begin with READ WRITE what is not asked to be
// read-only.
func TestATransactionOnAReplicaIsBegunReadOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newGuarded(t, "postgres")
		tx := must(h.db.BeginTx(multidb.WithEngine(t.Context(), "replica1"), nil))
		check(t, tx.Rollback())
		if trace := h.replicas[0].Trace(); !slices.Contains(trace, "#1 Begin read-only") {
			t.Errorf("the replica saw %q", trace)
		}
		tx = must(h.db.Begin())
		check(t, tx.Rollback())
		if trace := h.primary.Trace(); slices.Contains(trace, "#1 Begin read-only") {
			t.Errorf("the primary saw %q", trace)
		}
	})
}

// Drivers of SQLite may end a read-only transaction with PRAGMA query_only=off.
func TestTheGuardOfSQLiteIsSetAgainAfterATransaction(t *testing.T) {
	for name, end := range map[string]func(*sql.Tx) error{"Commit": (*sql.Tx).Commit, "Rollback": (*sql.Tx).Rollback} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newGuarded(t, "sqlite")
				replica := h.replicas[0]
				run := func() {
					tx := must(h.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
					replica.ClearTrace()
					check(t, end(tx))
				}
				run()
				if trace := replica.Trace(); len(trace) < 2 || trace[0] != "#1 "+name || trace[1] != "#1 Exec PRAGMA query_only = 1" {
					t.Errorf("the replica saw %q", trace)
				}
				replica.FailOnce(testdb.OpExec, errors.New("no"))
				run()
				if n := replica.Open(); n != 0 {
					t.Errorf("the connection that could not be guarded again is kept")
				}
			})
		})
	}
}
