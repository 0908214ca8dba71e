package multidb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb/internal/pool"
)

// child is a physical connection of the child driver to one engine.
//
// What the child driver can do is asked once, at the dial. Each method below
// is one optional interface of database/sql/driver with what database/sql does
// where it is missing.
type child struct {
	pool.Base

	// The state of the present lease. It belongs to the Conn that holds the
	// child and is cleared when the lease ends.
	broken  bool // of no use any more
	gone    bool // and closed already
	dirty   bool // holds session state
	asked   bool // a call has got as far as the driver
	ran     bool // and may have run a statement
	queried bool // rows were handed out
	noRows  bool // pgx: some of them had ended before they were handed out

	engine *engine

	// What every use needs stands together, in few lines of the processor's cache.
	queryerContext driver.QueryerContext
	execerContext  driver.ExecerContext
	checker        driver.NamedValueChecker
	resetter       driver.SessionResetter
	validator      driver.Validator
	pgx            *stdlib.Conn // nil for another driver
	pq             bool         // it is lib/pq's
	mysql          bool         // it is go-sql-driver's
	guarded        bool         // the server refuses writes on it
	stmts          statements

	conn     driver.Conn
	execer   driver.Execer  //lint:ignore SA1019 a child from before contexts may have only this
	queryer  driver.Queryer //lint:ignore SA1019 as above
	preparer driver.ConnPrepareContext
	beginner driver.ConnBeginTx
	pinger   driver.Pinger

	given     []driver.NamedValue                // the arguments of the call that is under way, if it changes them
	idleSince time.Time                          // when it last came back; kept for lib/pq only
	reading   atomic.Bool                        // pgx: rows were handed out, and nothing was asked since
	endCall   atomic.Pointer[context.CancelFunc] // go-sql-driver: ends the call that is under way
	release   context.CancelFunc                 // go-sql-driver: frees the context of the last call
}

func newChild(e *engine, conn driver.Conn) *child {
	ch := &child{engine: e, conn: conn}
	ch.execerContext, _ = conn.(driver.ExecerContext)
	//lint:ignore SA1019 a child from before contexts may have only this
	ch.execer, _ = conn.(driver.Execer)
	ch.queryerContext, _ = conn.(driver.QueryerContext)
	//lint:ignore SA1019 as above
	ch.queryer, _ = conn.(driver.Queryer)
	ch.preparer, _ = conn.(driver.ConnPrepareContext)
	ch.beginner, _ = conn.(driver.ConnBeginTx)
	ch.pinger, _ = conn.(driver.Pinger)
	ch.resetter, _ = conn.(driver.SessionResetter)
	ch.validator, _ = conn.(driver.Validator)
	ch.checker, _ = conn.(driver.NamedValueChecker)
	ch.release = func() {}
	if ch.pgx, _ = conn.(*stdlib.Conn); ch.pgx == nil {
		ch.recognise(innermost(conn))
	}
	return ch
}

// recognise notes what only the type of the driver's own connection tells. A
// wrapper around it may have forgotten to pass on IsValid, which is asked for
// knowing, too.
func (ch *child) recognise(inner driver.Conn) {
	ch.pgx, _ = inner.(*stdlib.Conn)
	path := packageOf(inner)
	ch.pq, ch.mysql = path == "github.com/lib/pq", path == "github.com/go-sql-driver/mysql"
	if ch.validator == nil {
		ch.validator, _ = inner.(driver.Validator)
	}
}

// Reset makes the child ready for its next user.
func (ch *child) Reset(ctx context.Context) error {
	ch.endReading()
	if ch.resetter != nil {
		if err := ch.resetter.ResetSession(ctx); err != nil {
			return err
		}
	}
	if ch.stmts.unused.Load() && ch.closeUnused() {
		return driver.ErrBadConn
	}
	if ch.pq {
		return ch.checkIdle(ctx)
	}
	return nil
}

// Valid reports whether the child may go back to its pool. That its connection was
// lost may come out only here, when it happened while rows were read.
func (ch *child) Valid() bool {
	switch {
	case ch.pgx != nil && !ch.pgx.Conn().IsClosed():
		return ch.pgx.Conn().PgConn().TxStatus() == 'I'
	case ch.pgx == nil && (ch.validator == nil || ch.validator.IsValid()):
		return true
	}
	ch.engine.Lost()
	return false
}

