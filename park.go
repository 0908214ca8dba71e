package multidb

import "context"

// A Conn that ends its leases gives its children back to their pools, but parks
// them there: the next statement has its child again without the pool's mutex, if
// nobody else took it meanwhile. To forget what is parked costs no connection, as
// it is the pool's. And it has no say in the route: which engine answers is
// decided first.

// parked are the children that this Conn had last and may have again. They stay
// where they were among the leases, behind the end of those. Some are nil, and
// some are others' by now.
func (c *Conn) parked() []*child { return c.leases[len(c.leases):cap(c.leases)] }

// reclaimOf makes a lease of the child of an engine that is parked, if there is one
// and nobody else took it, and resets it for the call.
func (c *Conn) reclaimOf(ca *call, e *engine) bool {
	parked := c.parked()
	i := 0
	for i < len(parked) && (parked[i] == nil || parked[i].engine != e) {
		i++
	}
	if i == len(parked) || ca.ctx.Err() != nil {
		return false
	}
	ch := parked[i]
	switch {
	case !ch.TryReclaim():
		parked[i] = nil
		return false
	case !ch.serves():
		parked[i] = nil
		e.pool.Discard(ch)
		return false
	case i > 0:
		parked[0], parked[i] = ch, parked[0]
	}
	e.countLease(+1)
	c.leases = c.leases[:len(c.leases)+1]
	ca.child, ca.busy = ch, true // for abandon, should the reset panic
	err := ch.Reset(ca.ctx)
	ca.busy = false
	if err != nil {
		c.refuse(ca.ctx, ch, err)
	}
	return err == nil
}

// refuse gives away the last lease, which could not be reset.
func (c *Conn) refuse(ctx context.Context, ch *child, err error) {
	last := len(c.leases) - 1
	c.leases[last] = nil
	c.leases = c.leases[:last]
	ch.engine.countLease(-1)
	ch.engine.pool.Unfit(ctx, ch, err)
}

// addLease adds a child from a pool. There is room for the usual number of
// engines; beyond that, what was parked longest ago is forgotten here.
func (c *Conn) addLease(ch *child) {
	if parked := c.parked(); len(parked) > 0 && parked[0] != nil {
		copy(parked[1:], parked)
	}
	c.leases = append(c.leases, ch)
}
