package pool

import (
	"context"
	"errors"
	"time"
)

// A visit is a connection that the owner of a pool opens for a question of his
// own: whether the server is back, or what it is. It has a place of the Host and
// its Cap and the right to dial, for which it waits in line with the takers of all
// pools. Until the owner lets the pool have it, it is nobody's, and no taker waits
// for it.

// ErrNoPlace is of a visit that did not begin, because there was no place for it.
// Nothing is known of the server then.
var ErrNoPlace = errors.New("multidb: no place for another connection")

// Visit opens a connection, also while Owner.Down keeps takers from it. It waits
// for a place no longer than patience, and an idle connection may be closed for
// it; with a patience of 0 it takes only what is free. A connection is to be given
// to Adopt or to Dismiss.
//
// The pool's own MaxOpen does not keep a visit away: where all connections of an
// engine hang, nobody else would find out.
func (p *Pool[C]) Visit(ctx context.Context, patience time.Duration) (c C, err error) {
	generation, err := p.enter(ctx, patience)
	if err != nil {
		return c, err
	}
	ctx, cancel := p.limit(ctx)
	defer cancel()
	err = errDialLeft
	defer func() { p.entered(c, err, generation) }() // also after a panic
	return p.dialTimed(ctx)
}

// enter takes the place.
func (p *Pool[C]) enter(ctx context.Context, patience time.Duration) (generation uint64, err error) {
	var g *member
	if p.o.Host != nil {
		if g = p.o.Host.receive(ctx, patience); g == nil {
			return 0, ErrNoPlace
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		if g != nil {
			g.host.dialEnded()
			g.host.free(g)
		}
		return 0, ErrClosed
	}
	if g != nil {
		if p.member == nil {
			p.member = p.o.Host.newMember(p)
		}
		g.host.hand(g, p.member)
	}
	p.open++
	p.visits++
	return p.generation, nil
}

// entered is called when the dial has ended.
func (p *Pool[C]) entered(c C, err error, generation uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returnDialRight()
	if err != nil {
		p.visits--
		p.freePlace()
		return
	}
	p.begin(c.base(), generation)
}

// Adopt ends a visit whose connection is fit for takers: the pool has it, if there
// is a use for it.
func (p *Pool[C]) Adopt(c C) {
	p.mu.Lock()
	p.visits--
	c.base().used = true
	over := p.o.MaxOpen > 0 && p.open > p.o.MaxOpen
	kept := !over && p.keep(c, c.base(), false)
	p.mu.Unlock()
	if !kept {
		p.close(c)
	}
}

// Dismiss ends a visit and closes its connection.
func (p *Pool[C]) Dismiss(c C) {
	p.mu.Lock()
	p.visits--
	p.mu.Unlock()
	p.close(c)
}

// guest is a member of a Host while a visit has no place of its pool yet. A pool
// has but one claim, which is its takers'.
type guest chan struct{}

func (g guest) granted()        { close(g) }
func (g guest) evict(bool) bool { return false }

// receive returns a guest that has a place and the right to dial, or nil.
func (h *Host) receive(ctx context.Context, patience time.Duration) *member {
	g := make(guest)
	m := h.newMember(g)
	if h.take(m) {
		return m
	}
	if patience <= 0 {
		return nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	h.wait(m, h.cap.tickets.Add(1))
	select {
	case <-g:
		return m
	case <-timer.C:
	case <-ctx.Done():
	}
	if h.withdraw(m) {
		return nil
	}
	return m // it was granted in the same moment
}

// hand gives the place of one member to another.
func (h *Host) hand(from, to *member) {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	h.addOpen(from, -1)
	h.addOpen(to, +1)
}
