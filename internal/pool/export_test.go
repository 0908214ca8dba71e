package pool

import "context"

// ClockRuns says whether the pool holds a timer.
func (p *Pool[C]) ClockRuns() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.timer != nil
}

// Waiting returns the number of takers in the queue.
func (p *Pool[C]) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiters.len
}

// Dialling returns the number of dials in progress.
func (p *Pool[C]) Dialling() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.dials)
}

const DialGrace = dialGrace

// AtRest says whether the pool has forgotten what it needs only as a member of a
// Cap.
func (p *Pool[C]) AtRest() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.member == nil
}

const MaxTurn = maxTurn

// Ready makes a connection that was reclaimed fit for its next use.
func (p *Pool[C]) Ready(ctx context.Context, c C) bool { return p.reset(ctx, c) }
