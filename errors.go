package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// The errors of multidb itself. They come wrapped in a text that says what was
// asked and what to do, so compare with [errors.Is]. All other errors are the
// child driver's own, passed on as the identical value.
var (
	// ErrTxEngine: the context names another engine than the one that the open
	// transaction, or the state of the session, is on. An open session is never
	// moved to another engine.
	ErrTxEngine = errors.New("multidb: the open transaction is on another engine")

	// ErrTxDatabase: the context or a rule names another database than the one
	// that the open transaction, or the state of the session, is on.
	ErrTxDatabase = errors.New("multidb: the open transaction is in another database")

	// ErrNoDatabase: nothing says which database is meant, and there is no
	// default one.
	ErrNoDatabase = errors.New("multidb: no database chosen")

	// ErrUnknownDatabase: the name given to [WithDatabase], or by Config.Router,
	// is not configured.
	ErrUnknownDatabase = errors.New("multidb: unknown database")

	// ErrUnknownEngine: the name given to [WithEngine], or by Config.Router, is
	// not configured.
	ErrUnknownEngine = errors.New("multidb: unknown engine")

	// ErrReadOnlyEngine: a statement that is not proved to be a read was about
	// to be sent to a replica that the caller had named. No server saw it.
	ErrReadOnlyEngine = errors.New("multidb: not a read, and the engine is a replica")

	// ErrNoReplica: no replica can answer, and Config.Fallback keeps the read from
	// the primary.
	ErrNoReplica = errors.New("multidb: no replica can answer")

	// ErrNoPrimary: no engine is known to be the primary (Config.Discover), so the
	// statement was not sent.
	ErrNoPrimary = errors.New("multidb: no primary")

	// ErrTwoPrimaries: two engines of one database say that they are its primary
	// (Config.Discover), or one does and the other was it until now and does not
	// answer. Only a person can know which of them holds the data, so the statement
	// was not sent.
	ErrTwoPrimaries = errors.New("multidb: more than one primary")

	// ErrDrained: the engine was taken out of service with [EngineControl.Drain].
	ErrDrained = errors.New("multidb: the engine is drained")

	// ErrUnknownOutcome: the connection was lost while a write was under way.
	// The write may have been done or not, so it is not repeated. The child's
	// error is reachable through [OutcomeError].
	ErrUnknownOutcome = errors.New("multidb: connection lost during a write")
)

// OutcomeError is the error of a write whose connection was lost before the
// answer came: it may have been done or not. It is [ErrUnknownOutcome] for
// [errors.Is].
type OutcomeError struct {
	Engine string // the engine's name
	Child  error  // what the child driver said
}

func (e *OutcomeError) Error() string {
	return fmt.Sprintf("multidb: engine %q: connection lost during a write, which may have been done or not; look before repeating it: %v", e.Engine, e.Child)
}

// Is makes the error ErrUnknownOutcome.
func (e *OutcomeError) Is(target error) bool { return target == ErrUnknownOutcome }

// Unwrap returns the child's error, so that errors.As finds its type. It hides
// driver.ErrBadConn, which would make database/sql run the write again.
func (e *OutcomeError) Unwrap() error {
	if errors.Is(e.Child, driver.ErrBadConn) {
		return nil
	}
	return e.Child
}

// engineError says at which engine an error happened that no child statement
// returned: a connection could not be had.
type engineError struct {
	engine string
	text   string // the child's text without secrets
	err    error
}

func (e *engineError) Error() string {
	return fmt.Sprintf("multidb: engine %q: %s", e.engine, e.text)
}

func (e *engineError) Unwrap() error { return e.err }

// verdict is what an error of a child means.
type verdict struct {
	callers     bool // the caller's context ended: nobody's fault
	lost        bool // the connection is of no use any more
	interrupted bool // by us, see child.interrupt
	stale       bool // the child statement's plan was refused before it ran
	refused     bool // the server does not write here, and did nothing
	unanswered  bool // the server did not do it, for reasons of its own
}

// judge is the one place that says what an error of a child means for its
// connection and for a retry. err is not nil.
//
// That a child calls itself closed tells something only if it did not before the
// call (see call.enter).
func judge(ctx context.Context, ca *call, err error) verdict {
	var v verdict
	v.callers = ctx.Err() != nil
	v.lost = errors.Is(err, driver.ErrBadConn) || (ca.open && ca.child.closed()) || ca.child.mayMean(err)
	v.interrupted = v.lost && !v.callers && ca.child.mysql && err == context.Canceled
	v.stale = !v.lost && isStalePlan(err)
	v.refused = !v.lost && isReadOnlyRefusal(ca.child.engine.database.dialect, err)
	v.unanswered = isLeaving(err) || isFull(err) || ca.onReplica && isRecoveryConflict(err)
	return v
}

// mayMean reports whether err looks like the end of the connection, for children
// that do not tell by themselves. An argument's own error may look so, too, but
// then the child was not asked anything yet.
func (ch *child) mayMean(err error) bool {
	return ch.asked && ch.pgx == nil && ch.validator == nil && isConnectionError(err)
}

func isConnectionError(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNRESET) || errors.As(err, &op) || isInvalidConn(err)
}

// isStalePlan reports that PostgreSQL refused a prepared statement before
// running it: because it is gone (26000), or because its result would have
// other columns than it was prepared with (0A000, raised while the plan is
// revalidated).
func isStalePlan(err error) bool {
	switch sqlState(err) {
	case "26000":
		return true
	case "0A000":
		var pg *pgconn.PgError
		return errors.As(err, &pg) && pg.Routine == "RevalidateCachedQuery"
	}
	return false
}
