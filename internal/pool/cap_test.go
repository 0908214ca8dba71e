package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// shared is a server with the engines of many pools, in a bubble of fake time.
type shared struct {
	*server
	t     *testing.T
	cap   *pool.Cap
	host  *pool.Host
	pools []*pool.Pool[*conn]
}

// runShared runs f with a server that fails the test at the first connection
// above the limit. Nothing is left when it returns.
func runShared(t *testing.T, limit, dials int, f func(t *testing.T, s *shared)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := pool.NewCap(limit)
		s := &shared{server: &server{t: t, maxOpen: limit}, t: t, cap: c, host: c.Host(0, dials)}
		f(t, s)
		for _, p := range s.pools {
			p.Close()
		}
		synctest.Wait()
		if n := s.opened(); n != 0 {
			t.Errorf("%d connections open at the end", n)
		}
		for _, got := range []pool.CapStats{s.cap.Stats(), s.host.Stats()} {
			if got.Open != 0 || got.Dialling != 0 || got.Waiting != 0 {
				t.Errorf("at the end: %+v", got)
			}
		}
		for i, p := range s.pools {
			if !p.AtRest() {
				t.Errorf("pool %d keeps what it needs for its part in a Cap", i)
			}
		}
	})
}

func (s *shared) pool() *pool.Pool[*conn] { return s.poolAt(s.host) }

func (s *shared) poolAt(h *pool.Host) *pool.Pool[*conn] {
	p := pool.New(s.dial, pool.Options{MaxIdle: 100, Host: h})
	s.pools = append(s.pools, p)
	return p
}

// idle gives a new pool so many idle connections, of which the first was idle
// longest.
func (s *shared) idle(n int) (*pool.Pool[*conn], []*conn) {
	p := s.pool()
	conns := takeMany(s.t, p, n)
	putAll(p, conns)
	return p, conns
}

func wantOpen(t *testing.T, conns ...*conn) {
	t.Helper()
	for _, c := range conns {
		if c.closed.Load() {
			t.Errorf("connection %d is closed", c.id)
		}
	}
}

func wantClosed(t *testing.T, conns ...*conn) {
	t.Helper()
	for _, c := range conns {
		if !c.closed.Load() {
			t.Errorf("connection %d is open", c.id)
		}
	}
}

func TestAtTheCapTakersOfAllPoolsAreServedInTheOrderTheyCame(t *testing.T) {
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		busy := s.pool()
		held := take(t, busy)
		pools := []*pool.Pool[*conn]{s.pool(), s.pool(), s.pool()}
		var takers []*taking
		for i := range 9 {
			takers = append(takers, startTake(t.Context(), pools[i*i%3])) // 0 1 1 0 1 1 ...
		}
		if got := s.cap.Stats(); got.Open != 1 || got.Waiting != 2 {
			t.Errorf("%+v, want one open and two pools waiting", got)
		}
		busy.Put(held)
		for i := range takers {
			time.Sleep(time.Second) // far more than a turn
			synctest.Wait()
			for j, k := range takers {
				if served := !k.waits(); served != (j <= i) {
					t.Fatalf("return %d: taker %d served: %v", i, j, served)
				}
			}
			c, err := takers[i].result()
			if err != nil {
				t.Fatal(err)
			}
			pools[i*i%3].Put(c)
		}
	})
}

func TestAtTheCapASurplusIsClosedFirstAndThenWhatWasUsedLongestAgo(t *testing.T) {
	runShared(t, 6, 0, func(t *testing.T, s *shared) {
		_, oldest := s.idle(1)
		_, older := s.idle(2)
		_, newer := s.idle(2)
		again, recent := s.idle(1)
		wanted := []*conn{older[0], newer[0], oldest[0], older[1], newer[1], recent[0]}
		again.Put(take(t, again))
		for i := range wanted {
			take(t, s.pool())
			wantClosed(t, wanted[:i+1]...)
			wantOpen(t, wanted[i+1:]...)
		}
		if n := s.cap.Stats().Evicted; n != 6 {
			t.Errorf("%d evicted, want 6", n)
		}
		for i, p := range s.pools[4:] {
			p.Put(s.conns[6+i])
		}
	})
}

