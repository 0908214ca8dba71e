package integration

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/multidb-go/multidb/internal/testdb"
)

var libpq = childDriver{
	name:     "libpq",
	driver:   "postgres",
	dollars:  true,
	whereAmI: "SELECT inet_server_port()",
	servers: func(t testing.TB) servers {
		cluster := testdb.Postgres(t)
		database := cluster.Database(t)
		dsn := func(s *testdb.Server) string { return s.DSN(database) + "?sslmode=disable" }
		s := servers{primary: dsn(cluster.Primary()), catchUp: cluster.WaitReplay}
		for _, standby := range cluster.Standbys() {
			s.replicas = append(s.replicas, dsn(standby))
		}
		return s
	},
	kinds: []string{
		`CREATE TABLE kinds (id int PRIMARY KEY, i2 smallint, i8 bigint, f4 real, f8 double precision, num numeric(20,5),
			yes boolean, txt text, vc varchar(10), ch char(5), by bytea, d date, ts timestamp, tz timestamptz, tod time,
			iv interval, u uuid, j json, jb jsonb, ints int[], texts text[], ip inet)`,
		`INSERT INTO kinds VALUES (1, -2, 9223372036854775807, 1.5, 2.25, 12345.67890, true, 'text ü', 'vc', 'ch', '\x00ff',
			'2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+02', '12:34:56', '1 day 2 hours',
			'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{"a": 1}', '{1,2,NULL}', '{"a","b,c"}', '10.0.0.1/8')`,
		`INSERT INTO kinds (id) VALUES (2)`,
	},
	arguments: []any{"tea", []byte("milk"), nil, "ü", 12, 1.5, true, time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC), struct{}{}},
	mistakes:  []string{"SELECT 1/0", "INSERT INTO visits VALUES (2, repeat('x', 41))", "SELECT 1; SELECT 2", ""},
	states: []state{
		{"SET search_path TO elsewhere, public", "SELECT current_setting('search_path')", "elsewhere, public"},
		{"SELECT pg_advisory_lock(42)", "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "1"},
		{"SELECT set_config('app.tenant', 'acme', false)", "SELECT coalesce(current_setting('app.tenant', true), '')", "acme"},
		{"CREATE TEMP TABLE basket AS SELECT 2 AS id", "SELECT max(id) FROM basket", "2"},
		{"LISTEN news", "SELECT count(*)::text FROM pg_listening_channels()", "1"},
		{"PREPARE greet AS SELECT 1", "SELECT count(*)::text FROM pg_prepared_statements WHERE name = 'greet'", "1"},
	},
}

var lossyLibpq = lossy{
	childDriver: libpq,
	slowWrite:   "INSERT INTO visits SELECT 1, 'slow' FROM pg_sleep(60)",
	count: `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND state = 'active' AND query LIKE 'INSERT INTO visits SELECT 1%'`,
	kill: func(t testing.TB, f *fleet) {
		killed := scan(t, t.Context(), f.direct, `SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if killed == "0" {
			t.Fatal("there was nothing to kill")
		}
	},
	idleCheck: 1100 * time.Millisecond,
}

// copyIn is what pq.CopyIn("visits", "id", "note") returns.
const copyIn = `COPY "visits" ("id", "note") FROM STDIN`

// A COPY is a prepared statement that takes its rows by Exec, and is ended by an
// Exec without arguments or by Close.
func TestLibPQCopy(t *testing.T) {
	f := libpq.open(t, nil)
	f.exec("CREATE TABLE visits (id INT, note VARCHAR(40))")
	const rows = 5000
	fill := func(stmt *sql.Stmt) {
		t.Helper()
		for i := range rows {
			if _, err := stmt.ExecContext(t.Context(), i, fmt.Sprint("note ", i)); err != nil {
				t.Fatalf("row %d: %v", i, err)
			}
		}
	}
	finish := func(stmt *sql.Stmt) {
		t.Helper()
		result, err := stmt.ExecContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := result.RowsAffected(); err != nil || n != rows {
			t.Errorf("%d rows were copied, %v", n, err)
		}
		if err := stmt.Close(); err != nil {
			t.Error(err)
		}
	}
	expect := func(want int) {
		t.Helper()
		if n := scan(t, t.Context(), f.direct, "SELECT count(*) FROM visits"); n != fmt.Sprint(want) {
			t.Errorf("there are %s rows, not %d", n, want)
		}
	}

	tx := mustBegin(t, f.DB, nil)
	for range 2 { // of the same text, one after the other
		stmt := mustPrepare(t, tx, copyIn)
		fill(stmt)
		finish(stmt)
	}
	if n := scan(t, t.Context(), tx, "SELECT count(*) FROM visits"); n != fmt.Sprint(2*rows) {
		t.Errorf("the transaction sees %s rows", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	expect(2 * rows)

	// Ended by Close alone, which is the only word that the server gets.
	tx = mustBegin(t, f.DB, nil)
	stmt := mustPrepare(t, tx, copyIn)
	fill(stmt)
	if err := stmt.Close(); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	expect(3 * rows)

	// Rolled back. (A rollback before Close is a data race of lib/pq's own.)
	tx = mustBegin(t, f.DB, nil)
	stmt = mustPrepare(t, tx, copyIn)
	fill(stmt)
	stmt.Close()
	tx.Rollback()
	for range 4 {
		mustExec(t, f, "SELECT 1")
	}
	expect(3 * rows)

	// On a sql.Conn, in a transaction of texts. Its statement is left open, and
	// the next COPY of the same text must be one of its own.
	for i := range 2 {
		conn := mustConn(t, f.DB)
		mustExec(t, conn, "BEGIN")
		stmt = mustPrepare(t, conn, copyIn)
		fill(stmt)
		if _, err := stmt.ExecContext(t.Context()); err != nil {
			t.Fatalf("COPY %d on a sql.Conn: %v", i, err)
		}
		mustExec(t, conn, "COMMIT")
		conn.Close()
		expect((4 + i) * rows)
	}
}

func TestLibPQCopyErrorsAreTheChilds(t *testing.T) {
	f := libpq.open(t, nil)
	f.exec("CREATE TABLE visits (id INT PRIMARY KEY, note VARCHAR(40))")
	same(f, "COPY outside of a transaction", func(db *sql.DB) failure {
		_, err := db.PrepareContext(t.Context(), copyIn)
		return failureOf(err)
	})
	for what, rows := range map[string][][]any{
		"a duplicate key": {{1, "tea"}, {1, "milk"}},
		"a wrong type":    {{"one", "tea"}},
		"too few columns": {{1}},
		"no row":          {},
	} {
		same(f, what, func(db *sql.DB) (errs []failure) {
			tx := mustBegin(t, db, nil)
			defer tx.Rollback()
			stmt := mustPrepare(t, tx, copyIn)
			for _, row := range append(rows, nil) {
				_, err := stmt.ExecContext(t.Context(), row...)
				errs = append(errs, failureOf(err))
			}
			return append(errs, failureOf(stmt.Close()), failureOf(tx.Commit()))
		})
	}
	same(f, "a query inside a COPY", func(db *sql.DB) failure {
		tx := mustBegin(t, db, nil)
		defer tx.Rollback()
		stmt := mustPrepare(t, tx, copyIn)
		defer stmt.Close()
		_, err := tx.ExecContext(t.Context(), "SELECT 1")
		return failureOf(err)
	})
}
