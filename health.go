package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// An engine goes down when no connection to it can be made. While it is down
// nobody dials it but the watcher, in growing intervals, and it comes back when
// the watcher gets an answer. So an engine that swallows packets costs one connect
// timeout, and not one for every statement.
//
// Connections that are already there may still be used, as what is wrong may be
// the name service. That a call on one of them fails condemns the pool's idle
// ones, and says nothing about the engine.

// outage is why an engine is down. It is also the error of those who would have
// dialled it.
type outage struct {
	since  time.Time
	err    error
	wanted atomic.Uint64 // how often somebody would have dialled

	// The watcher's own.
	usage   uint64 // of the database, when it last looked
	changed time.Time
}

// isUnused reports whether nobody used the database for a while. A refusal is
// remembered no longer than it is met.
func (o *outage) isUnused(db *database, now time.Time) bool {
	usage := db.usage() + o.wanted.Load()
	if usage != o.usage || o.changed.IsZero() {
		o.usage, o.changed = usage, now
		return false
	}
	return isRefusal(o.err) || now.Sub(o.changed) >= restAfter
}

func (o *outage) Error() string {
	return fmt.Sprintf("down since %s and tried again in the background: %v", o.since.Format(time.TimeOnly), o.err)
}

func (o *outage) Unwrap() error { return o.err }

// goDown is called with the error that shows that the engine cannot be reached.
func (e *engine) goDown(err error) {
	if !e.outage.CompareAndSwap(nil, &outage{since: time.Now(), err: err}) {
		return
	}
	if isGone(err) {
		e.pool.Renew() // the idle ones are as dead
	}
	e.pool.TurnAway(err, true)
	e.database.refresh(nil)
	if !e.isReplica() {
		e.database.doubt()
	}
	e.watcher.k.report("engine down", e, e.connectionError(context.Background(), err).Error())
	e.watcher.hurry(e.database)
}

// Lost is called when a connection turned out dead: what is known of the
// engine's role is suspect then.
func (e *engine) Lost() {
	if !e.isReplica() {
		e.database.doubt()
	}
}

// comeUp is called when the engine answered.
func (e *engine) comeUp() {
	if e.outage.Swap(nil) == nil {
		return
	}
	e.comeBack()
	e.watcher.k.report("engine up", e, "")
}

// forget ends an outage without asking the server, for a tenant that nobody uses:
// the next who does will find out.
func (e *engine) forget(o *outage) {
	e.database.doubt()
	if e.outage.CompareAndSwap(o, nil) {
		e.comeBack()
	}
}

// comeBack puts the engine into use again.
func (e *engine) comeBack() {
	e.pool.Retry()
	e.pace.n.Store(0)
	e.pace.slow.Store(false)
	e.database.refresh(nil)
}

// isUnreachable reports whether the error of a dial says that no server is there,
// or none that works: not one that refuses just this connection.
func isUnreachable(err error) bool {
	var network net.Error
	return isConnectionError(err) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn) || isLeaving(err)
}

// isGone reports whether the error of a dial says that the server has ended, and
// its connections with it.
func isGone(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) || isLeaving(err) }

// isCut reports whether a connection ended before the answer came. That may have
// happened to this one only.
func isCut(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, driver.ErrBadConn} {
		if errors.Is(err, end) {
			return true
		}
	}
	return isInvalidConn(err)
}

// hangs reports whether the error of a dial says that nothing at all came back.
func hangs(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// hesitation is the part of the connect timeout after which a replica that is
// being dialled is left out of the choice: those who wait for the dial go on
// waiting, but no more than one connect timeout is spent on finding out.
const hesitation = 8

// Down keeps the pool from dialling an engine that is known to be down: then
// the watcher is the only one who tries.
func (e *engine) Down() error {
	if o := e.outage.Load(); o != nil {
		o.wanted.Add(1)
		return o
	}
	if o := e.trouble(); o != nil && o.certain {
		return &o.outage
	}
	return nil
}

// dial opens a child for the pool, and draws the consequences if it cannot.
func (e *engine) dial(ctx context.Context) (*child, error) {
	answers := e.host.answersSoFar()
	ch, err := e.connectNoticed(ctx)
	switch {
	case err == nil:
		e.host.answered(e)
		return ch, nil
	case ctx.Err() == context.Canceled:
		return nil, err // nobody waited to the end
	case isAnswer(err):
		e.host.answered(e)
		if isRefusal(err) && !e.isReplica() {
			e.watcher.k.tenants.spurn(e.database)
		}
	case e.host.accuse(e, err, answers):
		return nil, err
	}
	if e.isDownBy(err) {
		e.goDown(err)
	}
	return nil, err
}

// connectNoticed is connect, and leaves the engine out of the choice while it
// takes long.
func (e *engine) connectNoticed(ctx context.Context) (*child, error) {
	if len(e.database.engines) == 1 { // there is no choice
		return e.connect(ctx)
	}
	late := time.AfterFunc(e.connectTimeout()/hesitation, func() { e.hesitate(1) })
	defer func() { // also after a panic
		if !late.Stop() {
			e.hesitate(-1)
		}
	}()
	return e.connect(ctx)
}

// Patience is for the pool, whose takers wait no longer for the right to dial where
// they may go elsewhere.
func (e *engine) Patience() time.Duration {
	if e.isReplica() {
		return e.connectTimeout() / hesitation
	}
	return 0
}

// HeedsContext is for the pool, whose takers may dial then where they have to wait.
func (e *engine) HeedsContext() bool { return e.heeds }

// DialTimeout is for the pool, which lets a dial go on at least so long.
func (e *engine) DialTimeout() time.Duration { return e.connectTimeout() }

// isDownBy reports whether an engine that answers a dial with err is down. A
// replica has others to do its work, so it is whenever the next dial would hardly
// do better. A primary is only if nobody is there.
func (e *engine) isDownBy(err error) bool {
	if e.isReplica() {
		return !isFull(err)
	}
	return isUnreachable(err)
}

func (e *engine) hesitate(dials int32) {
	e.late.Add(dials)
	e.database.refresh(nil)
}

// isDown reports whether the engine cannot be reached, as far as is known. A
// replica is down by a suspicion, as there are others to do its work.
func (e *engine) isDown() bool {
	if e.outage.Load() != nil {
		return true
	}
	o := e.trouble()
	return o != nil && (o.certain || e.isReplica())
}

// isUp reports whether statements may be sent to the engine.
func (e *engine) isUp() bool { return !e.isDown() && !e.drained.Load() }

// isTimely reports whether reads had better be, if it is a replica.
func (e *engine) isTimely() bool { return e.isUp() && e.late.Load() <= 0 }
