package pool

import (
	"slices"
	"sync/atomic"
	"time"
)

// Most connections are taken next by whoever had them last. For that one, the
// way through the pool's mutex is as long as all the rest, so there is a short
// one: a connection that comes back may be parked with its last holder, who has
// it again by changing one word, if nobody was quicker.
//
// To park is to be idle, of which MaxIdle sets the limit. So that nothing has to
// be counted, the right to it is given beforehand: a berth is one of the MaxIdle
// places, kept for a connection while it is in use. Only the berth is given and
// taken away with mu held. A pool that wants its connections back has but to take
// their berths away: who has none goes the long way, and meets the mutex there.
// So while takers wait, no connection has a berth.
//
//	           TryPark                tick
//	berthed  --------->  parked  ---------->  rested
//	   ^                    |                    |
//	   +---- TryReclaim ----+--------------------+

// state says who may do what with a connection.
type state = uint32

const (
	pooled  state = iota // idle in the pool, or new, or being closed; the pool's, which has mu held
	taken                // in the hands of a taker, who gives it back with mu held
	berthed              // the same, with a berth: it may be parked without
	parked               // idle; whoever changes this word has it
	rested               // the same, and not used since the clock ticked last, or since the Cap knows that it is idle
)

// place is a connection's state, and its berth.
type place struct {
	state atomic.Uint32
	berth int // its index in berths, if it has one; guarded by the pool's mutex
}

// TryPark is the short way to Park, for a connection that is valid.
func (b *Base) TryPark() bool {
	b.used = true
	return b.state.CompareAndSwap(berthed, parked)
}

// TryReclaim takes a connection that is parked, be it with the caller or with
// somebody else. Before it is used, it wants to be reset, and if that fails, it is
// for Unfit. False is no error: it is time for Take, then.
func (b *Base) TryReclaim() bool {
	return b.state.CompareAndSwap(parked, berthed) || b.state.CompareAndSwap(rested, berthed)
}

// isParked is true for a moment at most, unless the caller saw to that.
func (b *place) isParked() bool { return b.state.Load() >= parked }

// Park is Put for a holder who keeps c in mind, after TryPark. True means that c
// is idle now, and that he may try to reclaim it, or forget it. Everybody else may
// take it, too.
func (p *Pool[C]) Park(c C, valid bool) bool { return p.putBack(c, c.base(), valid, true) }

// addBerth is called with mu held and room for one. The connection is the
// caller's.
func (p *Pool[C]) addBerth(c C, s state) {
	b := c.base()
	b.berth = len(p.berths)
	p.berths = append(p.berths, c)
	b.state.Store(s)
}

// removeBerth is called with mu held.
func (p *Pool[C]) removeBerth(b *Base) {
	var none C
	last := len(p.berths) - 1
	moved := p.berths[last]
	p.berths[b.berth] = moved
	moved.base().berth = b.berth
	p.berths[last] = none
	p.berths = p.berths[:last]
}

// findRoom says whether one more connection may be idle. A place that is kept
// for one in use is not kept from one that has come back. Called with mu held.
func (p *Pool[C]) findRoom() bool {
	if len(p.idle)+len(p.berths) < p.o.MaxIdle {
		return true
	}
	for _, c := range p.berths {
		if b := c.base(); b.state.CompareAndSwap(berthed, taken) {
			p.removeBerth(b)
			p.taken++
			return true
		}
	}
	return false
}

// steal takes a connection that is parked with somebody, if there is one: the first
// that was parked since the last tick, so that few are used over and over, which a
// server feels, and the others rest; else the one that rests least long, so that what
// is too many goes on resting until it is closed. Called with mu held.
func (p *Pool[C]) steal() (c C, ok bool) {
	for _, c = range p.berths {
		b := c.base()
		if b.state.CompareAndSwap(parked, berthed) || b.idleSince == p.now && b.state.CompareAndSwap(rested, berthed) {
			return c, true
		}
	}
	return p.stealRested()
}

func (p *Pool[C]) stealRested() (c C, ok bool) {
	var latest *Base
	for _, other := range p.berths {
		b := other.base()
		if b.state.Load() == rested && (latest == nil || b.idleSince > latest.idleSince) {
			c, latest = other, b
		}
	}
	return c, latest != nil && latest.state.CompareAndSwap(rested, berthed)
}

// removeRested takes out the connection that rests longest, if one does; if gently,
// only if it was not used since the pool was listed. Called with mu held.
func (p *Pool[C]) removeRested(gently bool) (c C, ok bool) {
	var first *Base
	for _, other := range p.berths {
		b := other.base()
		if b.state.Load() == rested && (first == nil || b.usedAt < first.usedAt) {
			c, first = other, b
		}
	}
	if first == nil || gently && first.usedAt > p.member.usedAt || !first.state.CompareAndSwap(rested, pooled) {
		return c, false
	}
	p.removeBerth(first)
	return c, true
}

// markRested notes of a connection that is parked that it was used since it was looked
// at, if it was. Called with mu held.
func (p *Pool[C]) markRested(b *Base, idleSince time.Duration) (was bool) {
	if !b.state.CompareAndSwap(parked, rested) {
		return false
	}
	b.idleSince = idleSince
	if p.o.Host != nil {
		b.usedAt = p.o.Host.cap.clock.Add(1) // or before, but after those that rested already
	}
	return true
}

// recall takes all berths away. What is parked becomes idle in the pool. Called
// with mu held.
func (p *Pool[C]) recall() {
	for _, c := range p.berths {
		b := c.base()
		if b.state.Swap(taken) == berthed {
			p.taken++
			continue
		}
		b.state.Store(pooled)
		b.idleSince = p.now
		p.idle = append(p.idle, c)
	}
	p.berths = nil
}

// anyParked is called with mu held.
func (p *Pool[C]) anyParked() bool {
	return slices.ContainsFunc(p.berths, func(c C) bool { return c.base().isParked() })
}

// removeExpiredBerths is removeExpired for what is parked. What is in use and has
// come to the end of its lifetime loses its berth, and meets its end in Put.
// Called with mu held.
func (p *Pool[C]) removeExpiredBerths(lastTick time.Duration) (expired []C) {
	for _, c := range slices.Backward(p.berths) { // what takes the place of a removed one was seen
		b := c.base()
		switch {
		case p.outlived(b):
			p.removeBerth(b)
			if b.state.Swap(taken) == berthed {
				p.taken++
				continue
			}
			p.stats.MaxLifetimeClosed++
		case p.markRested(b, lastTick):
			continue
		case !p.rests(b) || !b.state.CompareAndSwap(rested, pooled):
			continue
		default:
			p.removeBerth(b)
			p.stats.MaxIdleTimeClosed++
		}
		b.state.Store(pooled)
		expired = append(expired, c)
	}
	return expired
}
