package multidb

import (
	"context"
	"database/sql/driver"
	"slices"
)

// lease returns the child of the route's engine for one statement: the one that is in
// this Conn's hands already, else the one that was there last, else one from the
// engine's pool.
func (c *Conn) lease(ca *call) (*child, error) {
	e := ca.route.engine
	if c.held != nil {
		return c.unbroken(c.held)
	}
	if c.pin != nil && c.pin.engine == e {
		return c.unbroken(c.pin)
	}
	for _, ch := range c.leases {
		if ch.engine == e && ch.serves() {
			return ch, nil
		}
	}
	if c.reclaimOf(ca, e) {
		return ca.child, nil
	}
	return c.leaseFromPool(ca.ctx, e)
}

func (c *Conn) leaseFromPool(ctx context.Context, e *engine) (*child, error) {
	ch, err := c.takeFrom(ctx, e)
	for err == nil && !ch.serves() { // made before the engine was what it is now
		e.pool.Discard(ch)
		ch, err = c.takeFrom(ctx, e)
	}
	if err != nil {
		return nil, e.connectionError(ctx, err)
	}
	e.countLease(+1)
	c.addLease(ch)
	return ch, nil
}

// serves reports whether the child can be used for what its engine is now: one
// that was opened read-only is of no use to a primary, and one that was not is
// none to a replica.
func (ch *child) serves() bool {
	return !ch.broken && ch.guarded == (ch.engine.guarded && ch.engine.isReplica())
}

// unbroken is for a child that no other can stand in for: it holds the session.
func (c *Conn) unbroken(ch *child) (*child, error) {
	if ch.broken {
		return nil, c.badConn()
	}
	return ch, nil
}

// badConn is the answer for a session whose child is of no use any more.
func (c *Conn) badConn() error {
	c.toldBad = true
	return driver.ErrBadConn
}

// takeFrom takes a child from the engine's pool. Two sessions that each hold a
// child and wait for one of the other's engine would wait until their contexts
// end, so before it waits a Conn gives back what it does not need.
func (c *Conn) takeFrom(ctx context.Context, e *engine) (*child, error) {
	if len(c.leases) > 0 {
		return e.pool.TakeYielding(ctx, c.endIdleLeases)
	}
	return e.pool.Take(ctx)
}

// endIdleLeases gives back the children that hold no state and no open rows.
func (c *Conn) endIdleLeases() {
	c.leases = slices.DeleteFunc(c.leases, func(ch *child) bool {
		idle := ch != c.pin && !ch.mayHaveRows()
		if idle {
			c.wroteGone = c.wroteGone || ch == c.wrote
			ch.endLease()
		}
		return idle
	})
}

// drop throws away one child of which nothing can be said. If it held the
// session, the session is over: the Conn stays pinned to what is gone, so that
// nothing runs elsewhere as if it were part of it.
func (c *Conn) drop(ch *child) {
	c.leases = slices.DeleteFunc(c.leases, func(leased *child) bool { return leased == ch })
	c.wroteGone = c.wroteGone || ch == c.wrote
	ch.gone = true
	ch.endLease()
}

// endLease clears what belongs to the lease and gives the child back to its pool.
// It reports whether the child is parked, so that the Conn may have it again.
func (ch *child) endLease() bool {
	p := ch.engine.pool
	ch.engine.countLease(-1)
	ch.queried, ch.noRows = false, false
	if ch.mysql {
		ch.release()
	}
	if ch.broken || ch.dirty {
		p.Discard(ch)
		return false
	}
	ch.stmts.endLease()
	ch.noteIdle()
	valid := true
	if ch.pgx != nil || ch.validator == nil {
		valid = ch.Valid()
	} else if !ch.validator.IsValid() { // as Valid does, one level of calls above it
		valid = false
		ch.engine.Lost()
	}
	return valid && ch.TryPark() || p.Park(ch, valid)
}

// holds reports whether a child statement lives on a child in this Conn's hands.
func (c *Conn) holds(cs *childStmt) bool {
	return slices.ContainsFunc(c.leases, func(ch *child) bool { return &ch.stmts == cs.stmts })
}
