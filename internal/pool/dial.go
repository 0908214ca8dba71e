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

// dialSet holds the dials in progress, by the context of each.
type dialSet map[context.Context]dialing

type dialing struct {
	cancel     context.CancelFunc
	generation uint64 // of the pool when it began
}

// startDials starts a dial for each waiter that no dial in progress is for, as
// far as there are places. Where no dial would help, those wait who have something
// to wait for. Called with mu held.
func (p *Pool[C]) startDials() {
	if p.isDown() {
		return
	}
	for len(p.dials) < p.waiters.len && p.takePlace() {
		go p.runDial(p.newDial())
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

// newDial is called with mu held, a waiter in the queue and a place taken.
func (p *Pool[C]) newDial() (ctx, starter context.Context, cancel context.CancelFunc) {
	// The last waiter is the one that just came, or will stay longest.
	starter = p.waiters.last.start()
	ctx, cancel = context.WithCancel(context.WithoutCancel(starter))
	if p.dials == nil {
		p.dials = make(dialSet)
	}
	p.dials[ctx] = dialing{cancel: cancel, generation: p.generation}
	p.stats.Dials++
	return ctx, starter, cancel
}

func (p *Pool[C]) runDial(ctx, starter context.Context, cancel context.CancelFunc) {
	defer cancel()
	defer context.AfterFunc(starter, func() {
		select {
		case <-time.After(max(dialGrace, p.dialTimeout()+time.Second)): // who has a limit shall see its end
			cancel()
		case <-ctx.Done(): // the dial has returned
		}
	})()

	var c C
	err := errDialLeft
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("multidb: the child driver panicked while it connected: %v\n%s", r, debug.Stack())
		}
		if err != nil {
			p.dialFailed(ctx, err)
		} else {
			p.dialled(ctx, c)
		}
	}()
	begun := time.Now()
	c, err = p.dial(ctx)
	if err == nil && p.o.Host != nil {
		p.o.Host.dialTook(time.Since(begun))
	}
}

func (p *Pool[C]) dialTimeout() time.Duration {
	if p.o.Owner == nil {
		return 0
	}
	return p.o.Owner.DialTimeout()
}

func (p *Pool[C]) dialled(ctx context.Context, c C) {
	p.mu.Lock()
	b := c.base()
	p.begin(b, p.dials[ctx].generation) // a pool that was renewed since does not want it
	p.endDial(ctx)
	kept := p.keep(c, b, false)
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
func (p *Pool[C]) dialFailed(ctx context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endDial(ctx)
	if p.waiters.len > 0 && ctx.Err() == nil {
		p.serve(p.waiters.first, handover[C]{err: err})
	}
	p.freePlace()
}

// endDial is called with mu held.
func (p *Pool[C]) endDial(ctx context.Context) {
	delete(p.dials, ctx)
	if len(p.dials) == 0 {
		p.dials = nil // its memory too, for an engine at rest
	}
	if p.o.Host != nil {
		p.o.Host.dialEnded()
	}
}
