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

// endless is the context of a taker who cannot leave.
var endless = context.Background()

// heedful are the options of a pool whose takers may dial.
func heedful() pool.Options { return pool.Options{Owner: &owner{heeds: true}} }

// isTakers reports whether the goroutine is one that called Take.
func isTakers() bool { return strings.Contains(string(debug.Stack()), ").Take(") }

func TestATakerDialsItselfIfThereIsNothingElseAndItCannotLeave(t *testing.T) {
	for name, test := range map[string]struct{ leaves, heeds, want bool }{
		"it cannot leave":                        {leaves: false, heeds: true, want: true},
		"it may leave":                           {leaves: true, heeds: true},
		"the driver does not end a dial":         {leaves: false, heeds: false},
		"nor does it, and the taker could leave": {leaves: true, heeds: false},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, pool.Options{Owner: &owner{heeds: test.heeds}}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
				s.dialing = func(context.Context) error {
					if got := isTakers(); got != test.want {
						t.Errorf("dialled in the taker's goroutine: %v, want %v", got, test.want)
					}
					if got := p.Stats(); got.Open != 1 || got.Waiting != 1 || got.Dials != 1 {
						t.Errorf("during the dial: %+v", got)
					}
					return nil
				}
				ctx := context.WithoutCancel(t.Context())
				if test.leaves {
					ctx = t.Context()
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
	run(t, pool.Options{Owner: &owner{heeds: true, down: errDown}}, func(t *testing.T, s *server, p *pool.Pool[*conn]) {
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
		first, next := s.owned(&owner{heeds: true}), s.owned(&owner{heeds: true})
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
