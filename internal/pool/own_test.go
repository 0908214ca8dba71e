package pool_test

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// endless is the context of a taker who stays.
var endless = context.Background()

// heedful are the options of a pool whose takers may dial.
func heedful() pool.Options { return pool.Options{Owner: heeds()} }

// heeds is the owner of one.
func heeds() *owner { return &owner{heeds: true, limit: 24 * time.Hour} }

// isTakers reports whether the goroutine is one that called Take.
func isTakers() bool { return strings.Contains(string(debug.Stack()), ").Take(") }

func TestATakerDialsItselfIfThereIsNothingElseAndItMeansToStay(t *testing.T) {
	const limit = time.Second // of a dial
	for name, test := range map[string]struct {
		deadline    time.Duration // 0: none
		heeds, want bool
	}{
		"it stays for ever":               {0, true, true},
		"it stays for longer":             {limit, true, true},
		"it leaves before the dial's end": {limit - 1, true, false},
		"the driver does not end a dial":  {0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, pool.Options{Owner: &owner{heeds: test.heeds, limit: limit}}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				s.dialing = func(context.Context) error {
					if got := isTakers(); got != test.want {
						t.Errorf("dialled in the taker's goroutine: %v, want %v", got, test.want)
					}
					if got := p.Stats(); got.Open != 1 || got.Waiting != 1 || got.Dials != 1 {
						t.Errorf("during the dial: %+v", got)
					}
					return nil
				}
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				c, err := p.Take(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if got := p.Stats(); got.Open != 1 || got.InUse != 1 || got.Waiting != 0 {
					t.Errorf("after the dial: %+v", got)
				}
				p.Put(c)
			})
		})
	}
}

func TestATakerDialsItselfOnlyInAnEmptyPool(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		own := 0
		s.dialing = func(ctx context.Context) error {
			if isTakers() {
				own++
			}
			return slow(time.Second)(ctx)
		}
		var takers []*taking
		for range 3 {
			takers = append(takers, startTake(endless, p))
		}
		for _, k := range takers {
			c, err := k.result()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Put(c)
		}
		if n := s.most(); own != 1 || n != 3 {
			t.Errorf("%d own dials and %d connections, want 1 and 3", own, n)
		}
	})
}

// A dial that hangs holds up nobody but the one who dials.
func TestWhoComesWhileATakerDialsHasADialOfItsOwn(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Hour)
		first := startTake(endless, p)
		s.dialing = slow(time.Second)
		begun := time.Now()
		c, err := p.Take(endless)
		if took := time.Since(begun); err != nil || took != time.Second {
			t.Fatalf("%v after %v, want a connection after a second", err, took)
		}
		p.Put(c)
		if got, err := p.Take(endless); got != c || err != nil {
			t.Errorf("%v, %v, want the idle connection", got, err)
		}
		p.Put(c)
		if !first.waits() {
			t.Error("the first did not wait for its dial")
		}
		time.Sleep(time.Hour)
		c, err = first.result()
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	})
}

func TestTheErrorOfItsOwnDialReachesTheTakerAndTheNextDials(t *testing.T) {
	o := heedful()
	o.MaxOpen = 1
	run(t, o, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		refused := errors.New("refused")
		dials := 0
		s.dialing = func(context.Context) error {
			time.Sleep(time.Second)
			if dials++; dials == 1 {
				return refused
			}
			return nil
		}
		first := startTake(endless, p)
		next := startTake(endless, p) // has no place
		if _, err := first.result(); err != refused {
			t.Errorf("got %v", err)
		}
		c, err := next.result()
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	})
}

// A dial without a limit may hang for ever, and others come back meanwhile.
func TestATakerDoesNotDialWhereADialMayLastForEver(t *testing.T) {
	run(t, pool.Options{Owner: &owner{heeds: true}}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = func(context.Context) error {
			if isTakers() {
				t.Error("dialled in the taker's goroutine")
			}
			return nil
		}
		p.Put(take(t, p))
	})
}

