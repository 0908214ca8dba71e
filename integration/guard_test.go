package integration

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/lib/pq"
	"github.com/ncruces/go-sqlite3"
	"modernc.org/sqlite"

	"github.com/multidb-go/multidb"
)

// The classification is forced wrong, and the server that is configured as the
// replica would take every write: nothing but its connections keep them away.

// leaky is a driver with leak(), which writes and is called a read.
type leaky struct {
	childDriver
	create []string // leak(n) and the table leaked, which has a row for each call and says who made it

	// engine opens the server as the engine of that name, of which its sessions
	// are told.
	engine func(dsn, name string) multidb.Engine

	// refused reports whether an error is the driver's own, and says that the
	// server does not write here.
	refused func(err error) bool

	// late says that the driver runs a query when the first row is asked for. The
	// refusal is then the program's, as the rows are.
	late bool
}

var leakyDrivers = []leaky{
	leakyLibpq("URL", func(dsn, name string) string { return dsn + "&application_name=" + name }),
	leakyLibpq("keywords", func(dsn, name string) string {
		u, err := url.Parse(dsn)
		if err != nil {
			panic(err)
		}
		return fmt.Sprintf("host=%s port=%s dbname=%s user=%s sslmode=disable application_name=%s default_transaction_read_only=off",
			u.Hostname(), u.Port(), u.Path[1:], u.User.Username(), name)
	}),
	leakyMySQL(mysqlPrepared),
	leakyMySQL(mysqlInterpolated),
	leakySQLite(modernc, false, func(err error) bool {
		e, ok := err.(*sqlite.Error)
		return ok && e.Code() == 8
	}),
	leakySQLite(ncruces, true, func(err error) bool {
		return err == error(sqlite3.ExtendedErrorCode(sqlite3.READONLY))
	}),
}

func eachLeaky(t *testing.T, test func(t *testing.T, d leaky)) {
	for _, d := range leakyDrivers {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

func leakyLibpq(way string, dsn func(dsn, name string) string) leaky {
	d := leaky{
		childDriver: libpq,
		create: []string{
			"CREATE TABLE leaked (n int, engine text DEFAULT current_setting('application_name'))",
			"CREATE FUNCTION leak(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO leaked VALUES (n) RETURNING n'",
		},
		engine: func(server, name string) multidb.Engine { return multidb.Engine{DSN: dsn(server, name)} },
		refused: func(err error) bool {
			e, ok := err.(*pq.Error)
			return ok && e.Code == "25006"
		},
	}
	d.name += " " + way
	return d
}

func leakyMySQL(d childDriver) leaky {
	return leaky{
		childDriver: d,
		create: []string{
			"CREATE TABLE leaked (n INT, engine VARCHAR(40))",
			`CREATE FUNCTION leak(n INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA
				BEGIN INSERT INTO leaked VALUES (n, @engine); RETURN n; END`,
		},
		engine: func(dsn, name string) multidb.Engine { return multidb.Engine{DSN: dsn + "&@engine='" + name + "'"} },
		refused: func(err error) bool {
			e, ok := err.(*mysql.MySQLError)
			return ok && e.Number == 1792
		},
	}
}

// No function of SQLite writes. So that a text that multidb takes for a read is a
// write for the server, it is changed in between.
func leakySQLite(d childDriver, late bool, refused func(error) bool) leaky {
	return leaky{
		childDriver: d,
		create:      []string{"CREATE TABLE leaked (n INT, engine TEXT)"},
		engine: func(dsn, name string) multidb.Engine {
			return multidb.Engine{Driver: d.driver, Connector: changing{d.driver, dsn, name}}
		},
		refused: refused,
		late:    late,
	}
}

// changing opens connections on which SELECT leak(n) writes.
type changing struct{ driver, dsn, engine string }

func (c changing) Driver() driver.Driver {
	db, err := sql.Open(c.driver, c.dsn)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	return db.Driver()
}

func (c changing) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return changingConn{conn, c.engine}, nil
}

type changingConn struct {
	driver.Conn
	engine string
}

func (c changingConn) change(query string) string {
	from, argument, found := strings.Cut(query, "leak(")
	if !found {
		return query
	}
	argument, _, _ = strings.Cut(argument, ")")
	return fmt.Sprintf("INSERT INTO leaked VALUES (%s, '%s') RETURNING %s n", argument, c.engine, strings.TrimPrefix(from, "SELECT"))
}

func (c changingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c changingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := c.Conn.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, c.change(query), args)
	}
	return nil, driver.ErrSkip
}

