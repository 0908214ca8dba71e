package multidb_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// tenantTemplate is the template of tenants whose databases are on one cluster.
func tenantTemplate(cluster *testdb.PostgresCluster) multidb.Database {
	dsn := func(s *testdb.Server) multidb.Engine {
		return multidb.Engine{DSN: strings.Replace(s.DSN("NAME"), "NAME", "{tenant}", 1)}
	}
	template := multidb.Database{Primary: dsn(cluster.Primary())}
	for _, standby := range cluster.Standbys() {
		template.Replicas = append(template.Replicas, dsn(standby))
	}
	return template
}

// A standby that stops in the midst of many tenants' work is found out for all of
// them, and their reads that hang on it run on the primary.
func TestAHungStandbyUnderManyTenants(t *testing.T) {
	const n = 20
	cluster := testdb.OwnPostgres(t, testdb.PostgresOptions{Standbys: 1})
	names := cluster.Databases(t, n)
	db := openConfig(t, multidb.Config{Tenants: tenantTemplate(cluster), ConnectTimeout: multidb.Duration(time.Second), MaxOpenTotal: 60})
	t.Cleanup(func() { check(t, db.Close()) }) // before they are dropped
	readAll := func() (byReplica int) {
		t.Helper()
		var all sync.WaitGroup
		var replica atomic.Int64
		for _, name := range names {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(multidb.WithDatabase(t.Context(), name), time.Minute)
				defer cancel()
				var database string
				var standby bool
				if err := db.QueryRowContext(ctx, "SELECT current_database(), pg_is_in_recovery()").Scan(&database, &standby); err != nil || database != name {
					t.Errorf("a read of %s was answered by %q: %v", name, database, err)
				}
				if standby {
					replica.Add(1)
				}
			})
		}
		all.Wait()
		return int(replica.Load())
	}
	awaitReplica := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for readAll() != n {
			if ctx.Err() != nil {
				t.Fatal("the standby does not answer for all")
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	awaitReplica()
	check(t, cluster.Standbys()[0].Signal(syscall.SIGSTOP))
	if got := readAll(); got != 0 {
		t.Errorf("%d reads were answered by a standby that is stopped", got)
	}
	check(t, cluster.Standbys()[0].Signal(syscall.SIGCONT))
	awaitReplica()
}
