package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// dialGrace is how long a dial may go on at least after the waiter that set it off
// has left. Long enough for any server that answers at all; and it must end,
// because those who come later would wait for a dial that hangs instead of trying
// anew.
const dialGrace = 10 * time.Second

var errDialLeft = errors.New("multidb: the child driver ended the goroutine it connected in; report it to the driver's authors")

// dialling is a dial in progress.
type dialling[C Conn] struct {
	ctx        context.Context // carries the values of the one that set it off
	cancel     context.CancelFunc
	generation uint64 // of the pool when it began

	// Guarded by the pool's mutex.
	ended  bool
	grace  *time.Timer  // ends it, as who set it off has left; else nil
	before *dialling[C] // set off by the same waiter
	answer error        // for the taker whose own it is, if that is to wait no longer; see own.go
}

// startDials starts a dial for each waiter that no dial in progress is for, as
// far as there are places. Where no dial would help, those wait who have something
// to wait for. Called with mu held.
func (p *Pool[C]) startDials() {
	if p.isDown() {
		return
	}
	for len(p.dials) < p.waiters.len && p.takePlace() {
		go p.runDial(p.newDialForWaiter())
	}
}

// isDown says whether no dial is to be tried for those who wait, and turns them
// away if so. Called with mu held.
func (p *Pool[C]) isDown() bool {
	if p.o.Owner == nil || p.waiters.len == 0 {
		return false
	}
	err := p.o.Owner.Down()
	if err != nil {
		p.turnAway(err, true)
	}
	return err != nil
}

// newDialForWaiter is called with mu held, a waiter in the queue and a place taken.
func (p *Pool[C]) newDialForWaiter() *dialling[C] {
	starter := p.waiters.last // the one that just came, or will stay longest
	d := p.newDial(starter.ctx)
	d.before, starter.started = starter.started, d
	p.addDial(d)
	return d
}

// addDial is called with mu held.
func (p *Pool[C]) addDial(d *dialling[C]) {
	if p.dials == nil {
		p.dials = make(map[*dialling[C]]struct{})
	}
	p.dials[d] = struct{}{}
}

// newDial makes a dial with the values of a taker's context. Its time limit is set here,
// before there is a goroutine for it, as the timer would wake another processor a
// second time. Called with mu held and a place taken.
func (p *Pool[C]) newDial(of context.Context) *dialling[C] {
	d := &dialling[C]{generation: p.generation}
	d.ctx, d.cancel = p.limit(context.WithoutCancel(of))
	p.stats.Dials++
	return d
}

// limit gives a dial the time that the owner allows for one.
func (p *Pool[C]) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if limit := p.dialTimeout(); limit > 0 {
		return context.WithTimeout(ctx, limit)
	}
	return context.WithCancel(ctx)
}

func (p *Pool[C]) runDial(d *dialling[C]) {
	defer d.cancel()
	var c C
	err := errDialLeft
	defer func() {
		if r := recover(); r != nil {
			err = panicked(r)
		}
		if err != nil {
			p.dialFailed(d, err)
		} else {
			p.dialled(d, c)
		}
	}()
	c, err = p.dialTimed(d.ctx)
}

func panicked(r any) error {
	return fmt.Errorf("multidb: the child driver panicked while it connected: %v\n%s", r, debug.Stack())
}

func (p *Pool[C]) dialTimed(ctx context.Context) (C, error) {
	begun := time.Now()
	c, err := p.dial(ctx)
	if err == nil && p.o.Host != nil {
		p.o.Host.dialTook(time.Since(begun))
	}
	return c, err
}

// starterLeft gives the dials that w set off their time. Called with mu held, when w
// has left the queue.
func (p *Pool[C]) starterLeft(w *waiter[C]) {
	for d := w.started; d != nil; d = d.before {
		if !d.ended {
			d.grace = time.AfterFunc(max(dialGrace, p.dialTimeout()+time.Second), d.cancel) // who has a limit shall see its end
		}
	}
}

func (p *Pool[C]) dialTimeout() time.Duration {
	if p.o.Owner == nil {
		return 0
	}
	return p.o.Owner.DialTimeout()
}

func (p *Pool[C]) dialled(d *dialling[C], c C) {
	p.mu.Lock()
	b := c.base()
	p.begin(b, d.generation) // a pool that was renewed since does not want it
	p.endDial(d)
	waiting := p.waiters.len
	kept := p.keep(c, b, false)
	if p.waiters.len == waiting {
		p.startLateTimers()
	}
	p.mu.Unlock()
	if !kept {
		p.close(c)
	}
}

// begin notes what a connection begins with. Called with mu held.
func (p *Pool[C]) begin(b *Base, generation uint64) {
	b.generation = generation
	if p.o.MaxLifetime > 0 {
		b.expires = time.Since(p.epoch) + p.o.MaxLifetime - rand.N(p.o.MaxLifetime/10+1)
	}
	p.beginTurn(b)
}

// dialFailed tells the first waiter, unless the pool itself ended the dial: then
// the waiters that are there now get new ones.
func (p *Pool[C]) dialFailed(d *dialling[C], err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endDial(d)
	served := p.waiters.len > 0 && d.ctx.Err() != context.Canceled
	if served {
		p.serve(p.waiters.first, handover[C]{err: err})
	}
	p.freePlace()
	if !served {
		p.startLateTimers()
	}
}

// endDial is called with mu held.
func (p *Pool[C]) endDial(d *dialling[C]) {
	if delete(p.dials, d); len(p.dials) == 0 {
		p.dials = nil // its memory too, for an engine at rest
	}
	if d.ended = true; d.grace != nil {
		d.grace.Stop()
	}
	p.returnDialRight()
}

// returnDialRight is called with mu held.
func (p *Pool[C]) returnDialRight() {
	if p.o.Host != nil {
		p.o.Host.dialEnded()
	}
}
