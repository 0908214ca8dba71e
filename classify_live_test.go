package multidb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/testdb"
)

// liveServer is a plain connection to a server, on which texts run as they are.
type liveServer struct {
	t    *testing.T
	conn *pgconn.PgConn
}

func connectLive(t *testing.T, s *testdb.Server, database string) liveServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	conn, err := pgconn.Connect(ctx, s.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return liveServer{t, conn}
}

// run returns the first value of the last result.
func (l liveServer) run(query string) (value string, err error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	results, err := l.conn.Exec(ctx, query).ReadAll()
	if n := len(results); n > 0 && len(results[n-1].Rows) > 0 && len(results[n-1].Rows[0]) > 0 {
		value = string(results[n-1].Rows[0][0])
	}
	return value, err
}

func (l liveServer) must(query string) string {
	l.t.Helper()
	value, err := l.run(query)
	if err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// traces is everything that a statement could leave behind without an error: a
// transaction id, a lock, a prepared statement, a cursor, a channel, temporary
// tables, a setting.
const traces = `SELECT concat_ws(' ',
	'xid', pg_current_xact_id_if_assigned(),
	'locks', (SELECT string_agg(locktype || ' ' || mode, ',' ORDER BY 1) FROM (SELECT DISTINCT locktype, mode FROM pg_locks
		WHERE pid = pg_backend_pid() AND (locktype IN ('advisory', 'tuple', 'transactionid') OR mode NOT IN ('AccessShareLock', 'RowExclusiveLock', 'ExclusiveLock'))) l),
	'prepared', (SELECT count(*) FROM pg_prepared_statements), 'cursors', (SELECT count(*) FROM pg_cursors),
	'channels', (SELECT count(*) FROM pg_listening_channels()), 'temp', pg_my_temp_schema(),
	'settings', (SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction%'))`

// TestClassifyLive runs what we call a read where nothing else can run: on a hot
// standby, and in a READ ONLY transaction of the primary, where it must leave
// nothing behind.
func TestClassifyLive(t *testing.T) {
	cluster := testdb.Postgres(t)
	database := cluster.Database(t)
	primary := connectLive(t, cluster.Primary(), database)
	for _, statement := range sqlcases.Schema(sqlcases.Postgres) {
		primary.must(statement)
	}
	if err := cluster.WaitReplay(t.Context()); err != nil {
		t.Fatal(err)
	}
	standby := connectLive(t, cluster.Standbys()[0], database)
	for _, c := range sqlcases.All() {
		if c.Dialect != sqlcases.Postgres || multidb.Classify(multidb.Postgres, c.Query).Kind != multidb.KindRead {
			continue
		}
		if _, err := standby.run(c.Query); err != nil {
			t.Errorf("on a standby: %s\n\t%v", c.Query, err)
		}
		primary.must("BEGIN READ ONLY")
		before := primary.must(traces)
		if _, err := primary.run(c.Query); err != nil {
			t.Errorf("read only: %s\n\t%v", c.Query, err)
		} else if after := primary.must(traces); after != before {
			t.Errorf("%s\n\tleaves behind: %s\n\tbefore: %s", c.Query, after, before)
		}
		primary.must("ROLLBACK")
	}
}

// TestClassifyLiveFunctions calls every function of the server that needs no
// argument and that we think has no effect.
func TestClassifyLiveFunctions(t *testing.T) {
	cluster := testdb.Postgres(t)
	database := cluster.Database(t)
	standby := connectLive(t, cluster.Standbys()[0], database)
	primary := connectLive(t, cluster.Primary(), database)
	names := strings.Fields(standby.must(`SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc
		WHERE pronamespace = 'pg_catalog'::regnamespace AND pronargs = 0 AND prokind = 'f'`))
	called := 0
	for _, name := range names {
		query := "SELECT pg_catalog." + name + "()"
		if multidb.Classify(multidb.Postgres, query).Kind != multidb.KindRead {
			continue
		}
		called++
		var refused *pgconn.PgError
		if _, err := standby.run(query); errors.As(err, &refused) && (refused.Code == "25006" || strings.Contains(refused.Message, "recovery is in progress")) {
			t.Errorf("on a standby: %s\n\t%v", query, err)
		}
		primary.must("BEGIN READ ONLY")
		before := primary.must(traces)
		if _, err := primary.run(query); err == nil {
			if after := primary.must(traces); after != before {
				t.Errorf("%s\n\tleaves behind: %s\n\tbefore: %s", query, after, before)
			}
		}
		primary.must("ROLLBACK")
	}
	if called < 50 {
		t.Errorf("called %d functions of %d: are the lists empty?", called, len(names))
	}
}
