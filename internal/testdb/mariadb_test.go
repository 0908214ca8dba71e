package testdb_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

// asApp runs statements over TCP as the user that the DSN names.
func asApp(ctx context.Context, s *testdb.Server, database, statements string) (string, error) {
	cmd := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1",
		"--port="+strconv.Itoa(s.Port), "--user=app", "--batch", "--skip-column-names", "--execute="+statements, database)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func mustAsApp(ctx context.Context, t testing.TB, s *testdb.Server, database, statements string) string {
	t.Helper()
	out, err := asApp(ctx, s, database, statements)
	if err != nil {
		t.Fatalf("%s: %v: %s", s.Name, err, out)
	}
	return out
}

func TestMariaDBReplicates(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.MariaDB(t)
	database := cluster.Database(t)
	mustAsApp(ctx, t, cluster.Primary(), database, "CREATE TABLE numbers AS SELECT seq FROM mysql.seq_1_to_10000")
	must(t, cluster.WaitReplay(ctx))
	if n := len(cluster.Replicas()); n != 1 {
		t.Fatalf("%d replicas, want 1", n)
	}
	for _, s := range cluster.Replicas() {
		if n := mustAsApp(ctx, t, s, database, "SELECT count(*) FROM numbers"); n != "10000" {
			t.Errorf("%s has %s rows, want 10000", s.Name, n)
		}
	}
}

// A server that starts removes the temporary tables that it finds.
func TestMariaDBServersShareNoTemporaryTables(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.MariaDB(t)
	const where = "SELECT @@tmpdir"
	a, b := mustAsApp(ctx, t, cluster.Primary(), "", where), mustAsApp(ctx, t, cluster.Replicas()[0], "", where)
	if a == b || a == "/tmp" || b == "/tmp" {
		t.Errorf("the servers keep them in %s and %s", a, b)
	}
}

func TestMariaDBRoles(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.MariaDB(t)
	database := cluster.Database(t)
	want := map[*testdb.Server]string{cluster.Primary(): "0", cluster.Replicas()[0]: "1"}
	for s, readOnly := range want {
		if got := mustAsApp(ctx, t, s, database, "SELECT @@read_only"); got != readOnly {
			t.Errorf("%s: read_only is %s, want %s", s.Name, got, readOnly)
		}
		if !strings.HasPrefix(s.DSN(database), "app@tcp(127.0.0.1:"+strconv.Itoa(s.Port)+")/"+database) {
			t.Errorf("%s: DSN %s", s.Name, s.DSN(database))
		}
	}
	out, err := asApp(ctx, cluster.Replicas()[0], database, "CREATE TABLE forbidden (n int)")
	if err == nil || !strings.Contains(out, "ERROR 1290") {
		t.Errorf("a write on the replica: %v: %s", err, out)
	}
}

func TestMariaDBRestart(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnMariaDB(t, testdb.MariaDBOptions{Replicas: 1})
	primary := cluster.Primary()
	must(t, cluster.CreateDatabase(ctx, "kept"))
	for what, restart := range map[string]func() error{
		"in good order": func() error { return primary.Restart(ctx) },
		"by kill -9": func() error {
			must(t, primary.Kill(ctx))
			return primary.Start(ctx)
		},
		"of the replica": func() error { return cluster.Replicas()[0].Restart(ctx) },
	} {
		must(t, restart())
		mustAsApp(ctx, t, primary, "kept", "CREATE OR REPLACE TABLE numbers (n int)")
		must(t, cluster.WaitReplay(ctx))
		if _, err := asApp(ctx, cluster.Replicas()[0], "kept", "SELECT * FROM numbers"); err != nil {
			t.Errorf("after a restart %s: %v", what, err)
		}
	}
}

func TestMariaDBPromote(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.OwnMariaDB(t, testdb.MariaDBOptions{Replicas: 1})
	replica := cluster.Replicas()[0]
	must(t, cluster.CreateDatabase(ctx, "shop"))
	must(t, cluster.Primary().Kill(ctx))

	must(t, replica.Promote(ctx))

	mustAsApp(ctx, t, replica, "shop", "CREATE TABLE on_the_new_primary (n int)")
	must(t, replica.Restart(ctx)) // and it stays one
	mustAsApp(ctx, t, replica, "shop", "INSERT INTO on_the_new_primary VALUES (1)")
}
