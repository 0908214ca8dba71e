package pool

import (
	"math"
	"sync/atomic"
	"time"
)

// A Host is a server with the engines of many pools. It limits how many
// connections are opened at once, which is the most expensive thing that can be
// asked of a server, and may limit how many there are. The limit of dials is the
// Host's and not the Cap's, so that a server that does not answer holds up nobody
// but its own takers.
type Host struct {
	cap *Cap
	bound
	dialLimit int          // 0: none
	dialTime  atomic.Int64 // how long a dial takes, by the last ones

	// Guarded by the Cap's mutex.
	dialling int
	waiting  heap[*member] // the one whose claimant came first is the first
	asks     int           // how many of them lack nothing but a place of the Cap
	entry    entry[*Host]  // among the Cap's hosts, if there are any
}

// member is what a Host and its Cap know of a pool that has connections or waits
// for some.
type member struct {
	host *Host
	pool sharer

	// Guarded by the pool's mutex.
	claimed bool   // it waits at the host, or has got a place and does not know yet
	listed  bool   // it is among the idle, or looked at by vacate; so it is whenever a connection may be idle
	usedAt  uint64 // when it was listed: the Cap's clock at the last use of the connection to be closed first

	// Guarded by the Cap's mutex.
	open       int
	again      bool           // a connection was used again, as far as is known
	claim      entry[*member] // in the Host's waiting; the key is the claimant's ticket
	idle       entry[*member] // in the Cap's surplus, once or last; the key is usedAt
	idleAtHost entry[*member] // in the Host's
}

// sharer is what a Cap asks of a pool, whose mutex nobody holds then.
type sharer interface {
	granted() // it has got a place and may dial
	evict(gently bool) (done bool)
}

// Host returns a Host with so many connections at most, and so many of them being
// opened at once; 0: no limit.
func (c *Cap) Host(limit, dials int) *Host {
	h := &Host{cap: c, bound: bound{limit: limit}, dialLimit: dials}
	h.entry.of = h
	return h
}

func (h *Host) newMember(p sharer) *member {
	m := &member{host: h, pool: p}
	m.claim.of, m.idle.of, m.idleAtHost.of = m, m, m
	return m
}

// Stats returns the counts of this moment.
func (h *Host) Stats() CapStats {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	return CapStats{Limit: h.limit, Open: h.open, Dialling: h.dialling, Waiting: len(h.waiting), Evicted: h.evicted}
}

// Within these, a turn is as long as a dial takes; see the comment of the package.
const minTurn, maxTurn = time.Millisecond, 50 * time.Millisecond

func (h *Host) turn() time.Duration {
	return min(max(time.Duration(h.dialTime.Load()), minTurn), maxTurn)
}

func (h *Host) dialTook(d time.Duration) {
	old := h.dialTime.Load()
	h.dialTime.Store(old + (int64(d)-old)/4) // that one of two at once may go unheard does no harm
}

// hasRoom says whether there is a place to take, though its dial may have to wait.
func (h *Host) hasRoom() bool {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	return h.room() > 0 && h.cap.room() > 0
}

// take takes a place and the right to dial. If both are there they are free: who
// waits for them would have got them.
func (h *Host) take(m *member) bool {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	if h.freeDials() <= 0 || h.room() <= 0 || h.cap.room() <= 0 {
		return false
	}
	h.begin(m)
	return true
}

// wait has m wait for what take takes, in the order of tickets.
func (h *Host) wait(m *member, ticket uint64) {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	h.waiting.set(&m.claim, ticket)
	h.cap.waiting++
	h.cap.settle(h)
}

// exchange gives m, if it waits, the ticket of another of its takers.
func (h *Host) exchange(m *member, ticket uint64) {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	if m.claim.at != 0 {
		h.waiting.set(&m.claim, ticket)
		h.cap.settle(h)
	}
}

// withdraw says whether m waited until now. If not, it has got a place.
func (h *Host) withdraw(m *member) bool {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	if m.claim.at == 0 {
		return false
	}
	h.leave(m)
	h.cap.settle(h)
	return true
}

// dialEnded gives back the right to dial.
func (h *Host) dialEnded() {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	h.dialling--
	h.cap.settle(h)
}

// free gives back a place. True means that the member, which has none left, was
// among the idle until now.
func (h *Host) free(m *member) (unlisted bool) {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	unlisted = m.open == 1 && m.unlist()
	h.addOpen(m, -1)
	h.cap.settle(h)
	return unlisted
}

// What follows is called with the Cap's mutex held.

// grant has the first that waits dial.
func (h *Host) grant() {
	m := h.waiting[0].of
	h.leave(m)
	h.begin(m)
	go m.pool.granted()
}

func (h *Host) leave(m *member) {
	h.waiting.remove(&m.claim)
	h.cap.waiting--
}

func (h *Host) begin(m *member) {
	h.addOpen(m, +1)
	h.dialling++
}

func (h *Host) addOpen(m *member, n int) {
	moves := (m.open > 1) != (m.open+n > 1) && m.unlist()
	m.open += n
	h.open += n
	h.cap.open += n
	h.cap.clock.Add(1)
	if moves {
		m.list(m.idle.key)
	}
}

// count finds out what those that wait lack.
func (h *Host) count() {
	able := min(len(h.waiting), h.freeDials())
	asks := min(able, h.room())
	h.cap.asks += asks - h.asks
	h.asks = asks
	if asks > 0 {
		h.cap.hosts.set(&h.entry, h.waiting[0].key)
	} else {
		h.cap.hosts.remove(&h.entry)
	}
	h.want = able - asks
	h.cap.press(&h.bound)
}

func (h *Host) freeDials() int {
	if h.dialLimit == 0 {
		return math.MaxInt
	}
	return h.dialLimit - h.dialling
}
