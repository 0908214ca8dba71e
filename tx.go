package multidb

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

var _ driver.Tx = (*tx)(nil)

// tx is a transaction on one child, to which its Conn is pinned until the end.
type tx struct {
	conn     *Conn
	child    *child
	tx       driver.Tx
	ctx      context.Context // given to BeginTx; Commit and Rollback have none of their own
	readOnly bool            // asked for
}

// newTx returns the place for a transaction. A Conn nearly always has one at a
// time, so there is room for one in it. But when a context ends, database/sql
// rolls back in its own time, and a sql.Conn may have begun the next by then.
func (c *Conn) newTx() *tx {
	if c.firstTx.conn == nil {
		return &c.firstTx
	}
	return new(tx)
}

// keepsReadOnly reports whether a read-only transaction cannot write, by the
// server's own rules. Drivers of SQLite take the option and do nothing.
func (ch *child) keepsReadOnly() bool {
	d := ch.engine.database.dialect
	return d == Postgres || d == MySQL
}

// Commit commits on the child. If the connection is lost before the answer
// comes, nobody knows whether the transaction was committed.
func (t *tx) Commit() error {
	c, ctx := t.conn, t.ctx
	if t.child.gone {
		c.endTx(t)
		return c.badConn()
	}
	var ca call
	ca.ctx, ca.via = ctx, viaCommit
	c.startEnd(&ca, t)
	defer c.abandon(&ca)
	err := t.tx.Commit()
	c.endTx(t)
	if err == nil && c.connector.log == nil && !ca.child.mysql { // nothing is left for finish
		ca.busy = false
		return nil
	}
	if err != nil && c.held == nil && ca.child.pgx == nil {
		ca.child.broken = true // it may still be in the transaction
	}
	return c.finish(&ca, err)
}

// Rollback rolls back on the child. A child that fails to, or whose transaction
// was cut short by its context and that does not claim to know how to reset
// itself, is not used again.
func (t *tx) Rollback() error {
	c, ctx := t.conn, t.ctx
	if t.child.gone {
		c.endTx(t)
		return c.badConn()
	}
	var ca call
	ca.ctx, ca.via = ctx, viaRollback
	c.startEnd(&ca, t)
	defer c.abandon(&ca)
	err := t.tx.Rollback()
	c.endTx(t)
	err = c.finish(&ca, err)
	if err != nil || (ctx.Err() != nil && !ca.child.resetsItself()) {
		ca.child.broken = true
	}
	return err
}

// resetsItself is what database/sql asks before it keeps a connection whose
// transaction was ended by a context.
func (ch *child) resetsItself() bool { return ch.resetter != nil && ch.validator != nil }

// endTx frees the Conn, if the transaction is the one that it is pinned by.
func (c *Conn) endTx(t *tx) {
	if t == c.tx {
		c.inTx, c.readOnlyTx, c.tx = false, false, nil
		c.unpin()
	}
	*t = tx{}
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
