package multidb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What the watcher asks counts among the connections. The fleet fails the test when
// there are more than there may be.

func tenant(i int) string { return fmt.Sprintf("t%d", i) }

func TestTheWatcherKeepsToTheCap(t *testing.T) {
	const tenants, limit = 300, 40
	bubble(t, func(t *testing.T) {
		f := newFleet(t, limit, []string{"reader"}, discover)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for g := range 16 {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					name := tenant(r.IntN(tenants))
					if _, err := f.read(name, 10*time.Second); err != nil {
						t.Errorf("a read of %s: %v", name, err)
					}
					if n%20 == 0 {
						if err := f.write(name, 10*time.Second); err != nil {
							t.Errorf("a write of %s: %v", name, err)
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		all.Wait()
	})
	for name, fault := range map[string]func(context.Context, string) error{
		"hangs":   hole,
		"refuses": func(context.Context, string) error { return syscall.ECONNREFUSED },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, limit, nil)
				for i := range tenants {
					if _, err := f.read(tenant(i), time.Second); err != nil {
						t.Fatal(err)
					}
				}
				f.fails("writer", fault)
				var all sync.WaitGroup
				for i := range tenants {
					all.Go(func() { f.read(tenant(i), 20*time.Second) })
				}
				all.Wait()
				time.Sleep(10 * time.Second)
				f.fails("writer", nil)
				time.Sleep(5 * time.Second)
				for i := range tenants {
					if _, err := f.read(tenant(i), time.Second); err != nil {
						t.Errorf("after the server is back: %s: %v", tenant(i), err)
					}
				}
			})
		})
	}
}