func (c changingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, c.change(query))
}

func (c changingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

// openTwice opens one writable server as the primary and as the one replica.
func (d leaky) openTwice(t *testing.T, change func(*multidb.Config)) *fleet {
	t.Helper()
	f := d.open(t, func(c *multidb.Config) {
		dsn := c.Primary.DSN
		c.Primary = d.engine(dsn, "primary")
		c.Replicas = []multidb.Engine{d.engine(dsn, "replica1")}
		c.ReadFunctions = []string{"leak"}
		if change != nil {
			change(c)
		}
	})
	for _, statement := range d.create {
		mustExec(t, f.direct, statement)
	}
	return f
}

// leaked says who wrote.
func (f *fleet) leaked() (engines []string) {
	f.t.Helper()
	rows, err := f.direct.QueryContext(f.t.Context(), "SELECT engine FROM leaked")
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			f.t.Fatal(err)
		}
		engines = append(engines, name)
	}
	return engines
}

func (f *fleet) wantLeaked(engines ...string) {
	f.t.Helper()
	if got := f.leaked(); !slices.Equal(got, engines) {
		f.t.Fatalf("written by %q, want %q", got, engines)
	}
}

func (f *fleet) engine(name string) multidb.EngineStats {
	f.t.Helper()
	e, ok := multidb.FromDB(f.DB).Stats().Engine(name)
	if !ok {
		f.t.Fatalf("no engine %q", name)
	}
	return e
}

func TestWhatAReplicaRefusesThePrimaryRunsOnce(t *testing.T) {
	eachLeaky(t, func(t *testing.T, d leaky) {
		f := d.openTwice(t, nil)
		var want []string
		for _, way := range []struct {
			name string
			run  func() error
		}{
			{"a text", func() error { return drain(f.QueryContext(t.Context(), "SELECT leak(1)")) }},
			{"with an argument", func() error { return drain(f.QueryContext(t.Context(), d.sql("SELECT leak(?)"), 2)) }},
			{"on any replica", func() error {
				return drain(f.QueryContext(multidb.WithEngine(t.Context(), multidb.Replica), "SELECT 2 + leak(1)"))
			}},
			{"prepared", func() error {
				stmt := mustPrepare(t, f, d.sql("SELECT 1 + leak(?)"))
				if err := drain(stmt.QueryContext(t.Context(), 3)); err != nil {
					return err
				}
				want = append(want, "primary")
				return drain(stmt.QueryContext(t.Context(), 3)) // it has learnt
			}},
		} {
			rescued := f.engine("replica1").Rescued
			if err := way.run(); d.late {
				if !d.refused(err) {
					t.Errorf("%s: %T %v, want the driver's own refusal", way.name, err, err)
				}
				f.wantLeaked()
				continue
			} else if err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
			want = append(want, "primary")
			f.wantLeaked(want...)
			if n := f.engine("replica1").Rescued - rescued; n != 1 {
				t.Errorf("%s: rescued %d times, want once for the text", way.name, n)
			}
		}
		if n := f.childrenInUse(); n != 0 {
			t.Errorf("%d children were not given back", n)
		}
	})
}

// Where the program named the engine, the refusal is the program's.
func TestNothingIsRescuedWhereTheEngineIsNamed(t *testing.T) {
	eachLeaky(t, func(t *testing.T, d leaky) {
		f := d.openTwice(t, nil)
		onReplica := multidb.WithEngine(t.Context(), "replica1")
		text := 0
		refused := func(what string, ctx context.Context, q querier, leak string, args ...any) {
			t.Helper()
			text++ // another one each time, as a text may have been learnt
			if err := drain(q.QueryContext(ctx, d.sql(fmt.Sprint("SELECT ", text, " + ", leak)), args...)); !d.refused(err) {
				t.Errorf("%s: %T %v, want the driver's own refusal", what, err, err)
			}
		}
		refused("on the named engine", onReplica, f, "leak(1)")
		refused("on the named engine, with an argument", onReplica, f, "leak(?)", 1)
		for name, begin := range map[string]func() (*sql.Tx, error){
			"in a transaction on the named engine": func() (*sql.Tx, error) { return f.BeginTx(onReplica, nil) },
			"in a read-only transaction":           func() (*sql.Tx, error) { return f.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}) },
		} {
			tx, err := begin()
			if err != nil {
				t.Fatal(err)
			}
			refused(name, t.Context(), tx, "leak(1)")
			tx.Rollback()
		}
		f.wantLeaked()
		if n := f.engine("replica1").Rescued; n != 0 {
			t.Errorf("rescued %d", n)
		}
	})
}

