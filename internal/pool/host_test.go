package pool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestDialsOfAHostAreLimitedAndInTurn(t *testing.T) {
	runShared(t, 100, 2, func(t *testing.T, s *shared) {
		s.dialing = slow(time.Second)
		var takers []*taking
		for range 6 {
			takers = append(takers, startTake(t.Context(), s.pool()))
		}
		for i := range 3 {
			if got := s.host.Stats(); got.Dialling != 2 || got.Open != 2*(i+1) {
				t.Errorf("%+v, want 2 dials", got)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			for j, k := range takers {
				if served := !k.waits(); served != (j < 2*(i+1)) {
					t.Errorf("after %d s: taker %d served: %v", i+1, j, served)
				}
			}
		}
		for i, k := range takers {
			c, _ := k.result()
			s.pools[i].Put(c)
		}
	})
}

func TestAHostThatDoesNotAnswerHoldsUpNobodyElse(t *testing.T) {
	runShared(t, 10, 0, func(t *testing.T, s *shared) {
		dead, alive := s.cap.Host(0, 2), s.cap.Host(0, 2)
		ctx, cancel := context.WithCancel(t.Context())
		s.dialing = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		var lost []*taking
		for range 5 {
			lost = append(lost, startTake(ctx, s.poolAt(dead)))
		}
		s.dialing = nil
		for range 8 { // all that the dead one does not have
			p := s.poolAt(alive)
			defer p.Put(take(t, p))
		}
		cancel()
		for _, k := range lost {
			k.result()
		}
	})
}

func TestAHostsLimitIsMetByItsOwnConnections(t *testing.T) {
	runShared(t, 4, 0, func(t *testing.T, s *shared) {
		one, two := s.cap.Host(2, 0), s.cap.Host(0, 0)
		other := s.poolAt(two)
		older := takeMany(t, other, 2)
		putAll(other, older)
		a := s.poolAt(one)
		own := takeMany(t, a, 2)
		a.Put(own[0])
		b := s.poolAt(one)
		c := take(t, b)
		wantClosed(t, own[0])
		wantOpen(t, older...)

		// Who waits for the host does not keep others from what is free in total.
		p := s.poolAt(one)
		waits := startTake(t.Context(), p)
		q := s.poolAt(two)
		d := take(t, q)
		wantClosed(t, older[0])
		if !waits.waits() {
			t.Error("more connections than the host's limit")
		}
		if got := one.Stats(); got.Open != 2 || got.Waiting != 1 || got.Limit != 2 {
			t.Errorf("%+v", got)
		}
		b.Put(c)
		e, err := waits.result()
		if err != nil {
			t.Fatal(err)
		}
		wantClosed(t, c)
		p.Put(e)
		q.Put(d)
		a.Put(own[1])
	})
}
