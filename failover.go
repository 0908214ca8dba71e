package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// What goes on elsewhere when an engine does not do what it was asked. In all of
// these cases nothing of the statement was done:
//
//   - no connection could be had, or not soon: another replica, then the primary; what needs
//     the primary waits until there is one;
//   - a replica was asked to read and did not begin to answer: as above;
//   - the primary was asked to prepare a statement or to begin a transaction, or
//     to read because no replica could, and the connection was lost: once more;
//   - a replica refused a statement that was taken for a read: the primary runs
//     it, and its text is remembered as a write (rescue);
//   - the supposed primary refused a write because it is none: the one that is.
//
// A statement inside a transaction, or on a session with state, never moves, and
// neither does one whose engine was named.

// detour is what came of a statement before it was routed again.
type detour struct {
	tried     []*engine // replicas that did not answer it
	refusedBy *engine   // a supposed primary that does not write
	err       error     // what the last engine said
	repeats   int       // of what the primary lost
	patience  time.Time // until when to wait for a primary; zero before the first wait
}

// maxRepeats is how often something harmless is sent to the primary again, on a
// new connection, when its connection was lost: as often as database/sql does it.
const maxRepeats = 2

// has reports whether the replica was tried. d may be nil.
func (d *detour) has(e *engine) bool { return d != nil && slices.Contains(d.tried, e) }

// onDetour returns the statement's detour, which begins here if it has none.
func (ca *call) onDetour() *detour {
	if ca.detour == nil {
		ca.detour = new(detour)
	}
	return ca.detour
}

// mayMove reports whether another engine could do as well.
func (c *Conn) mayMove(ctx context.Context, ca *call) bool {
	return c.held == nil && !ca.pinned && c.pin == nil && !ca.route.named && ca.route.reason != reasonPinned && ctx.Err() == nil
}

// errRoleChanged is of a statement for the primary whose engine is that no more.
var errRoleChanged = errors.New("multidb: the engine is not the primary any more")

// mayRefuse reports whether there is anything to ask admit about.
func (e *engine) mayRefuse() bool { return e.database.discover || e.drained.Load() }

// admit refuses an engine that is not to be used now. It is asked before a
// connection is taken, which may last, and again when it is there.
func (c *Conn) admit(ca *call) error {
	e := ca.route.engine
	db := e.database
	switch {
	case c.held != nil || ca.inTx:
		return nil
	case e.drained.Load() && !ca.pinned:
		return fmt.Errorf("%w: engine %q; Resume it, or choose another", ErrDrained, e.name)
	case !db.discover || ca.isRead() || !ca.needsPrimary():
		return nil
	}
	v := db.view.Load()
	switch {
	case v.rivals != nil:
		return fmt.Errorf("%w: each of %s may be it, also one that does not answer now; make the one whose data is not wanted a replica, "+
			"or take it out with FromDB(db).Engine(name).Drain", ErrTwoPrimaries, names(v.rivals))
	case v.doubted:
		return fmt.Errorf("%w in database %q: none of %s that can be reached says that it is; start it, or promote another",
			ErrNoPrimary, db.name, names(db.engines))
	case v.primary != e && ca.pinned:
		return fmt.Errorf("%w: engine %q, which holds the state of this session", ErrReadOnlyEngine, e.name)
	case v.primary != e:
		return errRoleChanged
	case ca.detour != nil && e == ca.detour.refusedBy:
		return ca.detour.err // it is the primary, and does not write
	}
	return nil
}

// needsPrimary reports whether the call was routed as one for the primary. It may
// be for a replica all the same where that was chosen, or by the state of the
// session, and is nothing that a replica refuses.
func (ca *call) needsPrimary() bool {
	if f := ca.route.facts; f != nil && f.mayWrite() && !ca.readOnlyTx {
		return true
	}
	switch ca.route.reason {
	case reasonContext, reasonRule, reasonRouter, reasonPinned, reasonBeginReadOnly:
		return !ca.onReplica
	}
	return true
}

// isRead reports whether the call is a query that is proved to be a read.
func (ca *call) isRead() bool {
	f := ca.route.facts
	return f != nil && f.Kind == KindRead && (ca.via == viaQuery || ca.via == viaPrepare)
}

