package pool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// A busy engine has many takers for each connection, who come again at once, and
// one that has it again by the short way.
func TestABusyEngineDoesNotStarveAnother(t *testing.T) {
	for _, way := range []string{"put", "park"} {
		t.Run(way, func(t *testing.T) {
			const limit, use = 3, time.Millisecond
			runShared(t, limit, 0, func(t *testing.T, s *shared) {
				s.dialing = slow(5 * time.Millisecond)
				busy := s.pool()
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				users := 8
				if way == "park" {
					users = limit
				}
				for range users {
					go func() {
						defer func() { done <- struct{}{} }()
						var mine *conn
						for ctx.Err() == nil {
							c := mine
							if c == nil || !c.TryReclaim() || !busy.Ready(ctx, c) {
								var err error
								if c, err = busy.Take(ctx); err != nil {
									return
								}
							}
							mine = nil
							time.Sleep(use)
							if way == "put" {
								busy.Put(c)
							} else if park(busy, c) {
								mine = c
							}
						}
					}()
				}
				time.Sleep(time.Second)
				for range 20 {
					rare := s.pool()
					begun := time.Now()
					c, err := rare.Take(ctx)
					if err != nil {
						t.Fatal(err)
					}
					// A turn, the end of a use, a dial.
					if waited := time.Since(begun); waited > pool.MaxTurn+use+5*time.Millisecond {
						t.Errorf("waited %v", waited)
					}
					rare.Put(c)
					time.Sleep(100 * time.Millisecond)
				}
				stop()
				for range users {
					<-done
				}
			})
		})
	}
}

func TestWhilePlacesAreShortAConnectionServesItsOwnTakersForATurn(t *testing.T) {
	runShared(t, 1, 0, func(t *testing.T, s *shared) {
		s.dialing = slow(10 * time.Millisecond) // so long is a turn
		busy, rare := s.pool(), s.pool()
		for range 20 {
			busy.Discard(take(t, busy))
		}
		c := take(t, busy)
		first := startTake(t.Context(), rare)
		served := -1
		var next *taking
		for next == nil || !next.waits() {
			served++
			next = startTake(t.Context(), busy)
			time.Sleep(time.Millisecond)
			busy.Put(c)
			synctest.Wait()
		}
		if served < 8 || served > 11 {
			t.Errorf("%d takers served in a turn of 10 ms, 1 ms each", served)
		}
		wantClosed(t, c)
		c, err := first.result()
		if err != nil {
			t.Fatal(err)
		}
		rare.Put(c)
		if c, err = next.result(); err != nil {
			t.Fatal(err)
		}
		busy.Put(c)
	})
}

func TestAnEngineWithConnectionsWaitsATurnBeforeAnothersIsClosed(t *testing.T) {
	runShared(t, 2, 0, func(t *testing.T, s *shared) {
		_, idle := s.idle(1)
		p := s.pool()
		c := take(t, p)
		soon := startTake(t.Context(), p)
		p.Put(c)
		if got, _ := soon.result(); got != c {
			t.Errorf("got connection %d, want the one that came back", got.id)
		}
		wantOpen(t, idle...)
		begun := time.Now()
		other := take(t, p)
		if waited := time.Since(begun); waited == 0 || waited > pool.MaxTurn {
			t.Errorf("waited %v for a place that could be made", waited)
		}
		wantClosed(t, idle...)
		putAll(p, []*conn{c, other})
	})
}

func TestTakersOfOnePoolWhoWaitedATurnGetAPlaceEach(t *testing.T) {
	runShared(t, 3, 0, func(t *testing.T, s *shared) {
		busy, p := s.pool(), s.pool()
		held := takeMany(t, busy, 3)
		var takers []*taking
		for range 3 {
			takers = append(takers, startTake(t.Context(), p))
		}
		time.Sleep(pool.MaxTurn)
		putAll(busy, held)
		for _, k := range takers {
			c, err := k.result() // each keeps what it has
			if err != nil {
				t.Fatal(err)
			}
			defer p.Put(c)
		}
	})
}
