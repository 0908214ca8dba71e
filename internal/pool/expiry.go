package pool

import (
	"slices"
	"time"
)

// Reading the time costs as much as taking a connection, so the pool has a clock
// of its own, which ticks four times within the shorter limit (within minPeriod
// and maxPeriod) while connections that can expire are idle. So a connection is
// found to have expired at most one period late. As idle time is counted from
// the last tick before the connection came back, it may end one period early.

const (
	minPeriod = 10 * time.Millisecond
	maxPeriod = 10 * time.Second
)

func tickPeriod(o Options) time.Duration {
	limit := o.MaxIdleTime
	if limit == 0 || 0 < o.MaxLifetime && o.MaxLifetime < limit {
		limit = o.MaxLifetime
	}
	if limit == 0 {
		return 0
	}
	return min(max(limit/4, minPeriod), maxPeriod)
}

// startClock is called with mu held.
func (p *Pool[C]) startClock() {
	if tickPeriod(p.o) == 0 || p.timer != nil {
		return
	}
	p.now = time.Since(p.epoch)
	p.timer = time.AfterFunc(tickPeriod(p.o), p.tick)
}

// stopClock is called with mu held.
func (p *Pool[C]) stopClock() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// tick closes the idle connections that have expired. The clock stands still
// while none is idle, and so it does after Close, should a tick come late.
func (p *Pool[C]) tick() {
	p.mu.Lock()
	lastTick := p.now
	p.now = time.Since(p.epoch)
	expired := append(p.removeExpired(), p.removeExpiredBerths(lastTick)...)
	if !p.anyParked() {
		p.recall() // so that the next to be parked meets startClock
	}
	if len(p.idle)+len(p.berths) > 0 {
		p.timer.Reset(tickPeriod(p.o))
	} else {
		p.timer, p.idle, p.berths = nil, nil, nil // their memory, too, for an engine at rest
	}
	p.mu.Unlock()
	p.closeAside(expired)
}

// removeExpired is called with mu held.
func (p *Pool[C]) removeExpired() (expired []C) {
	p.idle = slices.DeleteFunc(p.idle, func(c C) bool {
		b := c.base()
		switch {
		case p.outlived(b):
			p.stats.MaxLifetimeClosed++
		case p.rests(b):
			p.stats.MaxIdleTimeClosed++
		default:
			return false
		}
		expired = append(expired, c)
		return true
	})
	return expired
}

// rests says whether a connection that is idle has been so for too long. Called
// with mu held.
func (p *Pool[C]) rests(b *Base) bool {
	return p.o.MaxIdleTime > 0 && p.now-b.idleSince >= p.o.MaxIdleTime
}

// outlived says whether a connection has come to the end of its lifetime. Called
// with mu held.
func (p *Pool[C]) outlived(b *Base) bool {
	if b.expires == 0 {
		return false
	}
	now := p.now
	if p.timer == nil {
		now = time.Since(p.epoch)
	}
	return now >= b.expires
}
