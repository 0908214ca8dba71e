package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
)

// The interfaces of database/sql/driver that a connection may have. All of them
// are here whatever the child has: what the child lacks falls back to what
// database/sql would do, in child.go.
var (
	_ driver.Conn               = (*Conn)(nil)
	_ driver.ConnPrepareContext = (*Conn)(nil)
	_ driver.ConnBeginTx        = (*Conn)(nil)
	_ driver.ExecerContext      = (*Conn)(nil)
	_ driver.QueryerContext     = (*Conn)(nil)
	_ driver.Pinger             = (*Conn)(nil)
	_ driver.SessionResetter    = (*Conn)(nil)
	_ driver.Validator          = (*Conn)(nil)
	_ driver.NamedValueChecker  = (*Conn)(nil)
	// driver.Execer and driver.Queryer are never asked for where the forms with
	// a context are there.
)

// Conn is the connection that database/sql holds. It is a hand that takes child
// connections: a statement leases the child of the engine that it is routed to,
// and the leases end when database/sql puts the Conn back into its pool. An idle
// Conn holds nothing: the children that it had are parked, for anybody. Where a
// configuration has a single engine, the Conn holds one child for its own life
// instead (see [Connector.Connect]).
//
// All methods are called under database/sql's lock of the connection.
//
// Programs meet a Conn only in the function given to [sql.Conn.Raw], for the
// sake of its own [Conn.Raw].
type Conn struct {
	connector     *Connector
	ownsConnector bool // made by Driver.Open, for this Conn alone

	held  *child // the one child of a Conn that holds; nil for one that leases
	inUse bool   // between ResetSession or Connect and IsValid; kept for held only

	leases  []*child  // the children in this Conn's hands; behind them, those that are parked
	two     [2]*child // room for the usual number of them
	toldBad bool      // database/sql was told driver.ErrBadConn, by a child that is marked as broken

	// Where automatic routing must go, because the connection has state: an open
	// transaction, or a SET. It is one of leases, or held.
	pin        *child
	inTx       bool // pinned by a sql.Tx
	tx         *tx  // which is this one
	readOnlyTx bool // the server keeps the transaction from writing
	inTextTx   bool // pinned by a BEGIN in a query text

	// The child that ran the last statement that was no read: what LAST_INSERT_ID()
	// and the like ask for is there. It may be gone while the Conn is still used.
	wrote     *child
	wroteGone bool

	// What one call leaves to the next.
	last        lastRoute
	lastInTx    lastRoute
	lastFacts   *facts // of the last statement, which may come again
	reads       uint8  // counts them, to time one in so many
	skipped     *facts // of what the child left to Prepare, which is next
	skippedExec bool   // database/sql will prepare what Exec was asked for

	firstTx tx // room for one, which saves an allocation
}

// A Conn that holds begins with its child.
func (k *Connector) newConn(held *child) *Conn {
	c := &Conn{connector: k, held: held, inUse: true}
	c.leases = c.two[:0]
	if held != nil {
		c.leases = append(c.leases, held)
		c.last.counter = held.engine.counter(reasonOnlyEngine)
	}
	return c
}

// ResetSession passes on to a held child. A Conn without one has nothing to
// reset: the pools reset the children that it will lease.
func (c *Conn) ResetSession(ctx context.Context) error {
	if c.held == nil {
		return nil
	}
	c.setInUse(true)
	return c.held.Reset(ctx)
}

// CheckNamedValue accepts everything: the child's rules are run after routing.
func (c *Conn) CheckNamedValue(*driver.NamedValue) error { return nil }

// Ping pings the engine that ctx chooses, the primary of the default database
// if it chooses none.
func (c *Conn) Ping(ctx context.Context) error {
	var ca call
	ca.ctx, ca.via = ctx, viaPing
	defer c.abandon(&ca)
	if err := c.start(&ca); err != nil {
		return err
	}
	return c.finish(&ca, ca.child.ping(ctx))
}

// ExecContext routes the statement and runs it on a child.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	var ca call
	ca.ctx, ca.via, ca.query = ctx, viaExec, query
	defer c.abandon(&ca)
	for {
		if !c.startSame(&ca) {
			if err := c.start(&ca); err != nil {
				return nil, err
			}
		}
		result, err := ca.child.exec(ctx, query, args)
		c.skippedExec = err == driver.ErrSkip
		if err = c.finish(&ca, err); !ca.again {
			return result, err
		}
		args = ca.child.givenArgs(args)
	}
}

// QueryContext routes the statement and runs it on a child, whose rows it
// returns as they are.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	var ca call
	ca.ctx, ca.via, ca.query = ctx, viaQuery, query
	defer c.abandon(&ca)
	for {
		if !c.startSame(&ca) {
			if err := c.start(&ca); err != nil {
				return nil, err
			}
		}
		rows, err := ca.child.query(ca.child.interruptible(ctx), query, args)
		if err == nil {
			ca.child.gaveRows()
		}
		if err = c.finish(&ca, err); !ca.again {
			return rows, err
		}
		args = ca.child.givenArgs(args)
	}
}

// PrepareContext prepares the statement on the engine that would answer it as a
// query now, so that a mistake in it is found now; or on the one that will run it,
// if it is half of an Exec that the child left to Prepare. Each execution is
// routed again.
func (c *Conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	via := viaPrepare
	if c.skippedExec {
		via = viaPrepareExec
		c.skippedExec = false
	}
	var ca call
	ca.ctx, ca.via, ca.query = ctx, via, query
	ca.known, c.skipped = c.skipped, nil
	defer c.abandon(&ca)
	for {
		s, err := c.prepareOn(&ca)
		switch {
		case ca.again:
		case err != nil:
			return nil, err
		default:
			return s, nil
		}
	}
}

