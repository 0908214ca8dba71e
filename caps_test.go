package multidb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// The limits over all engines hold at every open, and everybody gets a turn.
func TestMaxOpenTotal(t *testing.T) {
	const limit = 10
	var open, most atomic.Int64
	p := &platform{t: t, fakes: make(map[string][]*testdb.Fake)}
	p.db = openConfig(t, multidb.Config{MaxOpenTotal: limit, Resolve: func(ctx context.Context, name string) (multidb.Database, error) {
		d, err := p.resolve(ctx, name)
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.fakes[name] {
			f.On(testdb.OpDial, func(*testdb.Call) error {
				for n := open.Add(1); n > most.Load(); {
					most.Store(n)
				}
				return nil
			})
			f.On(testdb.OpClose, func(*testdb.Call) error { open.Add(-1); return nil })
		}
		return d, err
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 100 {
				tenant := fmt.Sprintf("t%d", rand.IntN(30))
				if got, err := p.where(ctx, tenant); err != nil || got != tenant+" replica" {
					t.Errorf("%s: answered by %q, %v", tenant, got, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := most.Load(); n > limit {
		t.Errorf("%d connections at once, want %d at most", n, limit)
	}
	check(t, p.db.Close())
}

func TestMaxOpenIsShared(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t, func(c *multidb.Config) { c.MaxOpenTotal = 1 })
		tx := must(p.db.BeginTx(multidb.WithDatabase(t.Context(), "a"), nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.where(ctx, "b"); err != context.DeadlineExceeded {
			t.Errorf("beside the only connection there may be: %v", err)
		}
		check(t, tx.Rollback())
		p.wantWhere("b", "b replica") // a's idle connection made room
	})
}
