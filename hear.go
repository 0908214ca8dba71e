package multidb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// hear draws the consequences of an answer.
func (w *watcher) hear(ctx context.Context, a answer) {
	e, db := a.engine, a.engine.database
	if a.claim == claimReplica {
		e.watch().deposed = false
	}
	switch {
	case a.overdue:
		a.letWait()
	case a.by != byIdle:
		e.watched.asked, e.watched.late = false, false
		a.hearHealth()
	}
	if db.round != nil {
		w.hearRound(ctx, db, a)
	}
}

// letWait lets the others go on without the answer.
func (a *answer) letWait() {
	if a.by != byIdle {
		a.engine.watched.late = a.engine.watched.asked
	}
	if a.host != nil {
		a.host.asked = false // another engine may ask for it
		a.host.last.CompareAndSwap(a.engine, nil)
	}
}

// hearHealth takes the answer for what it says of the engine's state.
func (a *answer) hearHealth() {
	e := a.engine
	wasDown := e.outage.Load() != nil
	switch {
	case a.wasNotAsked():
	case a.err == nil, isFull(a.err): // who says that it is full is there
		if wasDown {
			e.database.doubt() // before it is used: it may be something else than it was
			e.comeUp()
		}
	case e.isDownBy(a.err):
		if !e.isDown() {
			e.goDown(a.err)
		}
		if hangs(a.err) {
			e.letGo(a.err)
		}
	}
	if a.by == byNew {
		a.pause(wasDown)
	}
}

// letGo is called when the engine turned out to hang. Reads that wait for it, or for
// a connection to it, are better off elsewhere.
func (e *engine) letGo(err error) {
	if e.watched.stalls && e.isReplica() {
		e.open.interrupt()
		e.pool.TurnAway(err, false)
	}
}

// pause puts the next question off, after one that was asked by a new connection.
func (a *answer) pause(wasDown bool) {
	e := a.engine
	if h := a.host; h != nil {
		h.asked = false
		h.pause, h.next = pauseAfter(h.pause, longestPause)
		if a.err != nil {
			h.last.CompareAndSwap(e, nil) // another one next time: this may have its own trouble
		}
		if h.outage.Load() == nil {
			h.pause, h.next = 0, time.Time{}
		}
	}
	if e.host != nil {
		e.host.asking--
	}
	switch {
	case a.host != nil:
	case e.outage.Load() != nil:
		longest := longestPause
		if isRefusal(a.err) {
			longest = longestDoubt // somebody has to change something
		}
		e.watched.pause, e.watched.next = pauseAfter(e.watched.pause, longest)
	case wasDown:
		e.watched.pause, e.watched.next = 0, time.Time{}
	default:
		e.watched.pause, e.watched.next = pauseAfter(e.watched.pause, longestDoubt)
	}
}

// pauseAfter returns the pause after one, and when it ends.
func pauseAfter(pause, longest time.Duration) (time.Duration, time.Time) {
	pause = min(max(2*pause, firstPause), longest)
	return pause, time.Now().Add(pause*3/4 + rand.N(pause/2))
}

// wasNotAsked reports that nothing is known that was not before.
func (a *answer) wasNotAsked() bool {
	return errors.Is(a.err, pool.ErrNoPlace) || errors.Is(a.err, pool.ErrClosed)
}

// hearRound adds an answer to the round that is under way. One that was asked
// for before the round began counts for nothing.
func (w *watcher) hearRound(ctx context.Context, db *database, a answer) {
	r := db.round
	by, waits := r.waiting[a.engine]
	if !waits || by == byIdle && a.by != byIdle {
		return // the answer that counts was there, or is under way still
	}
	if a.round != r && a.err == nil {
		w.ask(ctx, answer{engine: a.engine, by: by}, r.patience)
		return
	}
	if a.wasNotAsked() {
		r.missed++
	}
	if !r.hear(a.engine, a.claim) {
		return
	}
	var changed string
	db.round, db.rounded, db.spared = nil, time.Now(), r.missed > 0 && r.patience == 0
	db.settled, changed = db.settle(r)
	if !db.settled && db.doubts.Load() != r.doubts {
		db.rounded = time.Time{} // there is more to hear: at once
	}
	if changed != "" {
		w.k.report("roles changed", db.engines[0], changed)
	}
}