// Whatever a program asks of a transaction on a replica, the connection is no more
// open to writes after it than before.
func TestTheGuardOutlivesTransactions(t *testing.T) {
	eachLeaky(t, func(t *testing.T, d leaky) {
		f := d.openTwice(t, func(c *multidb.Config) { c.Replicas[0].MaxOpen = 1 })
		ctx := multidb.WithEngine(t.Context(), "replica1")
		for _, readOnly := range []bool{false, true} {
			for name, end := range map[string]func(*sql.Tx) error{"Commit": (*sql.Tx).Commit, "Rollback": (*sql.Tx).Rollback} {
				tx, err := f.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
				if err != nil {
					t.Fatal(err)
				}
				scan(t, t.Context(), tx, "SELECT COUNT(*) FROM leaked")
				if err := end(tx); err != nil {
					t.Fatal(err)
				}
				if n := f.engine("replica1").Pool.OpenConnections; n != 1 {
					t.Fatalf("%d connections are open: this shows nothing", n)
				}
				if err := f.insertRaw(ctx); !d.refused(err) {
					t.Errorf("after %s, read-only %t: %T %v, want the driver's own refusal", name, readOnly, err, err)
				}
				f.wantLeaked()
			}
		}
	})
}

// lib/pq would begin it with READ WRITE, which a standby refuses.
func TestAnyTransactionMayBeginOnANamedReplica(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		tx, err := f.BeginTx(multidb.WithEngine(t.Context(), "replica1"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if at := f.where(tx); at != multidb.Replica {
			t.Errorf("it is on the %s", at)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
	})
}

// insertRaw writes on the child connection itself, where nothing is routed.
func (f *fleet) insertRaw(ctx context.Context) error {
	conn := mustConn(f.t, f.DB)
	defer conn.Close()
	return conn.Raw(func(c any) error {
		return c.(*multidb.Conn).Raw(ctx, func(child any) error {
			_, err := child.(driver.ExecerContext).ExecContext(ctx, "INSERT INTO leaked VALUES (1, 'raw')", nil)
			return err
		})
	})
}

// The guard is what keeps the writes away, and it can be switched off.
func TestATrustedReplicaMayWrite(t *testing.T) {
	eachLeaky(t, func(t *testing.T, d leaky) {
		f := d.openTwice(t, func(c *multidb.Config) { c.Replicas[0].ReadOnly = "trust" })
		if err := drain(f.QueryContext(t.Context(), "SELECT leak(1)")); err != nil {
			t.Fatal(err)
		}
		f.wantLeaked("replica1")
		if err := f.insertRaw(multidb.WithEngine(t.Context(), "replica1")); err != nil {
			t.Fatal(err)
		}
		f.wantLeaked("replica1", "raw")
	})
}

// For lib/pq the setting is part of the connect: RESET ALL does not undo it, and
// no statement is sent for it.
func TestLibPQReadOnlyIsPartOfTheConnect(t *testing.T) {
	for _, d := range leakyDrivers {
		if d.driver != "postgres" {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			f := d.openTwice(t, nil)
			ctx := multidb.WithEngine(t.Context(), "replica1")
			conn := mustConn(t, f.DB)
			if _, err := conn.ExecContext(ctx, "RESET ALL"); err != nil {
				t.Fatal(err)
			}
			for setting, want := range map[string]string{"default_transaction_read_only": "on", "application_name": "replica1"} {
				if got := scan(t, ctx, conn, "SELECT current_setting('"+setting+"')"); got != want {
					t.Errorf("%s is %q after RESET ALL, want %q", setting, got, want)
				}
			}
			source := scan(t, ctx, conn, "SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only'")
			if source != "client" {
				t.Errorf("the setting comes from %q, want the client's start-up packet", source)
			}
		})
	}
}
