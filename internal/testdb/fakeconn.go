package testdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
)

// fakeConn is a connection of a Fake, with the methods of all optional
// interfaces under names of its own; a Shape gives it those that the test wants.
//
// Only busy, dead, closed and stmts may be touched by two goroutines. The other
// fields have no lock on purpose: the race detector sees who uses a connection
// without database/sql's lock.
type fakeConn struct {
	server *Fake
	number int

	busy   atomic.Bool // inside of a call
	dead   atomic.Bool // lost
	closed atomic.Bool
	stmts  atomic.Int32 // open statements

	touched  int  // written at every call
	rows     int  // open rows
	returned bool // IsValid was the last call: the user has given the connection back
	tx       bool // a transaction is open
	readOnly bool // and may not write
	driverTx *fakeTx
	settings map[string]string
}

// noContext is what a hook sees of a method that has no context.
var noContext context.Context

func (c *fakeConn) label() string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("#%d", c.number)
}

// enter begins every call on the connection and what was born from it. leave
// ends it and must be deferred, since hooks may panic.
func (c *fakeConn) enter(ctx context.Context, op Op, text, details string) (leave func(), err error) {
	f := c.server
	if !c.busy.CompareAndSwap(false, true) {
		f.violate(c, "%s while another call is under way", op)
		return func() {}, nil
	}
	c.touched++
	leave = func() { c.busy.Store(false) }
	if c.closed.Load() {
		f.violate(c, "%s after Close", op)
	}
	if c.returned && op != OpReset && op != OpClose && op != OpStmtClose && op != OpIsValid {
		f.violate(c, "%s on a connection that was given back and not reset", op)
	}
	panicking := true
	defer func() {
		if panicking {
			c.busy.Store(false)
		}
	}()
	err = runHooks(f.note(c, op, details), &Call{Op: op, Context: ctx, Text: text, conn: c})
	panicking = false
	if err == nil && c.dead.Load() && dies[op] {
		err = driver.ErrBadConn
	}
	return leave, err
}

// dies are the calls that a lost connection answers with driver.ErrBadConn.
var dies = map[Op]bool{
	OpReset: true, OpPing: true, OpExec: true, OpQuery: true, OpPrepare: true, OpBegin: true,
	OpCommit: true, OpRollback: true, OpStmtExec: true, OpStmtQuery: true,
}

func (c *fakeConn) reset(ctx context.Context) error {
	c.returned = false
	leave, err := c.enter(ctx, OpReset, "", "")
	defer leave()
	if err != nil || c.server.KeepsState {
		return err
	}
	if c.tx {
		c.server.violate(c, "the next user meets an open transaction")
	}
	if len(c.settings) > 0 {
		c.server.violate(c, "the next user meets %v", c.settings)
	}
	return nil
}

func (c *fakeConn) ping(ctx context.Context) error {
	leave, err := c.enter(ctx, OpPing, "", "")
	defer leave()
	return err
}

// isValid is asked when the connection is given back.
func (c *fakeConn) isValid() bool {
	leave, _ := c.enter(noContext, OpIsValid, "", "")
	defer leave()
	if !c.server.AskedAfterErrors {
		c.returned = true
		if c.rows > 0 {
			c.server.violate(c, "given back with %d rows open", c.rows)
		}
	}
	return !c.dead.Load()
}

func (c *fakeConn) close() error {
	leave, err := c.enter(noContext, OpClose, "", "")
	defer leave()
	if c.closed.Swap(true) {
		return err // enter has seen it
	}
	if n := c.stmts.Load(); n > 0 {
		c.server.violate(c, "closed with %d statements open", n)
	}
	if c.rows > 0 {
		c.server.violate(c, "closed with %d rows open", c.rows)
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.open--
	return err
}

func (c *fakeConn) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	leave, err := c.enter(ctx, OpExec, query, query+describeArgs(args))
	defer leave()
	if err != nil {
		return nil, err
	}
	return c.effect(query, args)
}

func (c *fakeConn) query(ctx context.Context, query string, args []driver.NamedValue) (*fakeRows, error) {
	leave, err := c.enter(ctx, OpQuery, query, query+describeArgs(args))
	defer leave()
	if err != nil {
		return nil, err
	}
	return c.answer(query, args, nil)
}

func (c *fakeConn) prepare(ctx context.Context, query string) (driver.Stmt, error) {
	leave, err := c.enter(ctx, OpPrepare, query, query)
	defer leave()
	if err != nil {
		return nil, err
	}
	c.stmts.Add(1)
	return c.server.shape.stmt(&fakeStmt{conn: c, text: query}), nil
}

func (c *fakeConn) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	leave, err := c.enter(ctx, OpBegin, "", describeOptions(opts))
	defer leave()
	if err != nil {
		return nil, err
	}
	if c.tx {
		return nil, fmt.Errorf("fake: there is a transaction already")
	}
	c.tx, c.readOnly = true, opts.ReadOnly
	c.driverTx = &fakeTx{conn: c}
	return c.driverTx, nil
}

func describeOptions(opts driver.TxOptions) string {
	var words []string
	if opts.Isolation != 0 {
		words = append(words, fmt.Sprintf("isolation %d", opts.Isolation))
	}
	if opts.ReadOnly {
		words = append(words, "read-only")
	}
	return strings.Join(words, " ")
}

// fakeTx is a transaction that was begun by the driver's call.
type fakeTx struct{ conn *fakeConn }

func (t *fakeTx) Commit() error   { return t.end(OpCommit) }
func (t *fakeTx) Rollback() error { return t.end(OpRollback) }

func (t *fakeTx) end(op Op) error {
	leave, err := t.conn.enter(noContext, op, "", "")
	defer leave()
	if t.conn.driverTx != t {
		t.conn.server.violate(t.conn, "%s of a transaction that is over", op)
	}
	t.conn.driverTx = nil
	t.conn.tx, t.conn.readOnly = false, false // also after an error: the server has ended it
	return err
}