func TestAtTheCapWhatWasUsedSinceIsKept(t *testing.T) {
	runShared(t, 4, 0, func(t *testing.T, s *shared) {
		first, a := s.idle(1)
		_, b := s.idle(1)
		_, c := s.idle(1)
		_, d := s.idle(1)
		p := s.pool()
		evicts := func(want *conn, kept ...*conn) {
			t.Helper()
			take(t, p)
			wantClosed(t, want)
			wantOpen(t, kept...)
			s.pools = append(s.pools, p)
			p = s.pool()
		}
		first.Put(take(t, first))
		evicts(b[0], a[0], c[0], d[0])
		first.Put(take(t, first))
		evicts(c[0], a[0], d[0])
		evicts(d[0], a[0])
		evicts(a[0])
		for i, c := range s.conns[4:] {
			s.pools[4+2*i].Put(c)
		}
	})
}

// runCapped runs f with connections that are put back after their use, and with some
// that are parked.
func runCapped(t *testing.T, limit int, f func(t *testing.T, s *shared, use func(*pool.Pool[*conn]) *conn)) {
	for name, giveBack := range map[string]func(p *pool.Pool[*conn], c *conn){
		"put":    func(p *pool.Pool[*conn], c *conn) { p.Put(c) },
		"parked": func(p *pool.Pool[*conn], c *conn) { park(p, c) },
	} {
		t.Run(name, func(t *testing.T) {
			runShared(t, limit, 0, func(t *testing.T, s *shared) {
				f(t, s, func(p *pool.Pool[*conn]) *conn {
					c := take(t, p)
					giveBack(p, c)
					return c
				})
			})
		})
	}
}

// Work that goes through all tenants once must not cost the others their connections.
func TestAtTheCapWhatWasUsedOnceIsClosedBeforeWhatWasUsedAgain(t *testing.T) {
	runCapped(t, 3, func(t *testing.T, s *shared, use func(*pool.Pool[*conn]) *conn) {
		a, b := s.pool(), s.pool()
		again := []*conn{use(a), use(b)}
		use(s.pool())
		use(a)
		use(b)
		for range 5 { // each is closed for the next, though it was used last
			use(s.pool())
			wantOpen(t, again...)
		}
		if n := s.most(); n != 3 || len(s.conns) != 8 {
			t.Errorf("%d connections at once and %d ever, want 3 and 8", n, len(s.conns))
		}
	})
}

// A new tenant needs a chance to be used again, however many were.
func TestAtTheCapAFewThatWereUsedOnceAreLeftAlone(t *testing.T) {
	const limit = 11
	runCapped(t, limit, func(t *testing.T, s *shared, use func(*pool.Pool[*conn]) *conn) {
		var again []*conn
		for range limit - 1 {
			s.pool()
		}
		for _, p := range s.pools {
			again = append(again, use(p))
		}
		first := use(s.pool())
		for _, p := range s.pools[:limit-1] {
			use(p)
		}
		second := use(s.pool()) // finds out that ten were used again, and closes one of them
		wantClosed(t, again[0])
		wantOpen(t, first)
		use(s.pool()) // two are more than a few of eleven
		wantClosed(t, first)
		wantOpen(t, second)
		wantOpen(t, again[1:]...)
	})
}

func TestAtTheCapAPoolThatLostItsConnectionsBeginsAnew(t *testing.T) {
	runShared(t, 2, 0, func(t *testing.T, s *shared) {
		p, old := s.idle(1)
		_, other := s.idle(1)
		p.Put(take(t, p))
		s.idle(1) // finds out that p was used again, and closes the other
		wantClosed(t, other[0])
		c := take(t, p)
		p.Discard(c)
		wantClosed(t, old[0])
		p.Put(take(t, p)) // once, and the last
		_, newer := s.idle(1)
		wantOpen(t, s.conns[3])
		_, newest := s.idle(1)
		wantClosed(t, s.conns[3])
		wantOpen(t, newer[0], newest[0])
	})
}

