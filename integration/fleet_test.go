package integration

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// fleet is one database on a primary and its replicas: through multidb with
// reader/writer split and, beside it, through the child driver alone.
type fleet struct {
	*sql.DB
	direct *sql.DB // the primary, without multidb
	t      testing.TB
	driver childDriver
	servers
}

// servers is what a driver's tests need to know of the servers of one database.
type servers struct {
	primary  string   // DSN
	replicas []string // DSNs

	// catchUp returns when the replicas have what the primary has. It is nil
	// where they share its file.
	catchUp func(ctx context.Context) error
}

// open makes a database of its own. change may change the configuration first.
func (d childDriver) open(t testing.TB, change func(*multidb.Config)) *fleet {
	t.Helper()
	f := &fleet{t: t, driver: d, servers: d.servers(t)}
	config := multidb.Config{Driver: d.driver, Primary: multidb.Engine{DSN: f.primary}}
	for _, dsn := range f.replicas {
		config.Replicas = append(config.Replicas, multidb.Engine{DSN: dsn})
	}
	if change != nil {
		change(&config)
	}
	connector, err := multidb.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	f.DB = sql.OpenDB(connector)
	if f.direct, err = sql.Open(d.driver, f.primary); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.DB.Close()
		f.direct.Close()
	})
	return f
}

// exec runs a statement that must succeed, and waits until the replicas have
// what it did.
func (f *fleet) exec(query string, args ...any) {
	f.t.Helper()
	mustExec(f.t, f.DB, query, args...)
	if f.catchUp == nil {
		return
	}
	if err := f.catchUp(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) onPrimary() context.Context {
	return multidb.WithEngine(f.t.Context(), multidb.Primary)
}

// where asks the server that answers q whether it is the primary or a replica.
func (f *fleet) where(q querier) string {
	f.t.Helper()
	return f.role(scan(f.t, f.t.Context(), q, f.driver.whereAmI))
}

func (f *fleet) role(answer string) string {
	f.t.Helper()
	primary := scan(f.t, f.t.Context(), f.direct, f.driver.whereAmI)
	if answer == primary {
		return multidb.Primary
	}
	return multidb.Replica
}

// readsRouted is how many statements went to replicas as reads.
func (f *fleet) readsRouted() (n uint64) {
	for _, engine := range multidb.FromDB(f.DB).Stats().Engines {
		if engine.Role == multidb.Replica {
			n += engine.Routed["read"]
		}
	}
	return n
}

// childrenInUse is how many child connections are in somebody's hands.
func (f *fleet) childrenInUse() (n int) {
	for _, engine := range multidb.FromDB(f.DB).Stats().Engines {
		n += engine.Pool.InUse
	}
	return n
}

// querier is a *sql.DB, *sql.Conn or *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func mustExec(t testing.TB, q querier, query string, args ...any) sql.Result {
	t.Helper()
	result, err := q.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return result
}

// scan returns the one value that a query must have.
func scan(t testing.TB, ctx context.Context, q querier, query string, args ...any) string {
	t.Helper()
	var value string
	if err := q.QueryRowContext(ctx, query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func mustConn(t testing.TB, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func mustBegin(t testing.TB, db *sql.DB, opts *sql.TxOptions) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

func mustPrepare(t testing.TB, q querier, query string) *sql.Stmt {
	t.Helper()
	stmt, err := q.PrepareContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	t.Cleanup(func() { stmt.Close() })
	return stmt
}

func drain(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// waitFor waits until a query on q gives want.
func waitFor(t testing.TB, q querier, want, query string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if got := scan(t, ctx, q, query, args...); got == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
