package pool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

func TestTakeReusesTheConnectionThatCameBackLast(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		putAll(p, []*conn{conns[1], conns[2], conns[0]})
		for i, want := range []*conn{conns[0], conns[2], conns[1]} {
			c := take(t, p)
			defer p.Put(c)
			if c != want {
				t.Errorf("take %d: connection %d, want %d", i, c.id, want.id)
			}
		}
	})
}

func TestConnectionsAreResetBeforeEachUseButTheFirst(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		if c.resets != 0 {
			t.Errorf("a new connection was reset %d times", c.resets)
		}
		p.Put(c)
		take(t, p)
		if c.resets != 1 {
			t.Errorf("%d resets at the second use, want 1", c.resets)
		}
		next := startTake(t.Context(), p)
		p.Put(c)
		next.result()
		if c.resets != 2 {
			t.Errorf("%d resets after a hand-over, want 2", c.resets)
		}
		p.Put(c)
	})
}

// It may have been idle for long, and a reset finds out whether it lives.
func TestAConnectionThatWasDialledForNobodyIsResetBeforeItsFirstUse(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		gone := startTake(ctx, p)
		cancel()
		gone.result()
		time.Sleep(time.Second)
		synctest.Wait()
		c := take(t, p)
		if c.resets != 1 {
			t.Errorf("%d resets, want 1", c.resets)
		}
		p.Put(c)
	})
}

func TestWaitersAreServedInTheOrderTheyCame(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		var takers []*taking
		for range 4 {
			takers = append(takers, startTake(t.Context(), p))
		}
		for i := range takers {
			p.Put(c)
			synctest.Wait()
			for j, k := range takers {
				if served := !k.waits(); served != (j <= i) {
					t.Errorf("after return %d: taker %d served: %v", i, j, served)
				}
			}
		}
		p.Put(c)
	})
}

func TestAWaiterThatGivesUpLosesItsTurnAndNobodyElseDoes(t *testing.T) {
	for gone := range 3 { // the first, one in the middle, the last
		t.Run(fmt.Sprint(gone), func(t *testing.T) {
			run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				c := take(t, p)
				var takers []*taking
				ctx, cancel := context.WithCancel(t.Context())
				for i := range 3 {
					if i == gone {
						takers = append(takers, startTake(ctx, p))
					} else {
						takers = append(takers, startTake(t.Context(), p))
					}
				}
				cancel()
				if _, err := takers[gone].result(); err != context.Canceled {
					t.Errorf("the one that gave up: %v, want the bare context.Canceled", err)
				}
				for i, k := range slices.Delete(takers, gone, gone+1) {
					p.Put(c)
					if got, err := k.result(); got != c || err != nil {
						t.Errorf("waiter %d: %v, %v", i, got, err)
					}
				}
				p.Put(c)
			})
		})
	}
}

func TestMaxOpenHoldsWhileConnectionsAreOpenedAndClosed(t *testing.T) {
	// The server of the test counts from before a dial to after a close.
	run(t, pool.Options{MaxOpen: 2}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		s.closing = func() { time.Sleep(time.Second) }
		var takers []*taking
		for range 6 {
			takers = append(takers, startTake(t.Context(), p))
		}
		for i, k := range takers {
			c, err := k.result()
			if err != nil {
				t.Fatalf("taker %d: %v", i, err)
			}
			if i%2 == 0 {
				go p.Discard(c)
			} else {
				c.broken.Store(true)
				go p.Put(c)
			}
		}
		time.Sleep(time.Second) // for the last closes
		if n := s.most(); n != 2 {
			t.Errorf("at most %d connections at once, want 2", n)
		}
	})
}

func TestAWaiterDialsOnlyAfterTheCloseHasReturned(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.closing = func() { time.Sleep(time.Minute) }
		c := take(t, p)
		next := startTake(t.Context(), p)
		go p.Discard(c)
		time.Sleep(time.Minute - 1)
		if p.Stats().Dials != 1 {
			t.Error("dialled while the only place was still taken")
		}
		got, err := next.result()
		if err != nil || got == c {
			t.Fatalf("%v, %v", got, err)
		}
		p.Put(got)
	})
}

func TestConnectionsBeyondMaxIdleAreClosed(t *testing.T) {
	run(t, pool.Options{MaxIdle: 2}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 5)
		putAll(p, conns)
		if n := s.opened(); n != 2 {
			t.Errorf("%d open, want 2", n)
		}
		if got := p.Stats(); got.Idle != 2 || got.Open != 2 || got.MaxIdleClosed != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAConnectionThatIsNotValidIsClosedWhenItComesBack(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		c.broken.Store(true)
		p.Put(c)
		if !c.closed.Load() || p.Stats().Idle != 0 {
			t.Error("kept")
		}
	})
}

func TestAnyErrorOfResetDropsTheConnectionAndTheNextIdleOneIsTried(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		putAll(p, conns)
		dirty := func(context.Context) error { return errors.New("dirty") }
		conns[2].reset, conns[1].reset = dirty, dirty
		c := take(t, p)
		if c != conns[0] {
			t.Errorf("connection %d, want 0", c.id)
		}
		synctest.Wait()
		if !conns[1].closed.Load() || !conns[2].closed.Load() || s.opened() != 1 {
			t.Error("a connection whose reset failed is still open")
		}
		p.Put(c)
	})
}

func TestAResetThatTheTakersContextEndedIsNotTheEnginesFault(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		putAll(p, conns)
		conns[2].reset = func(ctx context.Context) error {
			<-ctx.Done()
			return driver.ErrBadConn
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if c, err := p.Take(ctx); err != context.DeadlineExceeded {
			t.Errorf("%v, %v, want the bare context.DeadlineExceeded", c, err)
		}
		synctest.Wait()
		if got := p.Stats(); got.Idle != 2 || got.Open != 2 {
			t.Errorf("want this one connection dropped and no other: %+v", got)
		}
	})
}

