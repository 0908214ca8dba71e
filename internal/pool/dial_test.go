package pool_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

func TestADialGoesOnWhenItsTakerGivesUpAndTheNextTakerGetsIt(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		for range 9 { // a tenth of the time that a dial needs, each
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/10)
			if _, err := p.Take(ctx); err != context.DeadlineExceeded {
				t.Fatalf("%v, want the bare context.DeadlineExceeded", err)
			}
			cancel()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/5)
		defer cancel()
		c, err := p.Take(ctx)
		if err != nil {
			t.Fatalf("the dial of the first taker should be done: %v", err)
		}
		if n := p.Stats().Dials; n != 1 {
			t.Errorf("%d dials, want 1", n)
		}
		p.Put(c)
	})
}

func TestAStormOfShortDeadlinesHasNoMoreDialsThanWaitersAtOnce(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(5 * time.Second)
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			a, b := startTake(ctx, p), startTake(ctx, p)
			a.result()
			b.result()
			cancel()
		}
		if n := p.Dialling(); n != 2 {
			t.Errorf("%d dials in progress for two waiters at a time", n)
		}
		if n := s.most(); n != 2 {
			t.Errorf("%d connections at once, want 2", n)
		}
	})
}

func TestAConnectionThatComesBackServesTheWaiterAndItsDialBecomesIdle(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		s.dialing = slow(time.Second)
		next := startTake(t.Context(), p)
		p.Put(c)
		if got, err := next.result(); got != c || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := p.Stats(); got.Idle != 1 || got.InUse != 1 || got.Open != 2 {
			t.Errorf("%+v", got)
		}
		p.Put(c)
	})
}

func TestADialHasTheValuesOfTheTakersContextAndNotItsEnd(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		type key struct{}
		s.dialing = func(ctx context.Context) error {
			if ctx.Value(key{}) != "value" {
				t.Error("the values did not reach the dial")
			}
			if _, ok := ctx.Deadline(); ok {
				t.Error("the taker's deadline reached the dial")
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Hour)
		defer cancel()
		c, err := p.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	})
}

func TestADialErrorReachesTheFirstWaiterAsTheIdenticalValue(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		refused := []error{errors.New("first"), errors.New("second"), errors.New("third")}
		dials := 0
		s.dialing = func(context.Context) error {
			time.Sleep(time.Second)
			dials++
			return refused[dials-1]
		}
		var takers []*taking
		for range 3 {
			takers = append(takers, startTake(t.Context(), p))
		}
		for i, k := range takers { // each dial that fails is followed by one for those who remain
			if _, err := k.result(); err != refused[i] {
				t.Errorf("taker %d: %v, want %v", i, err, refused[i])
			}
		}
		if got := p.Stats(); got.Open != 0 || got.Dials != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestADialErrorThatNobodyWaitsForIsForgotten(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = func(context.Context) error {
			time.Sleep(time.Second)
			return errors.New("refused")
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := startTake(ctx, p)
		cancel()
		gone.result()
		time.Sleep(time.Second)
		synctest.Wait()
		s.dialing = nil
		p.Put(take(t, p))
	})
}

func TestADialThatHangsEndsSomeTimeAfterItsTakerHasLeft(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		hangs := true
		s.dialing = func(ctx context.Context) error {
			if !hangs {
				return nil
			}
			hangs = false
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := startTake(ctx, p)
		time.Sleep(2 * pool.DialGrace)
		if !gone.waits() {
			t.Fatal("a dial was ended while its own taker waited for it")
		}
		next := startTake(t.Context(), p) // shares the dial that hangs
		cancel()
		gone.result()
		left := time.Now()
		c, err := next.result()
		if err != nil {
			t.Fatalf("the end of another's dial reached a waiter: %v", err)
		}
		if waited := time.Since(left); waited != pool.DialGrace {
			t.Errorf("the dial went on for %v, want %v", waited, pool.DialGrace)
		}
		p.Put(c)
	})
}

func TestADialThatHangsEndsSomeTimeAfterItsTakerWasServedByAnother(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		s.dialing = slow(time.Hour)
		next := startTake(t.Context(), p)
		p.Put(c)
		next.result()
		time.Sleep(pool.DialGrace)
		synctest.Wait()
		if p.Dialling() != 0 || s.opened() != 1 {
			t.Errorf("%d dials in progress", p.Dialling())
		}
		p.Put(c)
	})
}

func TestADialThatPanicsIsAnErrorAndGivesItsPlaceBack(t *testing.T) {
	for name, dialing := range map[string]func(context.Context) error{
		"panic":  func(context.Context) error { panic("child") },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				s.dialing = dialing
				if _, err := p.Take(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "multidb: the child driver ") {
					t.Errorf("%v", err)
				}
				s.dialing = nil
				p.Put(take(t, p))
			})
		})
	}
}
