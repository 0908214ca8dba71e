package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

func TestConnectionsThatAreIdleForTooLongAreClosed(t *testing.T) {
	run(t, pool.Options{MaxIdleTime: 8 * time.Second}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 3)
		putAll(p, conns)
		for range 10 { // the last one stays in use, on and off
			time.Sleep(time.Second)
			p.Put(take(t, p))
		}
		synctest.Wait()
		if got := p.Stats(); got.Open != 1 || got.MaxIdleTimeClosed != 2 || conns[2].closed.Load() {
			t.Errorf("%+v", got)
		}
	})
}

func TestIdleTimeIsKeptToWithinAQuarter(t *testing.T) {
	const limit, quarter = 8 * time.Second, 2 * time.Second
	for wait := time.Duration(0); wait <= limit; wait += 700 * time.Millisecond {
		run(t, pool.Options{MaxIdleTime: limit}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
			conns := takeMany(t, p, 2)
			p.Put(conns[0]) // starts the clock
			time.Sleep(wait)
			p.Put(conns[1])
			time.Sleep(limit - quarter - 1)
			synctest.Wait()
			if conns[1].closed.Load() {
				t.Errorf("after %v: closed more than a quarter early", wait)
			}
			time.Sleep(2*quarter + 1)
			synctest.Wait()
			if !conns[1].closed.Load() {
				t.Errorf("after %v: closed more than a quarter late", wait)
			}
		})
	}
}

func TestIdleConnectionsPastTheirLifetimeAreClosed(t *testing.T) {
	const lifetime = 40 * time.Second
	run(t, pool.Options{MaxLifetime: lifetime}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 50)
		putAll(p, conns)
		time.Sleep(lifetime*9/10 - 1)
		synctest.Wait()
		if n := p.Stats().MaxLifetimeClosed; n != 0 {
			t.Errorf("%d closed before nine tenths of their lifetime", n)
		}
		time.Sleep(lifetime/10 + lifetime/4 + 1)
		synctest.Wait()
		if got := p.Stats(); got.MaxLifetimeClosed != 50 || got.Open != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAConnectionPastItsLifetimeIsClosedWhenItComesBack(t *testing.T) {
	for name, clockRuns := range map[string]bool{"clock stands": false, "clock runs": true} {
		t.Run(name, func(t *testing.T) {
			run(t, pool.Options{MaxLifetime: time.Minute}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				c := take(t, p)
				time.Sleep(45 * time.Second)
				if clockRuns {
					p.Put(startedNow(t, p))
				}
				time.Sleep(30 * time.Second) // a minute, and one period of the clock
				if p.ClockRuns() != clockRuns {
					t.Fatalf("the clock runs: %v", !clockRuns)
				}
				p.Put(c)
				if got := p.Stats(); !c.closed.Load() || got.MaxLifetimeClosed != 1 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// startedNow takes a connection that is not idle yet.
func startedNow(t *testing.T, p *pool.Pool[*conn]) *conn {
	t.Helper()
	dials := p.Stats().Dials
	c := take(t, p)
	if p.Stats().Dials != dials+1 {
		t.Fatal("not a new connection")
	}
	return c
}

func TestConnectionsOpenedTogetherDoNotExpireTogether(t *testing.T) {
	const lifetime = 10 * time.Second // looked at every 2.5 s, but those in use exactly
	run(t, pool.Options{MaxLifetime: lifetime, MaxIdle: 1000}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		conns := takeMany(t, p, 200)
		time.Sleep(lifetime * 95 / 100)
		putAll(p, conns)
		if n := p.Stats().MaxLifetimeClosed; n < 50 || n > 150 {
			t.Errorf("%d of 200 expired within the first half of a tenth", n)
		}
	})
}

func TestTheClockStandsStillWhileNoConnectionIsIdle(t *testing.T) {
	run(t, pool.Options{MaxIdleTime: 8 * time.Second, MaxLifetime: time.Hour}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		c := take(t, p)
		if p.ClockRuns() {
			t.Error("it runs before a connection was idle")
		}
		p.Put(c)
		if !p.ClockRuns() {
			t.Error("it does not run for an idle connection")
		}
		take(t, p)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if p.ClockRuns() {
			t.Error("it runs on when all are in use")
		}
		p.Put(c)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if p.ClockRuns() || p.Stats().Open != 0 {
			t.Error("it runs on when all are closed")
		}
	})
}

func TestAPoolWithoutTimeLimitsHasNoClock(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		p.Put(take(t, p))
		if p.ClockRuns() {
			t.Error("it runs")
		}
		time.Sleep(1000 * time.Hour)
		if p.Stats().Idle != 1 {
			t.Error("the connection is gone")
		}
	})
}
