package testdb_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/multidb-go/multidb/internal/testdb"
)

func pgConn(ctx context.Context, t testing.TB, s *testdb.Server, database string) *pgx.Conn {
	t.Helper()
	return pgConnTo(ctx, t, s.DSN(database))
}

func pgConnTo(ctx context.Context, t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// pgValue is the one value that query returns on a connection of its own.
func pgValue[T any](ctx context.Context, t testing.TB, s *testdb.Server, database, query string) (value T) {
	t.Helper()
	must(t, pgConn(ctx, t, s, database).QueryRow(ctx, query).Scan(&value))
	return value
}

func pgExec(ctx context.Context, t testing.TB, s *testdb.Server, database, statement string) {
	t.Helper()
	_, err := pgConn(ctx, t, s, database).Exec(ctx, statement)
	must(t, err)
}

func TestPostgresRoles(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.Postgres(t)
	if pgValue[bool](ctx, t, cluster.Primary(), "postgres", "SELECT pg_is_in_recovery()") {
		t.Error("the primary is in recovery")
	}
	if n := len(cluster.Standbys()); n != 2 {
		t.Fatalf("%d standbys, want 2", n)
	}
	for _, s := range cluster.Standbys() {
		if !pgValue[bool](ctx, t, s, "postgres", "SELECT pg_is_in_recovery()") {
			t.Errorf("%s is not in recovery", s.Name)
		}
		if port := pgValue[int](ctx, t, s, "postgres", "SELECT inet_server_port()"); port != s.Port {
			t.Errorf("%s answers on port %d, not %d", s.Name, port, s.Port)
		}
	}
}

func TestPostgresWaitReplay(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.Postgres(t)
	database := cluster.Database(t)
	pgExec(ctx, t, cluster.Primary(), database, "CREATE TABLE rows AS SELECT generate_series(1, 100000) AS n")
	must(t, cluster.WaitReplay(ctx))
	for _, s := range cluster.Standbys() {
		if n := pgValue[int](ctx, t, s, database, "SELECT count(*) FROM rows"); n != 100000 {
			t.Errorf("%s has %d rows, want 100000", s.Name, n)
		}
	}
}

func TestPostgresWaitReplayWaits(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnPostgres(t, testdb.PostgresOptions{Standbys: 1})
	must(t, cluster.Standbys()[0].PauseReplay(ctx))
	pgExec(ctx, t, cluster.Primary(), "postgres", "CREATE TABLE late ()")
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := cluster.WaitReplay(short); err == nil {
		t.Error("it did not wait for a standby that replays nothing")
	}
	must(t, cluster.Standbys()[0].ResumeReplay(ctx))
	must(t, cluster.WaitReplay(ctx))
}

func TestPostgresRestart(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnPostgres(t, testdb.PostgresOptions{Standbys: 1})
	primary, standby := cluster.Primary(), cluster.Standbys()[0]
	conn := pgConn(ctx, t, primary, "postgres")
	before := pgValue[string](ctx, t, primary, "postgres", "SELECT pg_postmaster_start_time()::text")

	must(t, primary.Restart(ctx))

	if after := pgValue[string](ctx, t, primary, "postgres", "SELECT pg_postmaster_start_time()::text"); after == before {
		t.Error("the server is still the one from before")
	}
	if err := conn.Ping(ctx); err == nil {
		t.Error("a connection from before still works")
	}
	if err := primary.Start(ctx); err == nil {
		t.Error("a server that runs was started again")
	}
	pgExec(ctx, t, primary, "postgres", "CREATE TABLE after_restart ()")
	must(t, cluster.WaitReplay(ctx)) // the standby has found it again
	pgExec(ctx, t, standby, "postgres", "TABLE after_restart")
}

func TestPostgresKillKeepsWhatWasAcknowledged(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnPostgres(t, testdb.PostgresOptions{})
	primary := cluster.Primary()
	pgExec(ctx, t, primary, "postgres", "CREATE TABLE kept ()")

	must(t, primary.Kill(ctx))

	if _, err := pgx.Connect(ctx, primary.DSN("postgres")); err == nil {
		t.Error("a killed server answers")
	}
	if err := primary.Kill(ctx); err == nil {
		t.Error("a killed server was killed again")
	}
	must(t, primary.Start(ctx))
	pgExec(ctx, t, primary, "postgres", "TABLE kept")
}

func TestPostgresPromote(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnPostgres(t, testdb.PostgresOptions{Standbys: 1})
	primary, standby := cluster.Primary(), cluster.Standbys()[0]
	must(t, primary.Kill(ctx))

	must(t, standby.Promote(ctx))

	pgExec(ctx, t, standby, "postgres", "CREATE TABLE on_the_new_primary ()")
	must(t, primary.Start(ctx)) // as a stranger that takes writes too
	pgExec(ctx, t, primary, "postgres", "CREATE TABLE on_the_old_primary ()")
}
