package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// call is one use of a child: from the route, through the child driver, to the
// one place that sees its end.
type call struct {
	ctx    context.Context
	query  string
	known  *facts  // perhaps those of the query; nil if there are none at hand
	detour *detour // what came of the statement before; nil at the first time
	via    via

	// Of the Conn, when the call was routed by asking.
	pinned     bool
	inTx       bool
	readOnlyTx bool

	route    route
	child    *child
	busy     bool           // inside the child driver
	open     bool           // nothing was known of an end of the connection when the call began
	readOnly bool           // the end of a read-only transaction
	counter  *atomic.Uint64 // if there is nothing to do after this call but to count it there
	began    time.Time      // zero unless calls are logged, or this one is timed
	timed    bool

	onReplica bool // the engine was a replica when the call was routed
	again     bool // the statement goes on elsewhere
}

// start routes a statement and takes the child that it goes to. It is called where
// startSame says no. Both are followed by finish, unless the child driver panics:
// that is left to abandon.
func (c *Conn) start(ca *call) error {
	ca.counter, ca.again, ca.timed = nil, false, false
	if err := c.startAnew(ca); err != nil {
		return err
	}
	if f := ca.route.facts; f != nil && f.Kind != KindRead && ca.via.runs() {
		c.expectState(ca.child, f)
	}
	ca.enter()
	if ca.route.engine.compared {
		c.beginTiming(ca)
	}
	return nil
}

// startAnew asks all that a route depends on, and goes from engine to engine while
// one cannot be had and another could do as well.
func (c *Conn) startAnew(ca *call) error {
	k, ctx := c.connector, ca.ctx
	if k.log != nil {
		ca.began = time.Now()
	}
	for {
		var q question
		c.ask(ca, &q)
		var err error
		ca.route, err = k.route(&q)
		if err == nil {
			err = c.reach(ca)
		}
		if err == nil {
			c.remember(ca.route.facts)
			c.keepRoute(ca, &q)
			return nil
		}
		again := c.startsElsewhere(ctx, ca, err)
		if k.log != nil {
			k.logCall(ctx, ca, err)
		}
		if !again {
			err = ca.giveUp(ctx, err)
			c.toldBad = c.toldBad || errors.Is(err, driver.ErrBadConn) // a dial must not say so, but may
			return err
		}
	}
}

// reach takes the child of the route's engine. That may last, so the engine is
// asked again afterwards whether it still is what it was.
func (c *Conn) reach(ca *call) (err error) {
	e := ca.route.engine
	ca.onReplica = e.isReplica()
	if !e.mayRefuse() {
		ca.child, err = c.lease(ca)
		return err
	}
	if err = c.admit(ca); err != nil {
		return err
	}
	if ca.child, err = c.lease(ca); err != nil {
		return err
	}
	return c.admit(ca)
}

// remember keeps the facts of the last statement at hand, if they are kept anyway.
func (c *Conn) remember(f *facts) {
	if f != nil && f != c.lastFacts && f.kept {
		c.lastFacts = f
	}
}

// startEnd is start for the end of a transaction, whose child is known.
func (c *Conn) startEnd(ca *call, t *tx) {
	e := t.child.engine
	ca.child = t.child
	ca.route.engine, ca.route.reason = e, reasonInTx
	ca.readOnly = t.readOnly || e.isReplica()
	if c.connector.log != nil {
		ca.began = time.Now()
	}
	ca.enter()
	t.child.asked, t.child.ran = true, true
}

// enter notes whether the connection was open: pgx is asked, which costs nothing.
// IsValid is not asked, as a child may expect it only when it is given back. The
// exception is go-sql-driver/mysql, which calls itself invalid while rows are
// open: that it refuses a call for them must not be taken for the end of its
// connection.
func (ca *call) enter() {
	ch := ca.child
	ca.open = !ch.broken
	if ch.pgx != nil || ch.mysql && ch.queried {
		ca.open = ca.open && !ch.closed()
	}
	ca.busy, ch.asked, ch.ran = true, false, false
	ch.endReading()
}

// abandon is deferred around all that calls the child driver. If that is still
// busy, it panicked: database/sql does not give the connection back in all of
// these cases, so the child is thrown away here.
func (c *Conn) abandon(ca *call) {
	if ca.busy {
		c.panicked(ca.child)
	}
}

func (c *Conn) panicked(ch *child) {
	ch.broken = true
	c.toldBad = true // sql.Conn.Raw answers a panic with driver.ErrBadConn, which means no other child
	if c.held == nil {
		c.drop(ch)
	}
}

// finish sees the end of every call: it notes what the connection's state is
// now, judges an error, counts and logs. It returns the error for the caller,
// which is the child's own but for a write that was lost on the way.
func (c *Conn) finish(ca *call, err error) error {
	if err == nil && ca.counter != nil && len(ca.child.given) == 0 {
		ca.busy = false
		ca.counter.Add(1)
		return nil
	}
	return c.finishAll(ca, err)
}

