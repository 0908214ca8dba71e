package pool

import "context"

// A taker who finds a pool with nothing in it, no connection and nobody who waits for
// one, has nothing to wait for but a dial. If it cannot leave meanwhile, as its context
// does not end, it dials in its own goroutine: to start another, whose stack grows
// anew in the driver, and to be woken by it would cost as much as all else at the
// first use of an engine.
//
// Whoever dials hears of nothing else. So that is for drivers which end a dial when
// its context ends, and the dial is not among the pool's others, which are for those
// who wait in the queue.

// newOwnDial returns a dial for its taker to run, or nil if it is to wait in the
// queue. Called with mu held.
func (p *Pool[C]) newOwnDial(taker context.Context) *dialling[C] {
	if p.open > 0 || p.waiters.len > 0 || taker.Done() != nil || p.o.Owner == nil || !p.o.Owner.HeedsContext() {
		return nil
	}
	if p.o.Owner.Down() != nil || !p.takePlace() {
		return nil
	}
	p.own = p.newDial(taker)
	return p.own
}

// takeOwn returns the connection that is dialled, or another if the pool was renewed
// meanwhile.
func (p *Pool[C]) takeOwn(taker context.Context, d *dialling[C], yield func()) (C, error) {
	c, wanted, err := p.runOwnDial(d)
	if wanted || err != nil {
		return c, err
	}
	p.close(c)
	return p.idleOrNext(taker, yield)
}

func (p *Pool[C]) runOwnDial(d *dialling[C]) (c C, wanted bool, err error) {
	defer d.cancel()
	err = errDialLeft
	defer func() { // also where the driver ends the goroutine
		if r := recover(); r != nil {
			err = panicked(r)
		}
		if err == nil {
			wanted = p.ownDialled(d, c)
		} else {
			err = p.ownDialFailed(d, err)
		}
	}()
	c, err = p.dialTimed(d.ctx)
	return c, false, err
}

// ownDialled hands c to its taker, unless the pool does not want it any more.
func (p *Pool[C]) ownDialled(d *dialling[C], c C) (wanted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := c.base()
	p.begin(b, d.generation)
	p.own = nil
	p.returnDialRight()
	if p.closed || d.generation != p.generation {
		return false
	}
	p.handOut(b)
	return true
}

// ownDialFailed returns what its taker is told: the dial's error, unless the dial was
// ended.
func (p *Pool[C]) ownDialFailed(d *dialling[C], err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = nil
	p.returnDialRight()
	p.freePlace()
	if d.answer != nil {
		return d.answer
	}
	return err
}

// endWith ends a taker's own dial and answers the taker with err. Called with mu held.
func (d *dialling[C]) endWith(err error) {
	d.answer = err
	d.cancel()
}
