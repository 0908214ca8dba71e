package testdb_test

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestPostgresFailOver(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnPostgres(t, testdb.PostgresOptions{Standbys: 2})
	must(t, cluster.Synchronous(ctx))
	pgExec(ctx, t, cluster.Primary(), "postgres", "CREATE TABLE acknowledged ()")
	must(t, cluster.WaitReplay(ctx))
	pgExec(ctx, t, cluster.Primary(), "postgres", "CREATE TABLE last_moment ()") // one standby has it

	first, err := cluster.FailOver(ctx)
	must(t, err)

	pgExec(ctx, t, first, "postgres", "TABLE last_moment")
	pgExec(ctx, t, first, "postgres", "INSERT INTO acknowledged DEFAULT VALUES")
	for _, s := range cluster.Standbys() {
		eventually(ctx, t, s.Name+" follows", func() bool {
			return pgValue[int](ctx, t, s, "postgres", "SELECT count(*) FROM acknowledged") == 1
		})
	}
	must(t, cluster.StartStranger(ctx))
	pgExec(ctx, t, cluster.Primary(), "postgres", "INSERT INTO acknowledged DEFAULT VALUES") // waits for nobody
	if n := pgValue[int](ctx, t, first, "postgres", "SELECT count(*) FROM acknowledged"); n != 1 {
		t.Errorf("the new primary has %d rows: the stranger's, too", n)
	}
}

func TestMariaDBFailOver(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnMariaDB(t, testdb.MariaDBOptions{Replicas: 1})
	must(t, cluster.Synchronous(ctx))
	must(t, cluster.Replicas()[0].PauseReplay(ctx))
	mustAsApp(ctx, t, cluster.Primary(), "mysql", "CREATE DATABASE acknowledged")
	must(t, cluster.Replicas()[0].ResumeReplay(ctx))

	first, err := cluster.FailOver(ctx)
	must(t, err)

	mustAsApp(ctx, t, first, "acknowledged", "CREATE TABLE here (n int)")
	must(t, cluster.StartStranger(ctx))
	mustAsApp(ctx, t, cluster.Primary(), "acknowledged", "CREATE TABLE there (n int)")
	must(t, cluster.SetReadOnly(ctx, cluster.Primary(), true))
	if out, err := asApp(ctx, cluster.Primary(), "acknowledged", "DROP TABLE there"); err == nil || !strings.Contains(out, "ERROR 1290") {
		t.Errorf("a write where read_only is on: %v: %s", err, out)
	}
}

func TestMariaDBPauseReplay(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnMariaDB(t, testdb.MariaDBOptions{Replicas: 1})
	replica := cluster.Replicas()[0]
	must(t, replica.PauseReplay(ctx))
	mustAsApp(ctx, t, cluster.Primary(), "mysql", "CREATE DATABASE late")
	if _, err := asApp(ctx, replica, "late", "SELECT 1"); err == nil {
		t.Error("the replica replays")
	}
	must(t, replica.ResumeReplay(ctx))
	must(t, cluster.WaitReplay(ctx))
	mustAsApp(ctx, t, replica, "late", "SELECT 1")
}

func TestEndSessions(t *testing.T) {
	ctx := limit(t)
	primary := testdb.OwnPostgres(t, testdb.PostgresOptions{}).Primary()
	pgExec(ctx, t, primary, "postgres", "CREATE ROLE app LOGIN")
	app := pgConnTo(ctx, t, strings.Replace(primary.DSN("postgres"), "postgres@", "app@", 1))
	other := pgConn(ctx, t, primary, "postgres")

	must(t, primary.EndSessions(ctx, "app"))

	eventually(ctx, t, "end of the session", func() bool { return app.Ping(ctx) != nil })
	must(t, other.Ping(ctx))
}

func TestEndMariaDBSessions(t *testing.T) {
	ctx := limit(t)
	primary := testdb.OwnMariaDB(t, testdb.MariaDBOptions{}).Primary()
	ended := make(chan error)
	go func() {
		_, err := asApp(ctx, primary, "mysql", "SELECT SLEEP(3600)")
		ended <- err
	}()
	const sleepers = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
	eventually(ctx, t, "session", func() bool { return mustAsApp(ctx, t, primary, "mysql", sleepers) == "1" })

	must(t, primary.EndSessions(ctx, "app"))

	if err := <-ended; err == nil {
		t.Error("the session has not failed")
	}
}

func TestOccupy(t *testing.T) {
	ctx := limit(t)
	primary := testdb.OwnPostgres(t, testdb.PostgresOptions{}).Primary()
	pgExec(ctx, t, primary, "postgres", "CREATE ROLE app LOGIN")
	db, err := sql.Open("pgx", strings.Replace(primary.DSN("postgres"), "postgres@", "app@", 1))
	must(t, err)
	defer db.Close()
	one, err := sql.Open("pgx", strings.Replace(primary.DSN("postgres"), "postgres@", "app@", 1))
	must(t, err)
	defer one.Close()

	release, err := testdb.Occupy(ctx, db)
	must(t, err)
	if err := one.PingContext(ctx); err == nil || !strings.Contains(err.Error(), "53300") {
		t.Errorf("a connect to a server that is full: %v", err)
	}
	must(t, primary.EndSessions(ctx, "nobody")) // an administrator is let in

	release()
	must(t, db.Close())
	eventually(ctx, t, "free connections", func() bool { return one.PingContext(ctx) == nil })
}
