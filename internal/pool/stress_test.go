package pool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// TestStress has 32 users with tiny deadlines share 6 connections to a server
// that refuses, hangs up, and restarts. Each tries to have the connection again
// that it parked, which may be in use, idle, or closed by then. The server of the
// test checks every use.
func TestStress(t *testing.T) {
	const users, rounds = 32, 300
	errRefused := errors.New("refused")
	s := &server{t: t, maxOpen: 6}
	var restarts atomic.Int64 // by which a connection knows that its server is gone
	s.dialing = func(ctx context.Context) error {
		if rand.N(20) == 0 {
			return errRefused
		}
		return slow(rand.N(200 * time.Microsecond))(ctx)
	}
	p := pool.New(func(ctx context.Context) (*conn, error) {
		born := restarts.Load()
		c, err := s.dial(ctx)
		if err != nil {
			return nil, err
		}
		c.reset = func(ctx context.Context) error {
			switch {
			case restarts.Load() != born:
				return driver.ErrBadConn
			case rand.N(50) == 0:
				return errors.New("dirty")
			}
			return ctx.Err()
		}
		return c, nil
	}, pool.Options{MaxOpen: 6, MaxIdle: 4, MaxIdleTime: 50 * time.Millisecond, MaxLifetime: 100 * time.Millisecond})

	var taken atomic.Int64
	var reclaimed atomic.Int64
	user := func() {
		var mine *conn // parked last
		for range rounds {
			if rand.N(500) == 0 {
				restarts.Add(1)
			}
			ctx, cancel := context.WithTimeout(context.Background(), rand.N(300*time.Microsecond))
			var c *conn
			var err error
			if mine != nil && mine.TryReclaim() && reset(ctx, p, mine) {
				c = mine
				reclaimed.Add(1)
			} else {
				c, err = p.Take(ctx)
			}
			mine = nil
			cancel()
			switch {
			case err == nil:
				taken.Add(1)
				if leave(p, c) {
					mine = c
				}
			case err != context.DeadlineExceeded && err != errRefused:
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
	var conns []*conn
	for len(conns) < 6 {
		c, err := p.Take(t.Context())
		if err == nil {
			conns = append(conns, c)
		} else if err != errRefused {
			t.Fatal(err)
		}
	}
	putAll(p, conns)
	p.Close()
	for p.Stats().Open > 0 { // closes that Take and the clock left to goroutines; bounded by the test's timeout
		time.Sleep(time.Millisecond)
	}
	if got := p.Stats(); s.opened() != 0 || got.InUse != 0 || p.Waiting() != 0 || p.Dialling() != 0 {
		t.Errorf("%d open at the server, %+v", s.opened(), got)
	}
	t.Logf("%d taken, %+v", taken.Load(), p.Stats())
}

// leave uses c a little and lets it go in one of the ways there are. True means
// that it is parked.
func leave(p *pool.Pool[*conn], c *conn) bool {
	done := c.use()
	if rand.N(4) == 0 {
		time.Sleep(rand.N(100 * time.Microsecond))
	}
	done()
	switch rand.N(40) {
	case 0:
		p.Discard(c)
	case 1:
		p.Stale(c)
		p.Discard(c)
	case 2:
		c.broken.Store(true)
		p.Put(c)
	case 3:
		p.Put(c)
	case 4:
		park(p, c) // and forgotten
	default:
		return park(p, c)
	}
	return false
}
