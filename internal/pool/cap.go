package pool

import (
	"math"
	"sync"
	"sync/atomic"
)

// A Cap is a strict limit of the connections of many pools together, each of which
// belongs to one of its Hosts.
//
// Its mutex is the only lock of a Cap, its Hosts and their members. It comes after
// the mutex of a pool: whoever holds it asks for no pool's, and nobody holds those
// of two pools. So what is taken from one pool for another is taken by a goroutine
// that comes without a lock: vacate closes a connection of the one, granted uses
// the place for the other.
type Cap struct {
	mu sync.Mutex // guards all but the clocks
	bound
	hosts   heap[*Host] // those whose takers lack nothing but a place of the Cap; the longest waiting first
	asks    int         // how many such takers there are
	waiting int         // members that wait, at whichever host

	tickets atomic.Uint64 // a clock of takers: who came first
	clock   atomic.Uint64 // what was used last; goes on with each place that is taken or freed, at least
}

// bound is one limit, of the Cap or of a Host. All but short is guarded by the
// Cap's mutex.
type bound struct {
	limit   int // 0: none
	open    int // connections open, being opened or being closed
	want    int // how many takers lack nothing but a place of this limit
	vacates int // idle connections that are looked for, or being closed, for those
	evicted int64

	// The members that may have idle connections: those with several connections,
	// those with one that was not used again since it was opened, and those with one
	// that was. The least recently used first; see evict.go.
	surplus, once, last heap[*member]

	short atomic.Bool // want is more than vacates: what comes back should be closed
}

// NewCap returns a Cap for so many connections; 0: no limit.
func NewCap(limit int) *Cap { return &Cap{bound: bound{limit: limit}} }

// CapStats tells of a Cap, or of one of its Hosts.
type CapStats struct {
	Limit    int   // 0: none
	Open     int   // connections open, being opened or being closed
	Dialling int   // of a Host: those that are being opened
	Waiting  int   // pools that wait for a place, or for their turn to dial
	Evicted  int64 // connections that were closed for others to have their place
}

// Stats returns the counts of this moment.
func (c *Cap) Stats() CapStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return CapStats{Limit: c.limit, Open: c.open, Waiting: c.waiting, Evicted: c.evicted}
}

// settle gives places to those whose turn it is, after something has changed at h,
// and has more made if they are wanted. Called with mu held.
func (c *Cap) settle(h *Host) {
	h.count()
	for c.asks > 0 && c.room() > 0 {
		next := c.hosts[0].of
		next.grant()
		next.count()
	}
	c.want = c.asks
	c.press(&c.bound)
}

// press has as many connections closed as are wanted, as far as any may be idle.
// Called with mu held.
func (c *Cap) press(b *bound) {
	for range len(b.surplus) + len(b.once) + len(b.last) {
		if b.vacates >= b.want {
			break
		}
		b.vacates++
		go c.vacate(b)
	}
	b.short.Store(b.want > b.vacates)
}

func (b *bound) room() int {
	if b.limit == 0 {
		return math.MaxInt
	}
	return b.limit - b.open
}