func TestATakerThatIsCalledAwayFromItsDialLeavesOneForTheNext(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			called := startTake(ctx, p)
			begun := time.Now()
			cancel()
			if _, err := called.result(); err != context.Canceled || time.Since(begun) != 0 {
				t.Errorf("%v after %v, want the bare context.Canceled at once", err, time.Since(begun))
			}
		}
		if got := p.Stats(); got.Dials != 2 || p.Dialling() != 1 || got.Open != 1 {
			t.Errorf("%+v, want one dial that was ended and one that goes on", got)
		}
		begun := time.Now()
		c, err := p.Take(endless)
		if err != nil || time.Since(begun) != time.Second {
			t.Fatalf("%v after %v", err, time.Since(begun))
		}
		if n := s.most(); n != 1 {
			t.Errorf("%d connections at once", n)
		}
		p.Put(c)
	})
}

func TestTheDialThatIsLeftForTheNextEndsAtItsLimit(t *testing.T) {
	const limit = time.Minute
	run(t, pool.Options{Owner: &owner{heeds: true, limit: limit}}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		called := startTake(ctx, p)
		cancel()
		called.result()
		time.Sleep(limit - 1)
		if got := p.Stats(); got.Open != 1 {
			t.Errorf("before: %+v", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := p.Stats(); got.Open != 0 || p.Dialling() != 0 {
			t.Errorf("after: %+v", got)
		}
	})
}

func TestNoDialIsLeftWhereAnotherIsUnderWayOrTheEngineIsDown(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		called, other := startTake(ctx, p), startTake(endless, p)
		cancel()
		called.result()
		if got := p.Stats(); got.Dials != 2 || got.Open != 1 {
			t.Errorf("%+v, want the other's dial", got)
		}
		c, err := other.result()
		if err != nil {
			t.Fatal(err)
		}
		p.Put(c)
	})
	o := heeds()
	run(t, pool.Options{Owner: o}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		called := startTake(ctx, p)
		o.down = errors.New("down")
		cancel()
		if _, err := called.result(); err != context.Canceled {
			t.Errorf("got %v", err)
		}
		if got := p.Stats(); got.Open != 0 || got.Dials != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestCloseEndsATakersDial(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Hour)
		k := startTake(endless, p)
		begun := time.Now()
		p.Close()
		if _, err := k.result(); err != pool.ErrClosed || time.Since(begun) != 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) { // it succeeds nevertheless
		s.dialing = deaf(time.Hour)
		k := startTake(endless, p)
		p.Close()
		if c, err := k.result(); err != pool.ErrClosed {
			t.Errorf("%v, %v", c, err)
		}
	})
}

func TestWhoeverDialsIsTurnedAwayWithTheOthers(t *testing.T) {
	for _, onlyHopeless := range []bool{true, false} {
		run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
			s.dialing = slow(time.Hour)
			errDown := errors.New("down")
			first, next := startTake(endless, p), startTake(endless, p)
			begun := time.Now()
			p.TurnAway(errDown, onlyHopeless)
			for _, k := range []*taking{first, next} {
				if _, err := k.result(); err != errDown || time.Since(begun) != 0 {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			}
			time.Sleep(pool.DialGrace) // the other's dial goes on
			synctest.Wait()
			s.dialing = nil
			p.Put(take(t, p))
		})
	}
}

// There is something to wait for: not for who dials, but it has a dial.
func TestWhoeverDialsIsNotTurnedAwayWhereThereIsHope(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Minute)
		first := startTake(endless, p)
		s.dialing = nil
		held := take(t, p)
		p.TurnAway(errors.New("down"), true)
		c, err := first.result()
		if err != nil {
			t.Fatal(err)
		}
		putAll(p, []*conn{held, c})
	})
}

func TestNobodyDialsAnEngineThatIsDown(t *testing.T) {
	errDown := errors.New("down")
	run(t, pool.Options{Owner: &owner{heeds: true, limit: time.Minute, down: errDown}}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		if _, err := p.Take(endless); err != errDown {
			t.Errorf("got %v", err)
		}
		if n := s.most(); n != 0 {
			t.Errorf("%d dials", n)
		}
	})
}

