package pool_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// park gives c back as those do who want to have it again.
func park(p *pool.Pool[*conn], c *conn) bool {
	valid := c.Valid()
	return valid && c.TryPark() || p.Park(c, valid)
}

func reclaim(t *testing.T, p *pool.Pool[*conn], c *conn) bool {
	return c.TryReclaim() && reset(t.Context(), p, c)
}

// reset does what is asked of those who reclaim.
func reset(ctx context.Context, p *pool.Pool[*conn], c *conn) bool {
	err := c.Reset(ctx)
	if err != nil {
		p.Unfit(ctx, c, err)
	}
	return err == nil
}

// parkedOnce returns a connection that was in use, was parked, and is in use
// again: from now on it needs no mutex to be parked.
func parkedOnce(t *testing.T, p *pool.Pool[*conn], conns ...*conn) {
	t.Helper()
	for _, c := range conns {
		if !park(p, c) || !reclaim(t, p, c) {
			t.Fatalf("connection %d could not be parked and had again", c.id)
		}
	}
}

func TestAParkedConnectionIsHadAgainAndResetEachTime(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		for i := range 3 {
			if !park(p, c) {
				t.Fatal("it is not parked")
			}
			if got := p.Stats(); got.Idle != 1 || got.InUse != 0 {
				t.Errorf("parked: %+v", got)
			}
			if !reclaim(t, p, c) {
				t.Fatal("nobody took it, and it is gone")
			}
			if got := p.Stats(); got.Idle != 0 || got.InUse != 1 {
				t.Errorf("had again: %+v", got)
			}
			if c.resets != i+1 {
				t.Errorf("%d resets, want %d", c.resets, i+1)
			}
		}
		p.Put(c)
	})
}

func TestAConnectionDialledForNobodyAndParkedIsResetForTheNext(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		gone := startTake(ctx, p)
		cancel()
		gone.result()
		time.Sleep(time.Second)
		synctest.Wait()
		c := take(t, p)
		park(p, c)
		if take(t, p) != c || c.resets != 2 {
			t.Errorf("%d resets, want one before each use", c.resets)
		}
		p.Put(c)
	})
}

func TestAParkedConnectionIsAnybodys(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 2)
		parkedOnce(t, p, conns...)
		park(p, conns[0])
		if c := take(t, p); c != conns[0] {
			t.Fatalf("connection %d was taken, want the one that is parked", c.id)
		}
		if reclaim(t, p, conns[0]) {
			t.Error("it was had again while it was in use")
		}
		park(p, conns[0])
		park(p, conns[1])
		takeMany(t, p, 2)
		if n := s.most(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		putAll(p, conns)
	})
}

func TestWhatIsParkedWhileSomebodyWaitsIsHandedOver(t *testing.T) {
	run(t, pool.Options{MaxOpen: 2}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 2)
		parkedOnce(t, p, conns...)
		first, second := startTake(t.Context(), p), startTake(t.Context(), p)
		if park(p, conns[0]) || reclaim(t, p, conns[0]) {
			t.Error("it was parked although somebody waited")
		}
		if c, err := first.result(); c != conns[0] || err != nil || !second.waits() {
			t.Errorf("the first waiter: %v, %v; the second waits: %v", c, err, second.waits())
		}
		park(p, conns[1])
		second.result()
		putAll(p, conns)
	})
}

func TestParkedConnectionsCountAsIdle(t *testing.T) {
	run(t, pool.Options{MaxIdle: 2}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		parkedOnce(t, p, conns[0], conns[1])
		// The places of the two that are in use are kept for nobody.
		if !park(p, conns[2]) {
			t.Error("it was not parked although no other was idle")
		}
		park(p, conns[0])
		park(p, conns[1])
		if got := p.Stats(); got.Idle != 2 || got.MaxIdleClosed != 1 || s.opened() != 2 {
			t.Errorf("%d open, %+v", s.opened(), got)
		}
	})
}

func TestParkedConnectionsAreClosedWithThePool(t *testing.T) {
	run(t, pool.Options{MaxIdleTime: time.Minute}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 2)
		parkedOnce(t, p, conns...)
		park(p, conns[0])
		p.Close()
		if !conns[0].closed.Load() || conns[1].closed.Load() {
			t.Error("want the parked one closed, and not the one in use")
		}
		if reclaim(t, p, conns[0]) || park(p, conns[1]) || !conns[1].closed.Load() {
			t.Error("a closed pool parks connections")
		}
	})
}