func (c *Conn) prepareOn(ca *call) (*stmt, error) {
	if !c.startSame(ca) {
		if err := c.start(ca); err != nil {
			return nil, err
		}
	}
	s := &stmt{conn: c, query: ca.query, facts: ca.route.facts}
	if s.facts != nil {
		s.query = s.facts.query // the same text at the same place, which is quicker to compare
	}
	if c.held != nil {
		prepared, err := c.held.prepare(ca.ctx, ca.query)
		if err == nil {
			s.held = newChildStmt(c.held, ca.query, prepared)
		}
		return s, c.finish(ca, err)
	}
	_, err := s.on(ca.child.interruptible(ca.ctx), ca.child)
	return s, c.finish(ca, err)
}

// BeginTx begins a transaction on the engine that ctx chooses, else on a
// replica if it is read-only, else on the primary. All statements go there
// until it ends.
func (c *Conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	via := viaBegin
	if opts.ReadOnly {
		via = viaBeginReadOnly
	}
	var ca call
	ca.ctx, ca.via = ctx, via
	defer c.abandon(&ca)
	for {
		if !c.startSame(&ca) {
			if err := c.start(&ca); err != nil {
				return nil, err
			}
		}
		childTx, err := ca.child.begin(ca.child.interruptible(ctx), opts)
		err = c.finish(&ca, err)
		switch {
		case ca.again:
		case err != nil:
			return nil, err
		default:
			c.pin, c.inTx, c.readOnlyTx = ca.child, true, opts.ReadOnly && ca.child.keepsReadOnly()
			t := c.newTx()
			t.conn, t.child, t.tx, t.ctx, t.readOnly = c, ca.child, childTx, ctx, opts.ReadOnly
			c.tx = t
			return t, nil
		}
	}
}

// Raw calls fn with the child connection (a *stdlib.Conn for pgx) of the engine
// that ctx chooses, the primary of the default database if it chooses none.
//
//	conn.Raw(func(c any) error {
//		return c.(*multidb.Conn).Raw(ctx, func(child any) error {
//			pgxConn := child.(*stdlib.Conn).Conn()
//			...
//		})
//	})
//
// What fn does to the session is not known here, so all later statements of the
// same sql.Conn go to that child, and the child is closed rather than pooled
// when the sql.Conn is closed. With a single engine nothing changes: the child
// is this connection's own. fn must not keep the child.
func (c *Conn) Raw(ctx context.Context, fn func(child any) error) error {
	var ca call
	ca.ctx, ca.via = ctx, viaRaw
	defer c.abandon(&ca)
	if err := c.start(&ca); err != nil {
		return err
	}
	c.keepState(ca.child)
	err := fn(ca.child.conn)
	ca.busy = false
	if c.held == nil && errors.Is(err, driver.ErrBadConn) {
		ca.child.broken, c.toldBad = true, true // what fn says of this child means no other
	}
	ca.route.engine.counter(reasonRaw).Add(1)
	if k := c.connector; k.log != nil {
		k.logCall(ctx, &ca, err)
	}
	return err
}

// IsValid is called by database/sql when the user of the Conn is done with it:
// rows closed, transaction ended, sql.Conn closed. It ends the leases: all children
// are given back, and those that hold state are closed. A held child is asked
// whether it may go on.
func (c *Conn) IsValid() bool {
	if c.held != nil {
		c.setInUse(false)
		c.held.noteIdle()
		return !c.held.broken && (c.held.validator == nil || c.held.validator.IsValid())
	}
	if c.inTransaction() && !c.pin.gone {
		c.pin.dirty = true // its next user must not meet the transaction
	}
	for i, ch := range c.leases {
		if !ch.endLease() {
			c.leases[i] = nil
		}
	}
	c.leases = c.leases[:0]
	c.toldBad = false
	c.wrote, c.wroteGone, c.skipped = nil, false, nil
	c.pin, c.inTx, c.inTextTx, c.readOnlyTx = nil, false, false, false
	return true
}

// Close is called alone, without IsValid, if something below answered
// driver.ErrBadConn. If that was not said here it was said by a child's rows, so
// the children that are still leased here are bad.
func (c *Conn) Close() error {
	if c.held != nil {
		c.setInUse(false)
		defer c.connector.single.held.open.Add(-1)
		return c.closeOwn(c.held.Close())
	}
	if !c.toldBad {
		for _, ch := range c.leases {
			ch.broken = true
			ch.engine.pool.Stale(ch)
			ch.engine.Lost()
		}
	}
	c.IsValid()
	return c.closeOwn(nil)
}

// closeOwn closes the connector, if it was made for this Conn alone.
func (c *Conn) closeOwn(err error) error {
	if !c.ownsConnector {
		return err
	}
	return errors.Join(err, c.connector.Close())
}

func (c *Conn) setInUse(inUse bool) {
	if c.inUse == inUse {
		return
	}
	c.inUse = inUse
	if inUse {
		c.connector.single.held.inUse.Add(1)
	} else {
		c.connector.single.held.inUse.Add(-1)
	}
}

// Prepare and Begin exist for the interface only; database/sql calls the forms
// with a context.

func (c *Conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *Conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}
