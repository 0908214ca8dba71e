package pool

import (
	"math"
	"slices"
	"time"
)

// What a pool does because it shares the limits of a Host and its Cap.

// takeShared says whether there were a place and the right to dial to be taken.
// If not, the pool claims them. Called with mu held.
func (p *Pool[C]) takeShared() bool {
	h := p.o.Host
	if p.member == nil {
		p.member = h.newMember(p)
	}
	m := p.member
	if m.claimed {
		p.adjustClaim()
		return false
	}
	if h.take(m) {
		return true
	}
	if w := p.claimant(); w != nil {
		m.claimed = true
		h.wait(m, w.ticket)
	}
	return false
}

// claimant is the first taker that no dial is for, unless he is to wait for the
// connections that the pool has. Called with mu held.
func (p *Pool[C]) claimant() *waiter[C] {
	w := p.waiters.at(len(p.dials))
	if w != nil && p.open > 0 && !w.insists {
		return nil
	}
	return w
}

// adjustClaim is called with mu held, when the claimant may be another.
func (p *Pool[C]) adjustClaim() {
	m := p.member
	if m == nil || !m.claimed {
		return
	}
	if w := p.claimant(); w != nil {
		p.o.Host.exchange(m, w.ticket)
	} else if p.o.Host.withdraw(m) {
		m.claimed = false
		p.quit()
	}
}

// insist has a place claimed for w, who has waited for a turn.
func (p *Pool[C]) insist(w *waiter[C]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.insists = true
	if w.queued {
		p.startDials()
	}
}

// granted begins the dial that was claimed, or gives the place back.
func (p *Pool[C]) granted() {
	p.mu.Lock()
	p.member.claimed = false
	p.open++
	if p.isDown() || len(p.dials) >= p.waiters.len {
		p.returnDialRight()
		p.freePlace()
		p.mu.Unlock()
		return
	}
	d := p.newDialForWaiter()
	p.startDials()
	p.mu.Unlock()
	p.runDial(d)
}

// freeShared is called with mu held.
func (p *Pool[C]) freeShared() {
	if p.o.Host.free(p.member) {
		p.member.listed = false
	}
	p.quit()
}

// quit forgets what only a member needs to know. Called with mu held.
func (p *Pool[C]) quit() {
	if m := p.member; m != nil && p.open == 0 && !m.claimed && !m.listed {
		p.member = nil
	}
}

// passOnPlace closes a connection that came back if the Cap has somebody waiting
// for its place: at once if none of the pool's own takers waits, else when the
// turn is over, and the other waits longer. Called with mu held.
func (p *Pool[C]) passOnPlace(c C, b *Base) bool {
	h := p.o.Host
	if !h.short.Load() && !h.cap.short.Load() {
		return false
	}
	ticket := uint64(math.MaxUint64)
	if p.waiters.len > 0 {
		if !p.turnIsOver(b) {
			return false
		}
		ticket = p.waiters.first.ticket
	}
	limit := h.owes(ticket)
	if limit == nil {
		return false
	}
	go func() {
		p.close(c)
		h.cap.vacated(limit, 1)
	}()
	return true
}

// beginTurn is called with mu held.
func (p *Pool[C]) beginTurn(b *Base) {
	if p.o.Host != nil {
		b.turnEnds = time.Since(p.epoch) + p.o.Host.turn()
	}
}

// turnIsOver is called with mu held, for a connection that comes back while
// places are short. Where it was idle since it was dialled, its turn begins here.
func (p *Pool[C]) turnIsOver(b *Base) bool {
	if b.turnEnds == 0 {
		p.beginTurn(b)
		return false
	}
	return time.Since(p.epoch) >= b.turnEnds
}

// keepIdle lets the Cap know that a connection is idle. Called with mu held.
func (p *Pool[C]) keepIdle(b *Base) {
	b.turnEnds = 0
	b.usedAt = p.o.Host.cap.clock.Load()
	if !p.member.listed {
		p.list(b.usedAt, false)
	}
}

// list is called with mu held.
func (p *Pool[C]) list(used uint64, again bool) {
	m := p.member
	m.listed, m.usedAt = true, used
	m.keepIdle(used, again)
}

// evict closes an idle connection, for somebody who has taken the member out of
// those that may have some. False means that there is none, or that it was not to
// be taken gently.
func (p *Pool[C]) evict(gently bool) bool {
	p.mu.Lock()
	c, ok := p.leastUsed(gently)
	switch {
	case len(p.idle) > 0:
		p.list(p.idle[0].base().usedAt, !ok)
	case len(p.berths) > 0:
		p.list(p.o.Host.cap.clock.Load(), !ok)
	default:
		p.member.listed = false
		p.quit()
	}
	p.mu.Unlock()
	if ok {
		p.close(c)
	}
	return ok
}

// leastUsed returns the connection that was idle longest; if gently, only if it
// was not used since the pool was listed. Called with mu held.
func (p *Pool[C]) leastUsed(gently bool) (c C, ok bool) {
	if !gently {
		p.recall() // so that what is in use comes back the long way, and sees that places are short
	}
	if len(p.idle) > 0 {
		if c = p.idle[0]; gently && c.base().usedAt > p.member.usedAt {
			return c, false
		}
		p.idle = slices.Delete(p.idle, 0, 1)
		return c, true
	}
	if c, ok = p.removeRested(gently); !ok {
		for _, c := range p.berths {
			p.markRested(c.base(), p.now)
		}
	}
	return c, ok
}
