package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// startVisit returns when the Visit has come as far as it can for now.
func startVisit(ctx context.Context, p *pool.Pool[*conn], patience time.Duration) *taking {
	k := &taking{done: make(chan struct{})}
	go func() {
		defer close(k.done)
		k.conn, k.err = p.Visit(ctx, patience)
	}()
	synctest.Wait()
	return k
}

func TestAVisitWaitsInLineForItsPlace(t *testing.T) {
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		busy, asked, other := s.pool(), s.pool(), s.pool()
		held := take(t, busy)
		if _, err := asked.Visit(t.Context(), 0); err != pool.ErrNoPlace {
			t.Errorf("where no place is free: %v", err)
		}
		begun := time.Now()
		if _, err := asked.Visit(t.Context(), time.Second); err != pool.ErrNoPlace || time.Since(begun) != time.Second {
			t.Errorf("%v after %v, want the end of its patience", err, time.Since(begun))
		}
		first := startTake(t.Context(), other)
		visit := startVisit(t.Context(), asked, time.Hour)
		last := startTake(t.Context(), s.pool())
		busy.Put(held)
		c, err := first.result()
		if err != nil {
			t.Fatal(err)
		}
		if synctest.Wait(); !visit.waits() {
			t.Error("the visit did not wait for its turn")
		}
		other.Discard(c)
		if c, err = visit.result(); err != nil {
			t.Fatal(err)
		}
		if synctest.Wait(); !last.waits() {
			t.Error("the visit has no place")
		}
		asked.Adopt(c) // somebody waits for its place
		next, err := last.result()
		if err != nil {
			t.Fatal(err)
		}
		wantClosed(t, c)
		s.pools[3].Put(next)
	})
}

func TestAVisitTakesWhatIsIdleOnlyIfItIsPatient(t *testing.T) {
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		_, idle := s.idle(1)
		p := s.pool()
		if _, err := p.Visit(t.Context(), 0); err != pool.ErrNoPlace {
			t.Errorf("got %v", err)
		}
		wantOpen(t, idle...)
		c, err := p.Visit(t.Context(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		wantClosed(t, idle...)
		p.Dismiss(c)
		wantClosed(t, c)
	})
}

func TestTheDialOfAVisitIsOneOfItsHost(t *testing.T) {
	runShared(t, 0, 1, func(t *testing.T, s *shared) {
		s.dialing = slow(time.Second)
		visit := startVisit(t.Context(), s.pool(), 0)
		taker := startTake(t.Context(), s.pool())
		if got := s.host.Stats(); got.Dialling != 1 || got.Waiting != 1 {
			t.Errorf("%+v, want one that dials and one that waits", got)
		}
		if _, err := s.pool().Visit(t.Context(), 0); err != pool.ErrNoPlace {
			t.Errorf("beside another dial: %v", err)
		}
		a, _ := visit.result()
		b, _ := taker.result()
		s.pools[0].Adopt(a)
		if c := take(t, s.pools[0]); c != a || c.resets != 1 {
			t.Errorf("got connection %d after %d resets, want the one of the visit after one", c.id, c.resets)
		}
		s.pools[0].Put(a)
		s.pools[1].Put(b)
	})
}

func TestAVisitThatFailsLeavesNothing(t *testing.T) {
	errRefused := errors.New("refused")
	runShared(t, 2, 1, func(t *testing.T, s *shared) {
		p := s.pool()
		s.dialing = func(context.Context) error { return errRefused }
		if _, err := p.Visit(t.Context(), 0); err != errRefused {
			t.Errorf("got %v", err)
		}
		s.dialing = func(context.Context) error { panic("driver bug") }
		func() {
			defer func() { recover() }()
			p.Visit(t.Context(), 0)
		}()
		s.dialing = nil
		held := take(t, s.pool())
		defer s.pools[1].Put(held)
		ctx, cancel := context.WithCancel(t.Context())
		p.Put(take(t, p))
		other := take(t, p)
		waiting := startVisit(ctx, p, time.Hour)
		cancel()
		if _, err := waiting.result(); err != pool.ErrNoPlace {
			t.Errorf("got %v", err)
		}
		p.Put(other)

		// It was let in as its pool was closed.
		s.closing = func() { p.Close() }
		if _, err := p.Visit(t.Context(), time.Second); err != pool.ErrClosed {
			t.Errorf("got %v", err)
		}
		s.closing = nil
	})
}