func TestATakerThatDialledForARenewedPoolGetsAnother(t *testing.T) {
	for name, renew := range map[string]func(*pool.Pool[*conn], *conn){
		"Renew": func(p *pool.Pool[*conn], _ *conn) { p.Renew() },
		"Stale": func(p *pool.Pool[*conn], other *conn) { p.Stale(other) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				s.dialing = slow(time.Minute)
				first := startTake(endless, p)
				s.dialing = nil
				other := take(t, p)
				renew(p, other)
				p.Put(other) // it is of before, too
				c, err := first.result()
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if dialled := len(s.conns); c != s.conns[2] || dialled != 3 {
					t.Errorf("got connection %d of %d, want a new one", c.id, dialled)
				}
				if !s.conns[1].closed.Load() {
					t.Error("the one of before is open")
				}
				p.Put(c)
			})
		})
	}
}

// What a server that hangs takes to close a connection is not the taker's.
func TestATakerDoesNotWaitForTheCloseOfWhatIsNotWanted(t *testing.T) {
	run(t, heedful(), func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = slow(time.Second)
		s.closing = func() { time.Sleep(time.Hour) }
		ctx, cancel := context.WithCancel(t.Context())
		k := startTake(ctx, p)
		p.Renew()
		time.Sleep(time.Second)
		synctest.Wait()
		begun := time.Now()
		cancel()
		if _, err := k.result(); err != context.Canceled || time.Since(begun) != 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		time.Sleep(2 * time.Hour)
	})
}

// Whoever waits in the queue has the dial that is left, and wants no place any more.
func TestNobodysConnectionIsClosedForTheDialThatIsLeft(t *testing.T) {
	runShared(t, 2, 0, func(t *testing.T, s *shared) {
		other := s.pool()
		held := take(t, other)
		s.dialing = slow(5 * time.Second)
		p := s.owned(heeds())
		ctx, cancel := context.WithCancel(t.Context())
		called, next := startTake(ctx, p), startTake(endless, p)
		time.Sleep(time.Second) // a turn ends, and the next asks for a place
		if got := s.host.Stats(); got.Waiting != 1 {
			t.Errorf("before: %+v", got)
		}
		cancel()
		called.result()
		synctest.Wait()
		if got := s.host.Stats(); got.Waiting != 0 {
			t.Errorf("after: %+v", got)
		}
		other.Put(held)
		c, err := next.result()
		if err != nil {
			t.Fatal(err)
		}
		wantOpen(t, held)
		p.Put(c)
	})
}

func TestATakersDialThatPanicsIsAnErrorAndGivesItsPlaceBack(t *testing.T) {
	o := heedful()
	o.MaxOpen = 1
	run(t, o, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
		s.dialing = func(context.Context) error { panic("child") }
		if _, err := p.Take(endless); err == nil || !strings.HasPrefix(err.Error(), "multidb: the child driver panicked") {
			t.Errorf("got %v", err)
		}
		s.dialing = func(context.Context) error { runtime.Goexit(); return nil }
		startTake(endless, p).result() // the driver has ended its goroutine
		s.dialing = nil
		p.Put(take(t, p))
	})
}

func TestATakersDialHasAPlaceOfTheCapAndTheRightToDial(t *testing.T) {
	runShared(t, 1, 1, func(t *testing.T, s *shared) {
		s.dialing = slow(time.Second)
		first, next := s.owned(heeds()), s.owned(heeds())
		dials := startTake(endless, first)
		if got := s.host.Stats(); got.Open != 1 || got.Dialling != 1 {
			t.Errorf("during the dial: %+v", got)
		}
		waits := startTake(endless, next)
		c, err := dials.result()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.host.Stats(); got.Open != 1 || got.Dialling != 0 || got.Waiting != 1 {
			t.Errorf("after the dial: %+v", got)
		}
		first.Put(c)
		c, err = waits.result()
		if err != nil {
			t.Fatal(err)
		}
		next.Put(c)
	})
}