func TestAtTheCapWhatWasHandedOnAndParkedIsKept(t *testing.T) {
	runShared(t, 2, 0, func(t *testing.T, s *shared) {
		p := pool.New(s.dial, pool.Options{MaxIdle: 100, MaxOpen: 1, Host: s.host})
		s.pools = append(s.pools, p)
		c := take(t, p)
		park(p, c)
		_, other := s.idle(1)
		take(t, p)
		next := startTake(t.Context(), p)
		park(p, c)
		next.result()
		park(p, c)
		s.idle(1)
		wantOpen(t, c)
		wantClosed(t, other[0])
	})
}

func TestAtTheCapTheSurplusThatWasParkedLongestAgoIsClosed(t *testing.T) {
	runShared(t, 3, 0, func(t *testing.T, s *shared) {
		p := s.pool()
		conns := takeMany(t, p, 2)
		park(p, conns[1])
		s.idle(1)
		park(p, conns[0])
		s.idle(1)
		wantClosed(t, conns[1])
		wantOpen(t, conns[0])
	})
}

// Nobody sees the uses of a connection that is parked and had again.
func TestAtTheCapOfASurplusThatIsParkedTheOneInUseIsKept(t *testing.T) {
	runShared(t, 3, 0, func(t *testing.T, s *shared) {
		p := s.pool()
		conns := takeMany(t, p, 2)
		used, unused := conns[0], conns[1]
		park(p, used)
		s.idle(1)
		park(p, unused)
		for range 2 {
			if !reclaim(t, p, used) || !used.TryPark() {
				t.Fatal("not parked")
			}
		}
		s.idle(1)
		wantClosed(t, unused)
		wantOpen(t, used)
	})
}

func TestAtTheCapParkedConnectionsAreClosed(t *testing.T) {
	runShared(t, 3, 0, func(t *testing.T, s *shared) {
		pools := []*pool.Pool[*conn]{s.pool(), s.pool(), s.pool()}
		var conns []*conn
		for _, p := range pools {
			c := take(t, p)
			parkedOnce(t, p, c)
			conns = append(conns, c)
		}
		conns[0].TryPark()
		conns[2].TryPark()
		a := take(t, s.pool())
		wantClosed(t, conns[0])
		wantOpen(t, conns[1], conns[2])
		if !reclaim(t, pools[2], conns[2]) || !conns[2].TryPark() {
			t.Error("a parked connection that was used since cannot be had again")
		}
		waits := startTake(t.Context(), s.pool()) // closes the last that is idle
		if waits.waits() {
			t.Error("a parked connection is not closed for it")
		}
		wantClosed(t, conns[2])

		// What is in use when somebody waits comes back the long way.
		other := startTake(t.Context(), s.pool())
		if conns[1].TryPark() {
			t.Error("parked while somebody waits for a place")
		}
		if pools[1].Park(conns[1], true) {
			t.Error("parked while somebody waits for a place")
		}
		c, err := other.result()
		if err != nil {
			t.Fatal(err)
		}
		s.pools[5].Put(c)
		s.pools[3].Put(a)
		b, _ := waits.result()
		s.pools[4].Put(b)
	})
}

func TestWhoGivesUpAtTheCapLosesHisTurnAndNobodyElseDoes(t *testing.T) {
	for gone := range 3 {
		t.Run(fmt.Sprint(gone), func(t *testing.T) {
			runShared(t, 1, 0, func(t *testing.T, s *shared) {
				busy := s.pool()
				held := take(t, busy)
				ctx, cancel := context.WithCancel(t.Context())
				var takers []*taking
				var pools []*pool.Pool[*conn]
				for i := range 3 {
					p := s.pool()
					pools = append(pools, p)
					if i == gone {
						takers = append(takers, startTake(ctx, p))
					} else {
						takers = append(takers, startTake(t.Context(), p))
					}
				}
				cancel()
				if _, err := takers[gone].result(); err != context.Canceled {
					t.Errorf("the one that gave up: %v", err)
				}
				takers = slices.Delete(takers, gone, gone+1)
				pools = slices.Delete(pools, gone, gone+1)
				if n := s.cap.Stats().Waiting; n != 2 {
					t.Errorf("%d wait, want 2", n)
				}
				busy.Put(held)
				for i, k := range takers {
					c, err := k.result()
					if err != nil {
						t.Fatal(err)
					}
					pools[i].Put(c)
				}
				if n := len(s.conns); n != 3 {
					t.Errorf("%d connections opened, want 3", n)
				}
			})
		})
	}
}

