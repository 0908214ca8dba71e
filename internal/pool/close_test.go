package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

func TestCloseClosesWhatIsIdleNowAndWhatIsInUseWhenItComesBack(t *testing.T) {
	run(t, pool.Options{MaxIdleTime: time.Minute}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		p.Put(conns[0])
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if !conns[0].closed.Load() || conns[1].closed.Load() || conns[2].closed.Load() {
			t.Error("want the idle one closed, and no other")
		}
		p.Put(conns[1])
		p.Discard(conns[2])
		if n := s.opened(); n != 0 {
			t.Errorf("%d open", n)
		}
	})
}

func TestAClosedPoolGivesNothing(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		p.Put(take(t, p))
		p.Close()
		if c, err := p.Take(t.Context()); c != nil || err != pool.ErrClosed {
			t.Errorf("Take: %v, %v", c, err)
		}
		if c, err := p.TakeYielding(t.Context(), func() {}); c != nil || err != pool.ErrClosed {
			t.Errorf("TakeYielding: %v, %v", c, err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
	})
}

func TestCloseAnswersTheWaiters(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		waiters := []*taking{startTake(t.Context(), p), startTake(t.Context(), p)}
		p.Close()
		for _, k := range waiters {
			if got, err := k.result(); got != nil || err != pool.ErrClosed {
				t.Errorf("%v, %v", got, err)
			}
		}
		p.Put(c)
	})
}

func TestCloseEndsTheDialsInProgress(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Hour)
		k := startTake(t.Context(), p)
		before := time.Now()
		p.Close()
		if _, err := k.result(); err != pool.ErrClosed {
			t.Error(err)
		}
		synctest.Wait()
		if n := s.opened(); n != 0 || time.Since(before) != 0 {
			t.Errorf("%d open after %v", n, time.Since(before))
		}
	})
}

func TestADialThatSucceedsAfterCloseIsClosed(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = deaf(time.Second)
		k := startTake(t.Context(), p)
		p.Close()
		k.result()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(s.conns) != 1 || !s.conns[0].closed.Load() {
			t.Error("the connection is open")
		}
	})
}

func TestAConnectionHandedToAWaiterThatLeavesWhileThePoolClosesIsClosed(t *testing.T) {
	for range 50 { // in most of them the waiter runs last
		run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
			c := take(t, p)
			ctx, cancel := context.WithCancel(t.Context())
			gone := startTake(ctx, p)
			cancel()
			p.Put(c)
			p.Close()
			gone.result()
			synctest.Wait()
			if !c.closed.Load() {
				t.Error("it is open")
			}
		})
	}
}

func TestCloseTellsWhatTheConnectionsSaid(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		conns[1].closeTo = errors.New("the server did not say goodbye")
		putAll(p, conns)
		if err := p.Close(); !errors.Is(err, conns[1].closeTo) {
			t.Error(err)
		}
		if n := s.opened(); n != 0 {
			t.Errorf("%d open: an error kept the others from being closed", n)
		}
	})
}