// startsElsewhere is asked when the route's engine could not be had. It reports
// whether to route the statement again.
func (c *Conn) startsElsewhere(ctx context.Context, ca *call, err error) bool {
	e := ca.route.engine
	switch {
	case e == nil || c.held != nil || ctx.Err() != nil:
		return false
	case err == errRoleChanged:
		return true
	case errors.Is(err, ErrNoPrimary):
		// On the same engine, if it was named; which may have but the connection
		// that was leased just now to be asked by.
		c.endIdleLeases()
		return c.connector.awaitPrimary(ctx, ca, err)
	case e.database.isForgotten(c.connector) && !ca.pinned:
		return true // in the moment in which it was routed; it will be resolved anew
	case errors.Is(err, pool.ErrLate) && (!ca.onReplica || !c.mayMove(ctx, ca) || c.connector.settings.fallbackError):
		ca.ctx = pool.Patient(ca.ctx)
		return true // nobody else may do it, so it waits on
	case !c.mayMove(ctx, ca) || errors.Is(err, pool.ErrClosed):
		return false
	case ca.onReplica:
		ca.passOver(e, err)
		return true
	case isUnreachable(err), errors.Is(err, ErrDrained):
		return c.connector.awaitPrimary(ctx, ca, err)
	}
	return false
}

// passOver notes that a replica did not begin to answer.
func (ca *call) passOver(e *engine, err error) {
	e.moved.Add(1)
	d := ca.onDetour()
	d.tried, d.err = append(d.tried, e), err
}

// giveUp is the error of a statement that was not sent, or that nobody answered.
func (ca *call) giveUp(ctx context.Context, err error) error {
	ca.again = false
	switch d := ca.detour; {
	case d == nil:
	case !d.patience.IsZero() && ctx.Err() != nil:
		return ctx.Err() // the caller's time ended before ours
	case errors.Is(err, ErrNoReplica) && d.err != nil && !errors.Is(d.err, driver.ErrBadConn):
		return fmt.Errorf("%w: %w", err, d.err)
	}
	return err
}

// repeats counts the repetitions, and reports whether there may be another.
func (ca *call) repeats() bool {
	d := ca.onDetour()
	d.repeats++
	return d.repeats <= maxRepeats
}

// awaitPrimary waits until something is new about the primary, and reports
// whether to try again. err says what was wrong with it.
func (k *Connector) awaitPrimary(ctx context.Context, ca *call, err error) bool {
	if k.settings.failoverTimeout == 0 {
		return false
	}
	d := ca.onDetour()
	if d.patience.IsZero() {
		d.patience = time.Now().Add(k.settings.failoverTimeout)
	}
	d.tried = nil // they may come back meanwhile
	db := ca.route.engine.database
	v := db.view.Load()
	if !v.doubted && (errors.Is(err, ErrNoPrimary) || v.primary.isUp()) {
		return time.Now().Before(d.patience) // it came while we were asking
	}
	db.waiting.Add(1)
	defer db.waiting.Add(-1)
	k.watcher.hurry(db)
	timer := time.NewTimer(time.Until(d.patience))
	defer timer.Stop()
	select {
	case <-db.changed(v):
		return true
	case <-timer.C:
	case <-ctx.Done():
	case <-k.watcher.ended:
	}
	return false
}

// goesOn is asked when a call on a child has failed. It reports whether the
// statement is to be routed again.
func (c *Conn) goesOn(ctx context.Context, ca *call, err error, v verdict) bool {
	if !c.mayMove(ctx, ca) || v.callers {
		return false
	}
	e := ca.route.engine
	switch {
	case ca.onReplica && v.refused && (ca.via == viaQuery || ca.via == viaPrepare):
		e.rescued.Add(1)
		ca.known = c.connector.learnWrite(ca.route.facts)
		ca.child.broken = true // what it did before it was refused may be left on the session
		return true
	case ca.onReplica && (v.lost || v.unanswered) && (ca.isRead() || ca.via == viaBeginReadOnly):
		ca.passOver(e, err)
		return true
	case ca.onReplica || ca.child.mayHaveRows():
		return false
	case ca.route.reason == reasonNoneReady && (v.lost || v.unanswered) && ca.isRead() && c.connector.isRead(ca):
		return ca.repeats()
	case v.lost && !ca.child.ran && ca.via.comesBack() && c.connector.settings.failoverTimeout > 0:
		return ca.repeats() // it was a prepare, or the BEGIN of a transaction
	case v.refused && e.database.discover && (ca.via == viaQuery || ca.via == viaExec) && e.database.doubtRefusal(e):
		if !ca.isOneStatement() {
			return false // a part of it may have been done
		}
		d := ca.onDetour()
		d.refusedBy, d.err = e, err
		return true
	}
	return false
}

// comesBack reports whether the call is made again when it may go on elsewhere.
func (v via) comesBack() bool { return v <= viaBeginReadOnly }

// isOneStatement reports whether the text is surely a single statement that a
// server does as a whole or not at all. A CALL may have committed a part of what
// it does.
func (ca *call) isOneStatement() bool {
	f := ca.route.facts
	if f == nil || strings.Contains(strings.TrimRight(ca.query, "; \t\r\n"), ";") {
		return false
	}
	switch f.Verb {
	case "select", "insert", "update", "delete", "merge", "replace", "with", "values", "truncate", "create", "alter", "drop":
		return true
	}
	return false
}
