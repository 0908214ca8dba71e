package multidb

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

var _ driver.Tx = (*tx)(nil)

// tx is a transaction on one child, to which its Conn is pinned until the end. A
// Conn has one at most, which database/sql commits or rolls back exactly once: so
// it is a part of the Conn, and costs no allocation.
type tx struct {
	conn  *Conn
	child *child
	tx    driver.Tx
	ctx   context.Context // given to BeginTx; Commit and Rollback have none of their own
}

// Commit commits on the child. If the connection is lost before the answer
// comes, nobody knows whether the transaction was committed.
func (t *tx) Commit() error {
	c, ctx := t.conn, t.ctx
	ca := c.startEnd(t, viaCommit)
	defer c.abandon(&ca)
	err := t.tx.Commit()
	c.endTx()
	return c.finish(ctx, &ca, err)
}

// Rollback rolls back on the child. A child that fails to, or whose transaction
// was cut short by its context and that does not claim to know how to reset
// itself, is not used again.
func (t *tx) Rollback() error {
	c, ctx := t.conn, t.ctx
	ca := c.startEnd(t, viaRollback)
	defer c.abandon(&ca)
	err := t.tx.Rollback()
	c.endTx()
	err = c.finish(ctx, &ca, err)
	if err != nil || (ctx.Err() != nil && !ca.child.resetsItself()) {
		ca.child.broken = true
	}
	return err
}

// resetsItself is what database/sql asks before it keeps a connection whose
// transaction was ended by a context.
func (ch *child) resetsItself() bool { return ch.resetter != nil && ch.validator != nil }

func (c *Conn) endTx() {
	c.inTx, c.readOnlyTx, c.tx = false, false, tx{}
	c.unpin()
}

// RunInTx runs fn in a transaction: it commits if fn returns nil, and rolls back
// if fn returns an error, which it returns, or panics, which goes on. The
// connection is given back in every case.
//
// The engine is chosen as for [sql.DB.BeginTx]: by the context, else a replica if
// opts ask for a read-only transaction, else the primary. fn gets the same
// context, whose choice also holds for the statements inside.
func RunInTx(ctx context.Context, db *sql.DB, opts *sql.TxOptions, fn func(context.Context, *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	// After Commit this does nothing. The transaction is over whatever Rollback
	// says: a connection on which it fails is closed.
	defer tx.Rollback()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}