// Close ends the child's statements and then the child, in the order in which
// database/sql does it.
func (ch *child) Close() error {
	ch.stmts.closeAll()
	ch.engine.open.remove(ch)
	return ch.conn.Close()
}

// closed reports what the child itself knows of the end of its connection.
func (ch *child) closed() bool {
	if ch.pgx != nil {
		return ch.pgx.Conn().IsClosed()
	}
	return ch.validator != nil && !ch.validator.IsValid()
}

// mayHaveRows reports whether rows that were handed out in this lease may still
// be read. Rows are the child's own, so nothing tells of their end; pgx says
// whether its connection is busy with them. But it is not busy with rows that
// ended before they were handed out, which still read the connection's type
// map, so those count as open.
func (ch *child) mayHaveRows() bool {
	if ch.pgx == nil || ch.noRows {
		return ch.queried
	}
	return ch.queried && ch.pgx.Conn().PgConn().IsBusy()
}

// gaveRows notes that rows were handed out.
func (ch *child) gaveRows() {
	ch.queried = true
	if ch.pgx == nil {
		return
	}
	ch.reading.Store(true)
	if !ch.pgx.Conn().PgConn().IsBusy() {
		ch.noRows = true
	}
}

func (ch *child) ping(ctx context.Context) error {
	if ch.pinger == nil {
		return nil
	}
	ch.asked = true
	return ch.pinger.Ping(ctx)
}

// exec and query run a text: at once where the child is of today and has no rules of its
// own for arguments.
func (ch *child) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if ch.execerContext == nil || ch.checker != nil || !areOrdinary(args) {
		return ch.execChecked(ctx, query, args)
	}
	ch.asked, ch.ran = true, true
	return ch.execerContext.ExecContext(ctx, query, args)
}

func (ch *child) execChecked(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if ch.execerContext == nil && ch.execer == nil {
		return nil, driver.ErrSkip
	}
	args, err := ch.checkArgs(args)
	if err != nil {
		return nil, err
	}
	if ch.execerContext != nil {
		ch.asked, ch.ran = true, true
		return ch.execerContext.ExecContext(ctx, query, args)
	}
	values, err := plainValues(args)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ch.asked, ch.ran = true, true
	return ch.execer.Exec(query, values)
}

func (ch *child) query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if ch.queryerContext == nil || ch.checker != nil || !areOrdinary(args) {
		return ch.queryChecked(ctx, query, args)
	}
	ch.asked, ch.ran = true, true
	return ch.queryerContext.QueryContext(ctx, query, args)
}

func (ch *child) queryChecked(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if ch.queryerContext == nil && ch.queryer == nil {
		return nil, driver.ErrSkip
	}
	args, err := ch.checkArgs(args)
	if err != nil {
		return nil, err
	}
	if ch.queryerContext != nil {
		ch.asked, ch.ran = true, true
		return ch.queryerContext.QueryContext(ctx, query, args)
	}
	values, err := plainValues(args)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ch.asked, ch.ran = true, true
	return ch.queryer.Query(query, values)
}

func (ch *child) prepare(ctx context.Context, query string) (driver.Stmt, error) {
	ch.asked = true
	if ch.preparer != nil {
		return ch.preparer.PrepareContext(ctx, query)
	}
	stmt, err := ch.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		stmt.Close()
		return nil, err
	}
	return stmt, nil
}

var (
	errNoIsolation = errors.New("sql: driver does not support non-default isolation level")
	errNoReadOnly  = errors.New("sql: driver does not support read-only transactions")
)

func (ch *child) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	ch.asked = true
	switch {
	case ch.beginner != nil && ch.guarded:
		return ch.beginGuarded(ctx, opts)
	case ch.beginner != nil:
		return ch.beginner.BeginTx(ctx, opts)
	}
	if opts.Isolation != driver.IsolationLevel(sql.LevelDefault) {
		return nil, errNoIsolation
	}
	if opts.ReadOnly {
		return nil, errNoReadOnly
	}
	//lint:ignore SA1019 the child has no other
	tx, err := ch.conn.Begin()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}
