package difftest

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// liveReads calls run for the cases of a dialect that we call reads.
func liveReads(name string, dialect multidb.Dialect, run func(query string)) {
	for _, c := range sqlcases.All() {
		if c.Dialect == name && multidb.Classify(dialect, c.Query).Kind == multidb.KindRead {
			run(c.Query)
		}
	}
}

// live is one connection of a child driver.
type live struct {
	t *testing.T
	*sql.Conn
}

func open(t *testing.T, driver, dsn string) live {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return live{t, conn}
}

// run runs a query to the end of its rows.
func (l live) run(query string, args ...any) error {
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	rows, err := l.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

func (l live) must(query string) {
	l.t.Helper()
	if err := l.run(query); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
}

func (l live) value(query string) (value string) {
	l.t.Helper()
	if err := l.QueryRowContext(l.t.Context(), query).Scan(&value); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// unknownFunction is what MariaDB says of what only MySQL has.
const unknownFunction = 1305

// TestLiveMariaDB runs our reads on a read-only replica, and in a READ ONLY
// transaction of the primary, where they must leave nothing that a later
// statement of the connection could see.
func TestLiveMariaDB(t *testing.T) {
	cluster := testdb.MariaDB(t)
	database := cluster.Database(t)
	primary := open(t, "mysql", cluster.Primary().DSN(database))
	for _, statement := range sqlcases.Schema(sqlcases.MySQL) {
		primary.must(statement)
	}
	if err := cluster.WaitReplay(t.Context()); err != nil {
		t.Fatal(err)
	}
	replica := open(t, "mysql", cluster.Replicas()[0].DSN(database))
	const traces = "SELECT CONCAT_WS(' ', LAST_INSERT_ID(), @@sql_mode, @@autocommit, @@in_transaction, IS_USED_LOCK('a'), DATABASE())"
	liveReads(sqlcases.MySQL, multidb.MySQL, func(query string) {
		if err := replica.run(query); err != nil && !isUnknown(err) {
			t.Errorf("on a replica: %s\n\t%v", query, err)
		}
		primary.must("START TRANSACTION READ ONLY")
		before := primary.value(traces)
		if err := primary.run(query); err != nil && !isUnknown(err) {
			t.Errorf("read only: %s\n\t%v", query, err)
		}
		if after := primary.value(traces); after != before {
			t.Errorf("%s\n\tleaves behind: %s\n\tbefore: %s", query, after, before)
		}
		primary.must("ROLLBACK")
	})
}

func isUnknown(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && e.Number == unknownFunction
}

// TestLiveSQLite runs our reads on a connection that may only query, and looks
// at what a connection remembers.
func TestLiveSQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	writer := open(t, "sqlite", file)
	for _, statement := range sqlcases.Schema(sqlcases.SQLite) {
		writer.must(statement)
	}
	reader := open(t, "sqlite", file+"?_pragma=query_only(1)")
	const traces = `SELECT total_changes() || ' ' || changes() || ' ' || last_insert_rowid() || ' ' ||
		(SELECT foreign_keys FROM pragma_foreign_keys) || (SELECT group_concat(name) FROM pragma_database_list) || (SELECT user_version FROM pragma_user_version)`
	liveReads(sqlcases.SQLite, multidb.SQLite, func(query string) {
		var args []any
		if query == `SELECT :a, @b, $c, ?1` {
			args = []any{1, sql.Named("a", 1), sql.Named("b", 2), sql.Named("c", 3)}
		}
		before := reader.value(traces)
		if err := reader.run(query, args...); err != nil && args == nil {
			t.Errorf("%s\n\t%v", query, err)
		}
		if after := reader.value(traces); after != before {
			t.Errorf("%s\n\tleaves behind: %s\n\tbefore: %s", query, after, before)
		}
	})
}
