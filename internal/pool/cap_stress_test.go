package pool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// TestCapStress has users with tiny deadlines at the pools of many tenants, on
// two servers that refuse, with less connections than tenants and for one of them
// less than its part, while tenants are forgotten and come back.
func TestCapStress(t *testing.T) { stressCap(t, 300) }

// In a bubble, goroutines take turns elsewhere than on the processor.
func TestCapStressInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { stressCap(t, 300) })
}

func stressCap(t *testing.T, rounds int) {
	const tenants, users, limit, hostLimit = 40, 32, 8, 5
	errRefused := errors.New("refused")
	total := &server{t: t, maxOpen: limit}
	c := pool.NewCap(limit)
	hosts := []*pool.Host{c.Host(hostLimit, 2), c.Host(0, 3)}
	servers := []*server{{t: t, maxOpen: hostLimit}, {t: t}}

	open := func(tenant int) *pool.Pool[*conn] {
		s := servers[tenant%2]
		return pool.New(func(ctx context.Context) (*conn, error) {
			total.count(+1)
			c, err := s.dial(ctx)
			if err != nil {
				total.count(-1)
			}
			return c, err
		}, pool.Options{MaxIdle: 4, MaxOpen: 6, MaxIdleTime: 50 * time.Millisecond, Host: hosts[tenant%2], Owner: &owner{heeds: tenant%3 > 0, limit: time.Second}})
	}
	for _, s := range servers {
		s.dialing = func(ctx context.Context) error {
			if rand.N(20) == 0 {
				return errRefused
			}
			return slow(rand.N(200 * time.Microsecond))(ctx)
		}
		s.closing = func() {
			time.Sleep(rand.N(50 * time.Microsecond))
			total.count(-1)
		}
	}
	var pools [tenants]atomic.Pointer[pool.Pool[*conn]]
	for i := range pools {
		pools[i].Store(open(i))
	}

	var taken, reclaimed, longest atomic.Int64
	user := func() {
		var mine *conn
		var minesPool *pool.Pool[*conn]
		for range rounds {
			tenant := min(rand.N(tenants), rand.N(tenants))
			if rand.N(200) == 0 {
				pools[tenant].Swap(open(tenant)).Close()
			}
			ctx, cancel := context.WithCancel(context.Background())
			switch rand.N(6) {
			case 0: // stays, and may dial itself
			case 1: // as if, and is called away
				time.AfterFunc(rand.N(time.Millisecond), cancel)
			default:
				ctx, cancel = context.WithTimeout(ctx, rand.N(3*time.Millisecond))
			}
			p := pools[tenant].Load()
			begun := time.Now()
			var c *conn
			var err error
			if rand.N(50) == 0 {
				if c, err := p.Visit(ctx, rand.N(2*time.Millisecond)); err == nil && rand.N(2) == 0 {
					p.Adopt(c)
				} else if err == nil {
					p.Dismiss(c)
				}
			}
			if mine != nil && rand.N(2) == 0 && mine.TryReclaim() && minesPool.Ready(ctx, mine) {
				c, p = mine, minesPool
				reclaimed.Add(1)
			} else {
				c, err = p.Take(ctx)
			}
			mine = nil
			cancel()
			if d := int64(time.Since(begun)); d > longest.Load() {
				longest.Store(d) // or about
			}
			switch {
			case err == nil:
				taken.Add(1)
				if leave(p, c) {
					mine, minesPool = c, p
				}
			case err != context.DeadlineExceeded && err != context.Canceled && err != errRefused && err != pool.ErrClosed:
				t.Errorf("Take: %v", err)
			}
		}
	}
	var wg sync.WaitGroup
	for range users {
		wg.Go(user)
	}
	wg.Wait()
	if taken.Load() == 0 || reclaimed.Load() == 0 {
		t.Errorf("%d taken, %d reclaimed", taken.Load(), reclaimed.Load())
	}

	// Whatever happened, every place can be had again.
	var held []func()
	for tenant := 1; len(held) < limit; tenant = (tenant + 2) % tenants { // of the host without a limit
		p := pools[tenant].Load()
		if c, err := p.Take(t.Context()); err == nil {
			held = append(held, func() { p.Put(c) })
		} else if err != errRefused {
			t.Fatal(err)
		}
	}
	for _, put := range held {
		put()
	}
	for i := range pools {
		pools[i].Load().Close()
	}
	for c.Stats().Open > 0 { // bounded by the test's timeout
		time.Sleep(time.Millisecond)
	}
	for _, got := range []pool.CapStats{c.Stats(), hosts[0].Stats(), hosts[1].Stats()} {
		if got.Open != 0 || got.Waiting != 0 || got.Dialling != 0 {
			t.Errorf("at the end: %+v", got)
		}
	}
	if n := total.opened(); n != 0 {
		t.Errorf("%d open at the servers", n)
	}
	t.Logf("%d taken, %d reclaimed, %v the longest wait, %d at once, %+v", taken.Load(), reclaimed.Load(), time.Duration(longest.Load()), total.most(), c.Stats())
}