// All connections of an engine hang, and somebody has to find out.
func TestAVisitMayGoBeyondThePoolsOwnLimit(t *testing.T) {
	run(t, pool.Options{}, func(t *testing.T, s *server, _ *pool.Pool[*conn]) {
		p := pool.New(s.dial, pool.Options{MaxIdle: 1, MaxOpen: 1})
		defer p.Close()
		held := take(t, p)
		c, err := p.Visit(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Adopt(c)
		wantClosed(t, c)
		p.Put(held)
	})
}

// owner answers for an engine.
type owner struct {
	down     error
	patience time.Duration
	heeds    bool
	limit    time.Duration // of a dial
}

func (o *owner) Lost()                      {}
func (o *owner) HeedsContext() bool         { return o.heeds }
func (o *owner) DialTimeout() time.Duration { return o.limit }
func (o *owner) Down() error                { return o.down }
func (o *owner) Patience() time.Duration    { return o.patience }

func (s *shared) owned(o *owner) *pool.Pool[*conn] {
	p := pool.New(s.dial, pool.Options{MaxIdle: 100, Host: s.host, Owner: o})
	s.pools = append(s.pools, p)
	return p
}

func TestAnEngineThatIsDownIsOnlyVisited(t *testing.T) {
	errDown := errors.New("down")
	runShared(t, 1, 1, func(t *testing.T, s *shared) {
		o := new(owner)
		p := s.owned(o)
		other := s.pool()
		held := take(t, other)
		waits := startTake(t.Context(), p)
		o.down = errDown // while he waits in line
		other.Put(held)
		if _, err := waits.result(); err != errDown {
			t.Errorf("got %v", err)
		}
		s.dialing = slow(time.Second)
		visit := startVisit(t.Context(), p, time.Second)
		begun := time.Now()
		if _, err := p.Take(t.Context()); err != errDown || time.Since(begun) != 0 {
			t.Errorf("%v after %v, want to be turned away at once: the visit is nobody's", err, time.Since(begun))
		}
		c, err := visit.result()
		if err != nil {
			t.Fatal(err)
		}
		p.Adopt(c)
		if got := take(t, p); got != c {
			t.Errorf("got connection %d", got.id)
		}
		p.Put(c)
	})
}

func TestWhoWaitsLongForTheRightToDialIsTold(t *testing.T) {
	runShared(t, 0, 1, func(t *testing.T, s *shared) {
		s.dialing = slow(10 * time.Second)
		impatient := &owner{patience: time.Second}
		dials := startTake(t.Context(), s.owned(impatient))
		begun := time.Now()
		if _, err := s.owned(impatient).Take(t.Context()); err != pool.ErrLate || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		patient := startTake(pool.Patient(t.Context()), s.owned(impatient))
		other := startTake(t.Context(), s.pool())
		for i, k := range []*taking{dials, patient, other} {
			c, err := k.result()
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			defer s.pools[[]int{0, 2, 3}[i]].Put(c)
		}
	})
	runShared(t, 1, 1, func(t *testing.T, s *shared) { // a place is something else
		busy := s.pool()
		held := take(t, busy)
		p := s.owned(&owner{patience: time.Second})
		waits := startTake(t.Context(), p)
		time.Sleep(time.Minute)
		if !waits.waits() {
			t.Error("told that the server is slow where the places are taken")
		}
		p.PassOver()
		if _, err := waits.result(); err != pool.ErrLate {
			t.Errorf("got %v", err)
		}
		busy.Put(held)
	})
}