func TestAPanicOfResetCostsTheConnectionAndNotItsPlace(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		c.reset = func(context.Context) error { panic("child") }
		p.Put(c)
		func() {
			defer func() {
				if recover() != "child" {
					t.Error("the panic did not reach the taker")
				}
			}()
			p.Take(t.Context())
		}()
		p.Put(take(t, p))
	})
}

func TestAContextThatIsDoneTakesNothing(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		p.Put(take(t, p))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if c, err := p.Take(ctx); c != nil || err != context.Canceled {
			t.Errorf("Take: %v, %v", c, err)
		}
		if c, err := p.TakeYielding(ctx, func() { t.Error("yielded") }); c != nil || err != context.Canceled {
			t.Errorf("TakeYielding: %v, %v", c, err)
		}
		if got := p.Stats(); got.Idle != 1 || got.Dials != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTakeYieldingYieldsOnlyBeforeItWaitsForAPlace(t *testing.T) {
	run(t, pool.Options{MaxOpen: 2}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		yields := 0
		takeYielding := func(yield func()) *conn {
			t.Helper()
			c, err := p.TakeYielding(t.Context(), func() { yields++; yield() })
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a := takeYielding(func() {}) // a dial
		b := takeYielding(func() {})
		p.Put(b)
		b = takeYielding(func() {}) // an idle one
		if yields != 0 {
			t.Errorf("yielded %d times with places left", yields)
		}
		if c := takeYielding(func() { p.Put(a) }); c != a || yields != 1 {
			t.Errorf("got %v after %d yields, want what was given back after 1", c, yields)
		}
		p.Put(a)
		p.Put(b)
	})
}

func TestOneStaleConnectionCondemnsAllIdleOnesOfItsGeneration(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 20)
		putAll(p, conns)
		tried := 0
		for _, c := range conns {
			c.reset = func(context.Context) error {
				tried++
				return fmt.Errorf("restarted: %w", driver.ErrBadConn)
			}
		}
		c := take(t, p)
		synctest.Wait()
		if tried != 1 {
			t.Errorf("%d stale connections were tried, want 1", tried)
		}
		if s.opened() != 1 || slices.Contains(conns, c) {
			t.Errorf("%d open, want only the new one", s.opened())
		}
		p.Put(c)
	})
}

func TestConnectionsInUseOfAnOldGenerationAreClosedWhenTheyComeBack(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		old := takeMany(t, p, 2)
		p.Stale(old[0])
		if old[0].closed.Load() || old[1].closed.Load() {
			t.Fatal("a connection in use was closed")
		}
		p.Discard(old[0])
		p.Put(old[1])
		if !old[1].closed.Load() {
			t.Error("a connection of the old generation was kept")
		}
	})
}

func TestABurstOfStaleConnectionsBumpsTheGenerationOnce(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		old := takeMany(t, p, 3)
		p.Stale(old[0])
		p.Discard(old[0])
		fresh := take(t, p)
		p.Put(fresh)
		for _, c := range old[1:] {
			p.Stale(c)
			p.Discard(c)
		}
		synctest.Wait()
		if c := take(t, p); c != fresh {
			t.Error("a late stale one dropped a connection of the new generation")
		}
		p.Put(fresh)
	})
}

func TestDiscardMakesRoomForAWaiter(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		next := startTake(t.Context(), p)
		if !next.waits() {
			t.Fatal("two connections where one is allowed")
		}
		p.Discard(c)
		got, err := next.result()
		if err != nil || got == c {
			t.Errorf("%v, %v", got, err)
		}
		p.Put(got)
	})
}

func TestAConnectionHandedToAWaiterThatLeavesInTheSameMomentIsNotLost(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		for range 300 {
			c := take(t, p)
			ctx, cancel := context.WithCancel(t.Context())
			first, second := startTake(ctx, p), startTake(t.Context(), p)
			cancel() // wakes the first, which is still in the queue until it runs
			p.Put(c)
			if got, err := first.result(); got != nil || err != context.Canceled {
				t.Fatalf("the first waiter: %v, %v", got, err)
			}
			if got, err := second.result(); got != c || err != nil {
				t.Fatalf("the second waiter: %v, %v", got, err)
			}
			p.Put(c)
		}
	})
}

func TestAPoolRefusesAConnectionThatIsGivenBackTwice(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		p.Put(c)
		for name, giveBack := range map[string]func(*conn){"Put": p.Put, "Discard": p.Discard} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				giveBack(c)
			}()
		}
		if got := p.Stats(); got.Idle != 1 || got.InUse != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestStatsCountEachConnectionOnce(t *testing.T) {
	run(t, pool.Options{MaxOpen: 3}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		next := startTake(t.Context(), p)
		time.Sleep(2 * time.Second)
		p.Put(conns[0])
		next.result()
		p.Put(conns[1])
		want := pool.Stats{MaxOpen: 3, Open: 3, InUse: 2, Idle: 1, Counters: pool.Counters{Dials: 3, WaitCount: 1, WaitDuration: 2 * time.Second}}
		if got := p.Stats(); got != want {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
		p.Put(conns[0])
		p.Put(conns[2])
	})
}

func TestTakeAndPutOfAnIdleConnectionDoNotAllocate(t *testing.T) {
	p := pool.New(dialNull, service)
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n := testing.AllocsPerRun(1000, func() {
		c, err := p.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
