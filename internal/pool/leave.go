package pool

import "context"

// What an owner who knows more than the pool may ask of it.

// Renew drops all that is idle, and what is in use when it comes back: the next
// takers get connections that are dialled after this.
func (p *Pool[C]) Renew() {
	p.mu.Lock()
	p.generation++
	p.recall()
	var dropped []C
	dropped, p.idle = p.idle, nil
	p.mu.Unlock()
	p.closeAside(dropped)
}

// TurnAway answers all who wait now with err. Dials in progress go on, but for that of
// a taker who dials itself. With onlyHopeless it does so only if there is nothing to
// wait for but these: no connection that could come back.
func (p *Pool[C]) TurnAway(err error, onlyHopeless bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turnAway(err, onlyHopeless)
}

// turnAway is called with mu held.
func (p *Pool[C]) turnAway(err error, onlyHopeless bool) {
	if onlyHopeless && !p.isHopeless() {
		return
	}
	for p.waiters.len > 0 {
		p.serve(p.waiters.first, handover[C]{err: err})
	}
	if p.own != nil {
		p.own.endWith(err)
	}
}

// isHopeless says that no connection could come back, but at best one be opened.
// Called with mu held.
func (p *Pool[C]) isHopeless() bool {
	dials := len(p.dials)
	if p.own != nil {
		dials++
	}
	return p.open <= dials+int(p.visits)
}

// Retry begins the dials that Owner.Down kept from being tried.
func (p *Pool[C]) Retry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startDials()
}

// TakeIdle is Take for those who want a connection only if there is one.
func (p *Pool[C]) TakeIdle(ctx context.Context) (c C, ok bool) {
	p.mu.Lock()
	switch {
	case p.closed:
	case len(p.idle) > 0:
		c, ok = p.popIdle(), true
	default:
		c, ok = p.steal()
	}
	p.mu.Unlock()
	return c, ok && (!c.base().used || p.reset(ctx, c))
}
