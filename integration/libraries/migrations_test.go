package libraries

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratemysql "github.com/golang-migrate/migrate/v4/database/mysql"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/sync/errgroup"
)

// Each migration leaves in a table which session ran it, and with PostgreSQL how
// many advisory locks that session held: the one lock must be held by the session
// that migrates, and be free at the end.

const createWitness = "CREATE TABLE witness (session BIGINT, locks INT)"

// testify is the statement that each migration has.
func testify(s server) string {
	switch s.driver {
	case "pgx":
		return `INSERT INTO witness SELECT pg_backend_pid(),
			(SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid())`
	case "mysql":
		return "INSERT INTO witness SELECT CONNECTION_ID(), 1"
	}
	return "INSERT INTO witness VALUES (1, 1)"
}

const heldLocks = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"

func (f *shop) hasMigrated(n int) {
	f.t.Helper()
	equal(f.t, "the number of migrations that were run", f.count("SELECT COUNT(*) FROM witness"), n)
	equal(f.t, "the number of sessions that ran them", f.count("SELECT COUNT(DISTINCT session) FROM witness"), 1)
	equal(f.t, "the number of locks of each", f.count("SELECT MIN(locks) FROM witness"), 1)
	if f.server.driver == "pgx" {
		equal(f.t, "the number of locks that were not freed", f.count(heldLocks), 0)
	}
}

func TestGoose(t *testing.T) {
	on(t, testGoose, postgres, mariadb, modernc, ncruces)
}

func testGoose(t *testing.T, s server) {
	f := s.open(t)
	f.exec(createWitness)
	migrations := fstest.MapFS{
		"1_customers.sql": {Data: []byte(fmt.Sprintf("-- +goose Up\n%s;\n%s;\n-- +goose Down\nDROP TABLE customers;", createCustomers, testify(s)))},
		"2_index.sql": {Data: []byte(fmt.Sprintf(
			"-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX by_email ON customers (email);\n%s;", testify(s)))},
	}
	// goose reads the table of versions right after it has made it, and partly
	// before it takes its lock, so it is told where.
	ctx, several := f.onPrimary(), 1
	if s.driver == "pgx" {
		several = 2 // the lock is for them
	}
	f.writes(func() {
		var programs errgroup.Group
		for range several {
			programs.Go(func() error {
				_, err := newGoose(t, f, migrations).Up(ctx)
				return err
			})
		}
		must(t, programs.Wait())
	})
	f.hasMigrated(2)

	f.writes(func() {
		applied, err := newGoose(t, f, migrations).Up(ctx)
		must(t, err)
		equal(t, "the number of migrations that were left", len(applied), 0)
	})
	f.reads(func() {
		pending, err := newGoose(t, f, migrations).HasPending(t.Context())
		must(t, err)
		equal(t, "whether anything is pending", pending, false)
	})

	// One that fails in its transaction leaves nothing behind, and no lock.
	migrations["3_fails.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id INT);\nSELEKT 1;")}
	f.writes(func() {
		if _, err := newGoose(t, f, migrations).Up(ctx); err == nil {
			t.Error("a migration with a mistake went through")
		}
	})
	if s.driver == "pgx" {
		equal(t, "half of a migration", f.count("SELECT COUNT(*) FROM pg_tables WHERE tablename = 'half'"), 0)
		equal(t, "the number of locks that were not freed", f.count(heldLocks), 0)
	}
	delete(migrations, "3_fails.sql")
	f.writes(func() {
		_, err := newGoose(t, f, migrations).DownTo(ctx, 0)
		must(t, err)
	})
}

func newGoose(t *testing.T, f *shop, migrations fs.FS) *goose.Provider {
	t.Helper()
	var options []goose.ProviderOption
	dialect := goose.DialectSQLite3
	switch f.server.driver {
	case "pgx":
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 20))
		must(t, err)
		options = append(options, goose.WithSessionLocker(locker))
	case "mysql":
		dialect = goose.DialectMySQL
	}
	provider, err := goose.NewProvider(dialect, f.DB, migrations, options...)
	must(t, err)
	return provider
}

func TestGolangMigrate(t *testing.T) {
	on(t, testGolangMigrate, postgres, mariadb, modernc, ncruces)
}

// golang-migrate takes no context. It works on one sql.Conn, which its advisory
// lock keeps on the primary; what it asks before is the database's name.
func testGolangMigrate(t *testing.T, s server) {
	f := s.open(t)
	f.exec(createWitness)
	migrations := fstest.MapFS{
		"1_customers.up.sql":   {Data: []byte(createCustomers)},
		"1_customers.down.sql": {Data: []byte("DROP TABLE customers")},
		"2_index.up.sql":       {Data: []byte("CREATE INDEX by_email ON customers (email); " + testify(s))},
		"2_index.down.sql":     {Data: []byte("DELETE FROM witness")},
		"3_again.up.sql":       {Data: []byte(testify(s))},
		"3_again.down.sql":     {Data: []byte("DELETE FROM witness")},
	}
	up := f.newMigrate(migrations)
	if s.isSQLite() { // has no lock that pins: the versions are read from the replica, which is the same file
		must(t, up.Up())
	} else {
		f.writes(func() { must(t, up.Up()) })
	}
	f.caughtUp()
	f.hasMigrated(2)
	version, dirty, err := up.Version()
	must(t, err)
	equal(t, "the version", fmt.Sprint(version, dirty), "3 false")

	// The lock is free for another program.
	other := f.newMigrate(migrations)
	if err := other.Up(); err != migrate.ErrNoChange {
		t.Errorf("the second time: %v", err)
	}
	must(t, other.Steps(-3))
	equal(t, "the number of witnesses that are left", f.count("SELECT COUNT(*) FROM witness"), 0)

	migrations["4_fails.up.sql"] = &fstest.MapFile{Data: []byte("SELEKT 1")}
	failing := f.newMigrate(migrations)
	if err := failing.Up(); err == nil {
		t.Error("a migration with a mistake went through")
	}
	if _, dirty, err := failing.Version(); err != nil || !dirty {
		t.Errorf("after a migration with a mistake: dirty %v, %v", dirty, err)
	}
	if s.driver == "pgx" {
		equal(t, "the number of locks that were not freed", f.count(heldLocks), 0)
	}
}

// newMigrate shares the sql.DB, which golang-migrate closes with itself.
func (f *shop) newMigrate(migrations fs.FS) *migrate.Migrate {
	f.t.Helper()
	source, err := iofs.New(migrations, ".")
	must(f.t, err)
	var driver database.Driver
	switch f.server.driver {
	case "pgx":
		driver, err = migratepgx.WithInstance(f.DB, &migratepgx.Config{})
	case "mysql":
		driver, err = migratemysql.WithInstance(f.DB, &migratemysql.Config{})
	default: // the same for both; the one that is called sqlite3 links mattn/go-sqlite3
		driver, err = migratesqlite.WithInstance(f.DB, &migratesqlite.Config{})
	}
	must(f.t, err)
	m, err := migrate.NewWithInstance("iofs", source, f.server.name, driver)
	must(f.t, err)
	f.t.Cleanup(func() { m.Close() })
	return m
}
