package multidb

import (
	"context"
	"sync"
)

// A replica that hangs leaves the calls on it without an end, though another
// engine could answer. When the watcher has found that out, it interrupts them.

// children are those of an engine that can be interrupted.
type children struct {
	mu  sync.Mutex // guards set
	set map[*child]struct{}
}

func (c *children) add(ch *child) {
	if ch.pgx == nil && !ch.mysql {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set == nil {
		c.set = make(map[*child]struct{})
	}
	c.set[ch] = struct{}{}
}

func (c *children) remove(ch *child) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.set, ch); len(c.set) == 0 {
		c.set = nil // its memory, too, for an engine at rest
	}
}

// interrupt makes the calls that wait for the server fail as if it had closed the
// connections. Each child is closed by the one who has it. Rows that are being read
// go on: they could not be moved, and it may be only new connections that hang.
func (c *children) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.set {
		if end := ch.endCall.Load(); end != nil {
			(*end)()
		} else if ch.pgx != nil && !ch.reading.Load() {
			ch.cut()
		}
	}
}

// cut ends all that goes on, also rows, where the driver lets it be done.
func (c *children) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.set {
		if ch.pgx != nil {
			ch.cut()
		}
	}
}

// cut closes the network connection under pgx. go-sql-driver does not show it, but
// closes it when the context of a call ends.
func (ch *child) cut() { ch.pgx.Conn().PgConn().Conn().Close() }

// interruptible returns the context for a call on the child: the caller's, or one
// made of it that interrupt can end. The latter ends with the next call or with
// the lease, when no rows of this one are open any more.
func (ch *child) interruptible(ctx context.Context) context.Context {
	if !ch.mysql {
		return ctx
	}
	return ch.endable(ctx)
}

func (ch *child) endable(ctx context.Context) context.Context {
	if !ch.engine.isReplica() || ch.queried && ch.closed() {
		return ctx // the last case is that of open rows
	}
	ch.release()
	ctx, end := context.WithCancel(ctx)
	ch.release = end
	ch.endCall.Store(&end)
	return ctx
}

// answered is called when the call has returned. Rows that it gave are the
// caller's, and end with the caller's context only.
func (ch *child) answered() {
	if ch.mysql {
		ch.endCall.Store(nil)
	}
}

// endReading is called when the next use begins: that one may be interrupted.
func (ch *child) endReading() {
	if ch.reading.Load() {
		ch.reading.Store(false)
	}
}