func TestAPlaceThatIsGrantedToOneWhoHasLeftGoesOn(t *testing.T) {
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		busy := s.pool()
		held := take(t, busy)
		ctx, cancel := context.WithCancel(t.Context())
		s.closing = cancel // the moment before the place comes free
		left := startTake(ctx, s.pool())
		p := s.pool()
		next := startTake(t.Context(), p)
		busy.Put(held)
		left.result()
		c, err := next.result()
		if err != nil {
			t.Fatal(err)
		}
		s.closing = nil
		p.Put(c)
	})
}

func TestADialThatFailsPassesItsPlaceOn(t *testing.T) {
	errRefused := errors.New("refused")
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		s.dialing = func(context.Context) error {
			time.Sleep(time.Second)
			s.dialing = nil
			return errRefused
		}
		first, second := s.pool(), s.pool()
		a := startTake(t.Context(), first)
		b := startTake(t.Context(), second)
		if _, err := a.result(); err != errRefused {
			t.Errorf("%v, want the error of the dial", err)
		}
		c, err := b.result()
		if err != nil {
			t.Fatal(err)
		}
		second.Put(c)
	})
}

func TestClosingAPoolPassesItsPlacesOn(t *testing.T) {
	runShared(t, 3, 0, func(t *testing.T, s *shared) {
		s.dialing = slow(time.Second)
		old := s.pool()
		inUse := take(t, old)
		idle := take(t, old)
		dialling := startTake(t.Context(), old)
		p := s.pool()
		var takers []*taking
		for range 3 {
			takers = append(takers, startTake(t.Context(), p))
		}
		ofOld := startTake(t.Context(), old) // behind those
		old.Put(idle)                        // to the one that set off the dial
		old.Close()
		for _, k := range []*taking{dialling, ofOld} {
			if c, err := k.result(); err == nil {
				old.Put(c)
			} else if err != pool.ErrClosed {
				t.Error(err)
			}
		}
		for _, k := range takers[:2] {
			c, err := k.result()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Put(c)
		}
		if !takers[2].waits() {
			t.Error("a place was had that a connection in use still has")
		}
		old.Put(inUse)
		c, err := takers[2].result()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Put(c)
	})
}

func TestWhoHoldsSomethingYieldsBeforeHeWaitsAtTheCap(t *testing.T) {
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		mine, other := s.pool(), s.pool()
		held := take(t, mine)
		c, err := other.TakeYielding(t.Context(), func() { mine.Put(held) })
		if err != nil {
			t.Fatal(err)
		}
		other.Put(c)
	})
}

// Its dial was for nothing, and another came before it to the place: it may have to
// wait for longer than the connection in use, which nobody gives back.
func TestATakerWhoseDialWasInVainClaimsAPlace(t *testing.T) {
	runShared(t, 2, 0, func(t *testing.T, s *shared) {
		p, other := s.pool(), s.pool()
		inUse := take(t, p)
		s.dialing = slow(time.Second)
		taker := startTake(t.Context(), p)
		rival := startTake(t.Context(), other)
		p.Renew()
		c, err := rival.result()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(pool.MaxTurn)
		other.Put(c)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if taker.waits() {
			t.Error("it waits for the connection in use")
		}
		p.Discard(inUse)
		c, err = taker.result()
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	})
}

// While its pool was full, its taker had nothing to ask for.
func TestATakerOfAPoolThatWasFullClaimsAPlace(t *testing.T) {
	runShared(t, 2, 0, func(t *testing.T, s *shared) {
		p := pool.New(s.dial, pool.Options{MaxIdle: 100, MaxOpen: 2, Host: s.host})
		other := s.pool()
		s.pools = append(s.pools, p)
		inUse := takeMany(t, p, 2)
		taker := startTake(t.Context(), p)
		rival := startTake(t.Context(), other)
		time.Sleep(pool.MaxTurn)
		p.Discard(inUse[0])
		c, err := rival.result()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * pool.MaxTurn)
		other.Put(c)
		synctest.Wait()
		if taker.waits() {
			t.Error("it waits for the connection in use")
		}
		p.Discard(inUse[1])
		if c, err = taker.result(); err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	})
}
