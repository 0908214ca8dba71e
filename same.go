package multidb

import "sync/atomic"

// Programs run the same few texts over and over, and what a route depends on
// hardly ever changes between two runs. So a Conn keeps the last route that
// followed from nothing but the call, its text and the view of the database, and
// takes it again while these are the same. It is the answer of route, kept: nothing
// is decided here.

// lastRoute is a route, and what it was the answer to.
type lastRoute struct {
	route
	view    *view                 // of the engine's database; nil if there is no route to take again
	now     *atomic.Pointer[view] // where to look whether it still is that
	pin     *child                // where the session was; nil if there was none
	counter *atomic.Uint64        // see call
	via     via
	effect  effect
}

// startSame is start for a call that goes where the last one of its kind went, on
// the child that is held, pinned, or parked since. False means that it is not such
// a call, or that somebody else has the child by now: then start is called.
//
// So little is done for a call that each level of calls in it is felt. So what
// reclaimOf, Reset, expectState and enter do in the usual case is written out here.
func (c *Conn) startSame(ca *call) bool {
	if choiceFrom(ca.ctx) != nil {
		return false
	}
	if c.held != nil {
		return c.startHeld(ca)
	}
	last := &c.last
	if c.pin != nil {
		last = &c.lastInTx
	}
	if last.view == nil || last.via != ca.via || ca.detour != nil || last.view != last.now.Load() {
		return false
	}
	if f := last.facts; f != nil && f != ca.known && f.query != ca.query {
		return false
	}
	ch := c.pin
	if ch != nil {
		if !c.inTx || last.pin != ch || ch.broken {
			return false
		}
	} else {
		if len(c.leases) > 0 || c.wrote != nil {
			return false
		}
		ch = c.leases[:1][0] // the one that was parked last
		if ch == nil || ch.engine != last.engine || ca.ctx.Err() != nil || !ch.TryReclaim() {
			return false
		}
		c.leases = c.leases[:1]
		ch.engine.countLease(+1)
		ca.child, ca.busy = ch, true // for abandon, should the reset panic
		var err error
		if ch.resetter == nil || ch.pq || ch.reading.Load() || ch.stmts.unused.Load() {
			err = ch.Reset(ca.ctx)
		} else {
			err = ch.resetter.ResetSession(ca.ctx)
		}
		if err != nil {
			ca.busy = false
			c.refuse(ca.ctx, ch, err)
			return false
		}
		ca.onReplica = ch.engine.isReplica()
	}
	ca.child, ca.route, ca.counter, ca.again, ca.timed = ch, last.route, last.counter, false, false
	switch last.effect {
	case leavesResult:
		c.wrote, c.wroteGone = ch, false
	case mayLeaveMore:
		c.expectState(ch, last.facts)
	}
	if ch.pgx == nil && !ch.mysql {
		ca.open, ca.busy, ch.asked, ch.ran = true, true, false, false
	} else {
		ca.enter()
	}
	if ch.engine.compared {
		c.beginTiming(ca)
	}
	return true
}

// startHeld is for a Conn that holds its child, whose calls all have one route.
func (c *Conn) startHeld(ca *call) bool {
	if c.held.broken || c.connector.log != nil {
		return false
	}
	ca.child, ca.again, ca.counter = c.held, false, nil
	ca.route.engine, ca.route.reason = c.held.engine, reasonOnlyEngine
	if ca.via.isStatement() && !c.held.mysql {
		ca.counter = c.last.counter
	}
	ca.enter()
	return true
}

// keepRoute notes where a call went, if the same call would go there again.
func (c *Conn) keepRoute(ca *call, q *question) {
	r := &ca.route
	if !c.connector.keepsRoutes || q.choice != nil || q.detour != nil || r.engine.mayRefuse() ||
		r.facts != nil && !r.facts.kept {
		return
	}
	now := &r.engine.database.view
	v := now.Load()
	kept := lastRoute{route: *r, view: v, now: now, via: ca.via, effect: effectOf(ca)}
	if (r.facts == nil || r.facts.Tx == TxNone) && ca.via.isStatement() && !r.engine.compared && !ca.child.mysql {
		kept.counter = r.engine.counter(r.reason)
	}
	switch {
	case q.inTx && q.via.carriesText():
		if !r.engine.isReplica() {
			kept.pin = c.pin
			c.lastInTx = kept
		}
	case q.pin == nil && q.wrote == nil && r.engine == v.always(r.reason):
		c.last = kept
	}
}

// always is the engine of all calls that are routed for that reason, while the view
// stands; nil if there may be several.
func (v *view) always(why reason) *engine {
	switch why {
	case reasonRead, reasonBeginReadOnly:
		return v.only
	case reasonNoneReady:
		return nil
	}
	return v.primary
}

// effect is what expectState has to do for a call.
type effect uint8

const (
	leavesNothing effect = iota
	leavesResult         // what LAST_INSERT_ID() and the like ask for, and no more
	mayLeaveMore
)

func effectOf(ca *call) effect {
	f := ca.route.facts
	switch {
	case f == nil || f.Kind == KindRead || !ca.via.runs():
		return leavesNothing
	case f.Kind == KindWrite && f.Tx == TxNone && !f.Session && !f.AsksSession && !ca.route.engine.isReplica():
		return leavesResult
	}
	return mayLeaveMore
}
