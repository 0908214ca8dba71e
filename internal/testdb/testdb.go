// Package testdb gives tests real database servers: a PostgreSQL primary with
// streaming standbys, and a MariaDB primary with replicas. It starts them from the
// programs that are installed on this machine (Linux only), as an unprivileged
// user if the tests run as root, in a temporary folder and on free ports, and
// leaves nothing behind however the tests end.
//
// Most tests share one cluster for the whole test binary:
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
//
//	func TestReads(t *testing.T) {
//		cluster := testdb.Postgres(t)
//		database := cluster.Database(t)
//		db, err := sql.Open("pgx", cluster.Primary().DSN(database))
//
// A test that stops, kills or promotes servers starts a cluster for itself, with
// OwnPostgres or OwnMariaDB.
//
// Without the servers such tests are skipped; with MULTIDB_REQUIRE_SERVERS=1 in
// the environment they fail instead.
package testdb

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// ErrNotInstalled says that a server's programs are not on this machine.
var ErrNotInstalled = errors.New("multidb: the server is not installed")

// Main runs the tests of a package and stops the servers that they started, also
// on SIGINT and SIGTERM. Call it from TestMain. It does not return.
func Main(m *testing.M) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		live.stop()
		os.Exit(1)
	}()
	code := m.Run()
	live.stop()
	os.Exit(code)
}

// Need lets a test go on if err is nil. If err says that a server is not
// installed, it skips the test, or fails it where servers are required. Any other
// error fails it: an installed server that does not start is worth a look.
func Need(t testing.TB, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case !errors.Is(err, ErrNotInstalled):
		t.Fatalf("%s does not start: %v", what, err)
	case required():
		t.Fatalf("this test needs %s, and MULTIDB_REQUIRE_SERVERS=1 forbids to skip it: %v (.ci/servers installs it)", what, err)
	default:
		t.Skipf("this test needs %s: %v (.ci/servers installs it)", what, err)
	}
}

func required() bool { return os.Getenv("MULTIDB_REQUIRE_SERVERS") == "1" }

// Postgres is a primary with two standbys that all tests of the binary share. The
// first test that asks for it waits until it has started.
func Postgres(t testing.TB) *PostgresCluster {
	t.Helper()
	c, err := sharedPostgres()
	Need(t, "PostgreSQL", err)
	c.logIfFailed(t)
	return c
}

var sharedPostgres = sync.OnceValues(func() (*PostgresCluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return StartPostgres(ctx, PostgresOptions{Standbys: 2})
})

// OwnPostgres is a cluster for this test alone. It is stopped when the test ends.
func OwnPostgres(t testing.TB, options PostgresOptions) *PostgresCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	c, err := StartPostgres(ctx, options)
	Need(t, "PostgreSQL", err)
	t.Cleanup(c.Stop)
	c.logIfFailed(t)
	return c
}

// Database is a new, empty database that all servers of the cluster have until
// the test ends.
func (c *PostgresCluster) Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, c)
}

// Databases are as many new, empty databases. Making them together takes a small
// part of the time of making them one by one.
func (c *PostgresCluster) Databases(t testing.TB, count int) []string {
	t.Helper()
	var names []string
	for range count {
		names = append(names, newName())
	}
	if err := c.CreateDatabases(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
	dropAfter(t, c, names...)
	return names
}

// MariaDB is a primary with one replica that all tests of the binary share. The
// first test that asks for it waits until it has started.
func MariaDB(t testing.TB) *MariaDBCluster {
	t.Helper()
	c, err := sharedMariaDB()
	Need(t, "MariaDB", err)
	c.logIfFailed(t)
	return c
}

var sharedMariaDB = sync.OnceValues(func() (*MariaDBCluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return StartMariaDB(ctx, MariaDBOptions{Replicas: 1})
})

// OwnMariaDB is a cluster for this test alone. It is stopped when the test ends.
func OwnMariaDB(t testing.TB, options MariaDBOptions) *MariaDBCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	c, err := StartMariaDB(ctx, options)
	Need(t, "MariaDB", err)
	t.Cleanup(c.Stop)
	c.logIfFailed(t)
	return c
}

// Database is a new, empty database that all servers of the cluster have until
// the test ends.
func (c *MariaDBCluster) Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, c)
}

var databases atomic.Int64 // how many names newName has given

func newName() string { return "test" + strconv.FormatInt(databases.Add(1), 10) }

func newDatabase(t testing.TB, c interface {
	CreateDatabase(ctx context.Context, name string) error
	dropper
}) string {
	t.Helper()
	name := newName()
	if err := c.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	dropAfter(t, c, name)
	return name
}

type dropper interface {
	DropDatabase(ctx context.Context, name string) error
}

// dropAfter drops databases when the test has ended.
func dropAfter(t testing.TB, c dropper, names ...string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		for _, name := range names {
			if err := c.DropDatabase(ctx, name); err != nil {
				t.Error(err)
			}
		}
	})
}

// logIfFailed shows what the servers logged during a test that has failed.
func (c *cluster) logIfFailed(t testing.TB) {
	before := make(map[*Server]int)
	for _, s := range c.servers() {
		before[s] = len(s.Log())
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, s := range c.servers() {
			if during := strings.TrimSpace(s.Log()[before[s]:]); during != "" {
				t.Logf("log of %s on port %d during this test:\n%s", s.Name, s.Port, during)
			}
		}
	})
}
