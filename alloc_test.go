package multidb_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What multidb allocates over the child driver, for each operation.
func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	null := multidb.Engine{Driver: "postgres", Connector: testdb.NullConnector{}}
	dbs := map[mode]*sql.DB{
		direct: sql.OpenDB(testdb.NullConnector{}),
		held:   openConfig(t, multidb.Config{Primary: null}),
		leased: openConfig(t, multidb.Config{Primary: null, Replicas: []multidb.Engine{null}}),
	}
	for _, db := range dbs {
		defer db.Close()
	}
	ctx := context.Background()
	for _, test := range []struct {
		name string
		over float64
		make func(db *sql.DB) func()
	}{
		{"QueryRow", 0, func(db *sql.DB) func() {
			var n int64
			return func() { db.QueryRowContext(ctx, "SELECT n FROM t WHERE id = $1", 1).Scan(&n) }
		}},
		{"Exec", 0, func(db *sql.DB) func() {
			return func() { db.ExecContext(ctx, "UPDATE t SET n = 1 WHERE id = $1", 1) }
		}},
		{"Stmt.Query", 0, func(db *sql.DB) func() {
			stmt := must(db.PrepareContext(ctx, "SELECT n FROM t WHERE id = $1"))
			t.Cleanup(func() { stmt.Close() })
			var n int64
			return func() { stmt.QueryRowContext(ctx, 1).Scan(&n) }
		}},
		{"Stmt.Exec", 0, func(db *sql.DB) func() {
			stmt := must(db.PrepareContext(ctx, "UPDATE t SET n = 1 WHERE id = $1"))
			t.Cleanup(func() { stmt.Close() })
			return func() { stmt.ExecContext(ctx, 1) }
		}},
		{"Tx", 1, func(db *sql.DB) func() {
			return func() {
				tx, _ := db.BeginTx(ctx, nil)
				tx.ExecContext(ctx, "UPDATE t SET n = 1 WHERE id = $1", 1)
				tx.Commit()
			}
		}},
		{"read-only Tx", 1, func(db *sql.DB) func() {
			opts := &sql.TxOptions{ReadOnly: true}
			var n int64
			return func() {
				tx, _ := db.BeginTx(ctx, opts)
				tx.QueryRowContext(ctx, "SELECT n FROM t WHERE id = $1", 1).Scan(&n)
				tx.Rollback()
			}
		}},
	} {
		want := allocations(test.make(dbs[direct])) + test.over
		for _, m := range []mode{held, leased} {
			if got := allocations(test.make(dbs[m])); got > want {
				t.Errorf("%s, %s: %v allocations, want at most %v", test.name, m, got, want)
			}
		}
	}
}

// The same for the other ways in which a route is found.
func TestAllocationsByRoute(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	null := multidb.Engine{Driver: "postgres", Connector: testdb.NullConnector{}}
	split := multidb.Config{Primary: null, Replicas: []multidb.Engine{null}}
	with := func(change func(*multidb.Config)) multidb.Config {
		c := split
		c.Databases = map[string]multidb.Database{"audit": {Primary: null, Replicas: []multidb.Engine{null}}}
		change(&c)
		return c
	}
	run := func(db *sql.DB, ctx context.Context) func() {
		var n int64
		return func() {
			db.QueryRowContext(ctx, "SELECT n FROM t WHERE id = $1", 1).Scan(&n)
			db.ExecContext(ctx, "UPDATE t SET n = 1 WHERE id = $1", 1)
		}
	}
	ctx := context.Background()
	child := sql.OpenDB(testdb.NullConnector{})
	defer child.Close()
	want := allocations(run(child, ctx))
	for _, test := range []struct {
		name   string
		ctx    context.Context
		config multidb.Config
	}{
		{"three replicas", ctx, with(func(c *multidb.Config) { c.Replicas = []multidb.Engine{null, null, null} })},
		{"round robin", ctx, with(func(c *multidb.Config) { c.Replicas, c.Balance = []multidb.Engine{null, null}, multidb.RoundRobin })},
		{"engine of the context", multidb.WithEngine(ctx, multidb.Primary), split},
		{"database of the context", multidb.WithDatabase(ctx, "audit"), with(func(*multidb.Config) {})},
		{"rule", ctx, with(func(c *multidb.Config) { c.Rules = []multidb.Rule{{Tables: []string{"t"}, Use: "audit"}} })},
		{"router", ctx, with(func(c *multidb.Config) {
			c.Router = func(context.Context, multidb.Statement) (string, error) { return "audit", nil }
		})},
		{"reads on the primary", ctx, with(func(c *multidb.Config) { c.Reads = "primary" })},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := openConfig(t, test.config)
			defer db.Close()
			db.SetMaxIdleConns(8)
			if got := allocations(run(db, test.ctx)); got > want {
				t.Errorf("%v allocations, want %v", got, want)
			}
		})
	}
}

// allocations is the least of several measurements: the goroutines that
// database/sql starts for a transaction allocate now and then for themselves.
func allocations(run func()) float64 {
	least := testing.AllocsPerRun(200, run)
	for range 9 {
		least = min(least, testing.AllocsPerRun(200, run))
	}
	return least
}
