package pool

import (
	"context"
	"time"
)

// A taker who finds a pool with nothing in it, no connection and nobody who waits for
// one, has nothing to wait for but a dial. So it dials in its own goroutine: to start
// another, whose stack grows anew in the driver, and to be woken by it would cost as
// much as all else at the first use of an engine.
//
// Whoever dials hears of nothing else. So that is for drivers which end a dial when
// its context ends, and for dials with a limit; and the dial is not among the pool's
// others, which are for those who wait in the queue. And it is for takers who mean to
// stay: those with a deadline before the dial's own wait in the queue. If such a taker
// is called away nevertheless, its dial is ended, and the pool begins another.

// newOwnDial returns a dial for its taker to run, or nil if it is to wait in the
// queue. Called with mu held.
func (p *Pool[C]) newOwnDial(taker context.Context) *dialling[C] {
	if p.open > 0 || p.waiters.len > 0 || p.o.Owner == nil || !p.o.Owner.HeedsContext() || !p.stays(taker) {
		return nil
	}
	if p.o.Owner.Down() != nil || !p.takePlace() {
		return nil
	}
	p.own = p.newDial(taker)
	return p.own
}

// stays reports whether there is a limit to the time that a dial may take, and a taker
// has no deadline within it. Called with mu held.
func (p *Pool[C]) stays(taker context.Context) bool {
	limit := p.dialTimeout()
	deadline, ends := taker.Deadline()
	return limit > 0 && (!ends || time.Until(deadline) >= limit)
}

// takeOwn returns the connection that is dialled, or another if the pool was renewed
// meanwhile.
func (p *Pool[C]) takeOwn(taker context.Context, d *dialling[C], yield func()) (C, error) {
	c, wanted, err := p.runOwnDial(taker, d)
	if wanted || err != nil {
		return c, err
	}
	go p.close(c) // which may take its time, and that is not to be taken from the taker's
	return p.idleOrNext(taker, yield)
}

func (p *Pool[C]) runOwnDial(taker context.Context, d *dialling[C]) (c C, wanted bool, err error) {
	defer d.cancel()
	defer context.AfterFunc(taker, d.cancel)() // stopped only when it is known whether the taker ended the dial
	err = errDialLeft
	defer func() { // also where the driver ends the goroutine, and nobody is left to be told
		if r := recover(); r != nil {
			err = panicked(r)
		}
		if err == nil {
			wanted = p.ownDialled(d, c)
		} else {
			err = p.ownDialFailed(taker, d, err)
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
func (p *Pool[C]) ownDialFailed(taker context.Context, d *dialling[C], err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = nil
	switch left := taker.Err(); {
	case d.answer != nil:
		err = d.answer
	case left != nil && d.ctx.Err() == context.Canceled:
		if p.dialOn(taker) {
			return left
		}
		err = left
	}
	p.returnDialRight()
	p.freePlace()
	return err
}

// dialOn dials for those who come later, in the place and with the right to dial of a
// taker who was called away. False means that there is no need. Called with mu held.
func (p *Pool[C]) dialOn(taker context.Context) bool {
	if len(p.dials) > 0 || p.o.Owner.Down() != nil {
		return false
	}
	d := p.newDial(taker)
	p.addDial(d)
	p.adjustClaim() // the first in the queue has a dial now
	go p.runDial(d)
	return true
}

// endWith ends a taker's own dial and answers the taker with err. Called with mu held.
func (d *dialling[C]) endWith(err error) {
	d.answer = err
	d.cancel()
}
