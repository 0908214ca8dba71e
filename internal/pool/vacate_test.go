package pool

import (
	"testing"
	"testing/synctest"
)

// fakeSharer is a pool whose connections are used whenever they are looked for.
type fakeSharer struct{ evicting func(gently bool) bool }

func (*fakeSharer) granted()                        {}
func (s *fakeSharer) evict(gently bool) (done bool) { return s.evicting(gently) }

// cappedAtOne returns a Cap with its one place taken, by who had a connection
// before, and a member that waits for it.
func cappedAtOne(t *testing.T) (c *Cap, had *member, evicted *fakeSharer, waits *member) {
	c = NewCap(1)
	h := c.Host(0, 0)
	evicted = new(fakeSharer)
	had, waits = h.newMember(evicted), h.newMember(new(fakeSharer))
	if !h.take(had) || h.take(waits) {
		t.Fatal("there should be one place")
	}
	h.dialEnded()
	h.wait(waits, 1)
	return c, had, evicted, waits
}

func TestAConnectionThatBecomesIdleWhileAPlaceIsWantedIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, had, pool, _ := cappedAtOne(t)
		visits := 0
		pool.evicting = func(gently bool) bool {
			visits++
			return true
		}
		had.keepIdle(1, false)
		synctest.Wait()
		if visits != 1 || c.Stats().Evicted != 1 {
			t.Errorf("%d visits, %+v", visits, c.Stats())
		}
	})
}

func TestASearchThatLosesAgainAndAgainHasPlacesPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, had, pool, _ := cappedAtOne(t)
		visits := 0
		pool.evicting = func(gently bool) bool {
			if visits++; gently != (visits <= chances) {
				t.Errorf("visit %d: gently %v", visits, gently)
			}
			if passed := c.short.Load(); passed != (visits > chances) {
				t.Errorf("visit %d: places are passed on: %v", visits, passed)
			}
			if visits > 2*chances {
				return true
			}
			had.keepIdle(uint64(visits), true)
			return false
		}
		had.keepIdle(1, false)
		synctest.Wait()
	})
}

func TestASearchEndsWhenNothingIsWantedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, had, pool, waits := cappedAtOne(t)
		visits := 0
		pool.evicting = func(bool) bool {
			visits++
			waits.host.withdraw(waits)
			had.keepIdle(2, true)
			return false
		}
		had.keepIdle(1, false)
		synctest.Wait()
		if visits != 1 {
			t.Errorf("%d visits for one who has left", visits)
		}
	})
}
