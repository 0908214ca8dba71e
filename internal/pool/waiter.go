package pool

import (
	"context"
	"time"
)

// waiter is a taker that found no idle connection.
type waiter[C Conn] struct {
	ctx    context.Context  // the taker's
	handed chan handover[C] // gets exactly one, from whoever takes the waiter out of the queue to serve it
	ticket uint64           // its turn among the takers of all pools of the Cap

	// Guarded by the pool's mutex.
	since      time.Time    // zero unless it waits for a connection to come back
	started    *dialling[C] // the last of the dials that it set off
	insists    bool         // it has waited a turn for the connections that its pool has
	turn       *time.Timer  // ends that turn
	patience   *time.Timer  // ends its patience; see tire
	queued     bool
	prev, next *waiter[C]
}

// handover is what a waiter gets.
type handover[C any] struct {
	conn C
	err  error
}

// enqueue is called with mu held.
func (p *Pool[C]) enqueue(ctx context.Context) *waiter[C] {
	w := &waiter[C]{ctx: ctx, handed: make(chan handover[C], 1)}
	if p.o.Host != nil {
		w.ticket = p.o.Host.cap.tickets.Add(1)
	}
	p.waiters.push(w)
	p.startDials()
	if len(p.dials) < p.waiters.len {
		w.since = time.Now()
		p.stats.WaitCount++
		p.startTimers(w)
	}
	return w
}

// startTimers is called with mu held, for a waiter that no dial is for. While the pool
// has all the connections that it may have, there is nothing to ask the Host for.
func (p *Pool[C]) startTimers(w *waiter[C]) {
	if p.o.Host == nil || w.turn != nil || p.full() && !p.isHopeless() {
		return
	}
	w.turn = time.AfterFunc(p.o.Host.turn(), func() { p.insist(w) })
	if patience := p.patience(); patience > 0 {
		w.patience = time.AfterFunc(patience, func() { p.tire(w) })
	}
}

// startLateTimers is called with mu held, for those that had no need of timers until
// now: a dial has ended and served nobody, or the pool is not full any more.
func (p *Pool[C]) startLateTimers() {
	if p.o.Host == nil || p.full() && !p.isHopeless() {
		return
	}
	for w := p.waiters.at(len(p.dials)); w != nil; w = w.next {
		p.startTimers(w)
	}
}

func (w *waiter[C]) stopTimers() {
	for _, timer := range []*time.Timer{w.turn, w.patience} {
		if timer != nil {
			timer.Stop()
		}
	}
}

func (p *Pool[C]) wait(ctx context.Context, w *waiter[C]) (C, error) {
	select {
	case h := <-w.handed:
		return h.conn, h.err
	case <-ctx.Done():
	}
	if !p.giveUp(w) {
		// It was served in the same moment.
		if h := <-w.handed; h.err == nil {
			p.passOn(h.conn)
		}
	}
	var none C
	return none, ctx.Err()
}

// giveUp takes w out of the queue. False means that somebody else did, to serve it.
func (p *Pool[C]) giveUp(w *waiter[C]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !w.queued {
		return false
	}
	p.dequeue(w)
	return true
}

// serve hands h to w. Called with mu held.
func (p *Pool[C]) serve(w *waiter[C], h handover[C]) {
	p.dequeue(w)
	w.handed <- h
}

// dequeue is called with mu held.
func (p *Pool[C]) dequeue(w *waiter[C]) {
	p.waiters.remove(w)
	w.stopTimers()
	p.starterLeft(w)
	p.adjustClaim()
	if !w.since.IsZero() {
		p.stats.WaitDuration += time.Since(w.since)
	}
}

// queue is a list, because those who give up leave from its middle.
type queue[C Conn] struct {
	first, last *waiter[C]
	len         int
}

func (q *queue[C]) push(w *waiter[C]) {
	w.prev = q.last
	if q.last != nil {
		q.last.next = w
	} else {
		q.first = w
	}
	q.last = w
	q.len++
	w.queued = true
}

// at returns the one with so many before it, or nil.
func (q *queue[C]) at(i int) *waiter[C] {
	w := q.first
	for ; i > 0 && w != nil; i-- {
		w = w.next
	}
	return w
}

func (q *queue[C]) remove(w *waiter[C]) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.last = w.prev
	}
	w.prev, w.next = nil, nil
	q.len--
	w.queued = false
}
