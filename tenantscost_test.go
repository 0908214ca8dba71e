//go:build !race

package multidb_test

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// What an idle tenant may cost: its primary with the database itself, and each
// replica. Whether it was used before makes no difference.
const (
	tenantBytes  = 1024
	replicaBytes = 960
)

// The race detector keeps memory of its own, so this runs without it.
func TestAnIdleTenantCostsLittle(t *testing.T) {
	const tenants = 5000
	for replicas := range 3 {
		for _, used := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				names := make([]string, tenants)
				for i := range names {
					names[i] = fmt.Sprintf("tenant-%06d", i)
				}
				d := new(counted)
				template := multidb.Database{Primary: multidb.Engine{DSN: "postgres://app:secret@db.example:5433/{tenant}"}}
				for range replicas {
					template.Replicas = append(template.Replicas, multidb.Engine{DSN: "postgres://app:secret@ro.example:5433/{tenant}", ReadOnly: "trust"})
				}
				db := openConfig(t, multidb.Config{Driver: d.register("pgx"), MaxOpenTotal: 100, Tenants: template})
				defer db.Close()
				visit := func(name string) {
					ctx := multidb.WithDatabase(t.Context(), name)
					if !used {
						// Opened, and refused because of its engine's name.
						wantErr(t, use(db.QueryContext(multidb.WithEngine(ctx, "nobody"), "SELECT 1")), multidb.ErrUnknownEngine)
						return
					}
					check(t, use(db.QueryContext(ctx, "SELECT 1")))
					must(db.ExecContext(ctx, "DELETE FROM t"))
					check(t, multidb.RunInTx(ctx, db, nil, func(context.Context, *sql.Tx) error { return nil }))
				}
				visit("first") // makes what all share
				goroutines, before := runtime.NumGoroutine(), heapInUse()
				for _, name := range names {
					visit(name)
				}
				time.Sleep(10 * time.Minute) // the connections are closed
				each := (heapInUse() - before) / tenants
				t.Logf("%d replicas, used: %v: %d bytes for each idle tenant", replicas, used, each)
				if limit := uint64(tenantBytes + replicas*replicaBytes); each > limit {
					t.Errorf("%d replicas, used: %v: an idle tenant costs %d bytes, want %d at most", replicas, used, each, limit)
				}
				if n := d.open.Load(); n != 0 {
					t.Errorf("%d connections are open", n)
				}
				if g := runtime.NumGoroutine(); g > goroutines {
					t.Errorf("%d goroutines, and %d before", g, goroutines)
				}
			})
		}
	}
}

// heapInUse is what is in use after everything that is not was collected.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