// finishAll is finish for all but the usual case.
func (c *Conn) finishAll(ca *call, err error) error {
	ca.busy = false
	ca.child.answered()
	if err == driver.ErrSkip {
		ca.child.forgetArgs()
		c.skipped = ca.route.facts
		return err // database/sql comes back with Prepare
	}
	if f := ca.route.facts; f != nil && f.Tx != TxNone && ca.via.runs() {
		c.noteTransaction(ca.child, f, err)
	}
	if err != nil {
		err = c.failed(ca.ctx, ca, err)
	} else if ca.timed {
		ca.route.engine.database.notePace(ca.route.engine, time.Since(ca.began))
	}
	if !ca.again && ca.via.isStatement() {
		ca.route.engine.counter(ca.route.reason).Add(1)
	}
	if len(ca.child.given) > 0 && !ca.again {
		ca.child.forgetArgs()
	}
	if k := c.connector; k.log != nil {
		k.logCall(ca.ctx, ca, err)
	}
	return err
}

// failed draws the consequences of a child's error.
func (c *Conn) failed(ctx context.Context, ca *call, err error) error {
	ch := ca.child
	if c.held != nil && !ch.saysBadConnOfSent() {
		return err // as without multidb, where the child answers for itself
	}
	v := judge(ctx, ca, err)
	if v.callers {
		ch.engine.expired.Add(1)
	}
	ca.again = c.goesOn(ctx, ca, err, v)
	if !v.lost {
		return err
	}
	if c.held == nil {
		ch.broken = true // a held child answers for itself
	}
	if c.held == nil && !v.callers && ca.open {
		ch.engine.pool.Stale(ch)
		ch.engine.Lost()
	}
	if ca.again {
		if !ch.mayHaveRows() {
			c.drop(ch) // its place may be the one that the repetition needs
		}
		return err
	}
	if v.interrupted {
		return fmt.Errorf("multidb: engine %q does not answer, so the call was given up", ch.engine.name)
	}
	c.toldBad = c.toldBad || errors.Is(err, driver.ErrBadConn)
	if v.callers || !ca.open {
		return err
	}
	if !ca.via.runs() || !ch.ran || c.undone(ca) {
		return err
	}
	bad := errors.Is(err, driver.ErrBadConn)
	switch {
	case bad && !ch.saysBadConnOfSent():
		return err // the contract: nothing was sent
	case !bad && c.held != nil:
		return err // as without multidb
	case c.connector.isRead(ca):
		return err
	}
	ch.broken = true
	return &OutcomeError{Engine: ch.engine.name, Child: err}
}

// undone reports whether the server undoes what the call may have done, because
// it was part of a transaction that had not been asked to commit.
func (c *Conn) undone(ca *call) bool {
	f := ca.route.facts
	switch {
	case f == nil || f.Tx == TxNone:
		return c.inTransaction()
	case f.Tx == TxBegin:
		// COMMIT AND CHAIN leaves a transaction open, and so does a text that
		// commits and then begins another.
		return !f.Mutates && (f.Verb == "begin" || f.Verb == "start" || f.Verb == "savepoint")
	}
	return false
}

// expectState notes, before the statement runs, what it will leave on the
// connection, so that not even a panic makes it forgotten.
func (c *Conn) expectState(ch *child, f *facts) {
	marks := c.inTx && f.marks()
	if f.Kind == KindTransaction && !marks || f.Session {
		c.readOnlyTx = false // SET TRANSACTION READ WRITE, or a COMMIT by text
	}
	if !f.AsksSession && !ch.engine.isReplica() {
		c.wrote, c.wroteGone = ch, false // what a read-only transaction left on a replica is asked there, by name
	}
	if f.Session || (c.inTx && f.Tx != TxNone && !marks) {
		c.keepState(ch)
	}
	if f.Tx == TxBegin && !c.inTx {
		c.pin, c.inTextTx = ch, true
	}
}

// keepState pins the Conn to a child that holds session state. A held child
// keeps it as it does without multidb.
func (c *Conn) keepState(ch *child) {
	if c.held == nil {
		ch.dirty = true
		c.pin = ch
	}
}

// noteTransaction follows transactions that are begun and ended by query texts.
// pgx knows what the server says; for other drivers a text that failed is
// believed to have ended nothing.
func (c *Conn) noteTransaction(ch *child, f *facts, err error) {
	if err != nil && ch.pgx == nil && !(c.inTx && f.marks()) {
		c.keepState(ch) // it may have failed anywhere between BEGIN and COMMIT
	}
	if c.inTx || !c.inTextTx {
		return
	}
	ended := f.Tx == TxEnd && err == nil
	if ch.pgx != nil && !ch.closed() {
		ended = ch.pgx.Conn().PgConn().TxStatus() == 'I'
	}
	if ended {
		c.inTextTx = false
		c.unpin()
	}
}

func (c *Conn) inTransaction() bool { return c.inTx || c.inTextTx }

// unpin lets automatic routing go where it likes again, if no other state is
// left.
func (c *Conn) unpin() {
	if !c.inTransaction() && c.pin != nil && !c.pin.dirty {
		c.pin = nil
	}
}
