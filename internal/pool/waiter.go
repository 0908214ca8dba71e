package pool

import (
	"context"
	"time"
)

// waiter is a taker that found no idle connection.
type waiter[C any] struct {
	ctx        context.Context    // the taker's; if it started a dial, one that ends also when the waiter leaves
	leave      context.CancelFunc // ends that; nil if it started none
	handed     chan handover[C]   // gets exactly one, from whoever takes the waiter out of the queue to serve it
	since      time.Time          // zero unless it waits for a connection to come back
	ticket     uint64             // its turn among the takers of all pools of the Cap
	insists    bool               // it has waited a turn for the connections that its pool has
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
	}
	return w
}

func (p *Pool[C]) wait(ctx context.Context, w *waiter[C]) (C, error) {
	defer w.left()
	if p.o.Host != nil { // also for one that a dial is for: it may fail
		defer time.AfterFunc(p.o.Host.turn(), func() { p.insist(w) }).Stop()
		if patience := p.patience(); patience > 0 {
			defer time.AfterFunc(patience, func() { p.tire(w) }).Stop()
		}
	}
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

// start returns the context for a dial that w starts. Called with mu held, and w in
// the queue.
func (w *waiter[C]) start() context.Context {
	if w.leave == nil {
		w.ctx, w.leave = context.WithCancel(w.ctx)
	}
	return w.ctx
}

// left is called when w is not in the queue any more.
func (w *waiter[C]) left() {
	if w.leave != nil {
		w.leave()
	}
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
	p.adjustClaim()
	if !w.since.IsZero() {
		p.stats.WaitDuration += time.Since(w.since)
	}
}

// queue is a list, because those who give up leave from its middle.
type queue[C any] struct {
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