func TestParkedConnectionsAreCondemnedWithTheirGeneration(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		parkedOnce(t, p, conns...)
		park(p, conns[0])
		p.Stale(conns[1])
		p.Discard(conns[1])
		synctest.Wait()
		if !conns[0].closed.Load() || reclaim(t, p, conns[0]) {
			t.Error("the parked one lives")
		}
		if park(p, conns[2]) || !conns[2].closed.Load() {
			t.Error("one that was in use was parked")
		}
	})
}

func TestAParkedConnectionThatIsDeadCondemnsItsGeneration(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 2)
		park(p, conns[0])
		park(p, conns[1])
		conns[0].reset = func(context.Context) error { return driver.ErrBadConn }
		if reclaim(t, p, conns[0]) {
			t.Error("a dead connection was had again")
		}
		synctest.Wait()
		if n := s.opened(); n != 0 {
			t.Errorf("%d open", n)
		}
	})
}

func TestAnInvalidConnectionIsNotParked(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		parkedOnce(t, p, c)
		c.broken.Store(true)
		if park(p, c) || !c.closed.Load() {
			t.Error("it was parked")
		}
	})
}

func TestParkedConnectionsExpire(t *testing.T) {
	const limit = 8 * time.Second // looked at every 2 s
	for name, o := range map[string]pool.Options{
		"idle":     {MaxIdleTime: limit},
		"lifetime": {MaxLifetime: limit},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, o, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				c := take(t, p)
				parkedOnce(t, p, c)
				park(p, c)
				time.Sleep(limit / 2)
				synctest.Wait()
				if c.closed.Load() {
					t.Error("closed after half of the time")
				}
				time.Sleep(limit/2 + 2*time.Second)
				synctest.Wait()
				if !c.closed.Load() || p.ClockRuns() {
					t.Errorf("closed: %v, and the clock runs: %v", c.closed.Load(), p.ClockRuns())
				}
				if got := p.Stats(); got.MaxIdleTimeClosed+got.MaxLifetimeClosed != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestAConnectionThatIsUsedAllTheTimeExpiresByItsLifetimeOnly(t *testing.T) {
	const lifetime, idle = 80 * time.Second, 8 * time.Second
	run(t, pool.Options{MaxLifetime: lifetime, MaxIdleTime: idle}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		begin := time.Now()
		for park(p, c) && time.Since(begin) < 2*lifetime {
			time.Sleep(idle / 2)
			if reclaim(t, p, c) {
				continue
			}
			// A tick in this moment may have called it back.
			if next := take(t, p); next != c {
				p.Put(next)
				break
			}
		}
		synctest.Wait()
		age := time.Since(begin)
		if !c.closed.Load() || age < lifetime*9/10 || age > lifetime+idle {
			t.Errorf("closed: %v, after %v", c.closed.Load(), age)
		}
	})
}

func TestTheClockStandsStillWhileConnectionsThatWereParkedAreInUse(t *testing.T) {
	run(t, pool.Options{MaxIdleTime: 8 * time.Second}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		parkedOnce(t, p, c)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if p.ClockRuns() {
			t.Error("it runs on")
		}
		if !park(p, c) || !p.ClockRuns() {
			t.Error("it does not run for a parked connection")
		}
	})
}

func TestWhatWasParkedLongAgoIsTakenLast(t *testing.T) {
	run(t, pool.Options{MaxIdleTime: 8 * time.Second}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 4)
		for _, c := range conns {
			park(p, c)
		}
		time.Sleep(3 * time.Second) // past a tick
		synctest.Wait()
		reclaim(t, p, conns[2])
		park(p, conns[2])
		for range 20 {
			if c := take(t, p); c != conns[2] {
				t.Fatalf("connection %d, want %d", c.id, conns[2].id)
			}
			park(p, conns[2])
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := s.opened(); n != 1 {
			t.Errorf("%d open, want the one that is used", n)
		}
	})
}

func TestParkRefusesAConnectionThatIsParkedAlready(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		park(p, c)
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		park(p, c)
	})
}

func TestAPanicInResetThrowsAParkedConnectionAway(t *testing.T) {
	run(t, pool.Options{MaxOpen: 1}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		park(p, c)
		c.reset = func(context.Context) error { panic("driver") }
		func() {
			defer func() { recover() }()
			p.Take(t.Context())
		}()
		p.Put(take(t, p)) // waits until there is a place
		if !c.closed.Load() {
			t.Error("it is open")
		}
	})
}

func TestParkingDoesNotAllocate(t *testing.T) {
	p := pool.New(dialNull, service)
	defer p.Close()
	c, err := p.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if !c.TryPark() && !p.Park(c, true) || !c.TryReclaim() {
			t.Fatal("it is not parked")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	p.Put(c)
}
