package multidb

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// What one engine finds out about its server is true for all engines there, which
// may be those of a thousand tenants. So that not each of them has to find out by
// itself, a dial that meets silence is evidence against the server, unless that
// has answered anybody since the dial began. That the server refuses a database or
// a user is an answer, and tells nothing about others.
//
// A dial that hangs may have reasons of its own: a proxy may wait for what is
// behind it. So it is no more than a suspicion. Reads avoid the server then, if
// they can, and the watcher asks it through another engine. If that meets silence,
// too, and no call has ended there meanwhile, or where nobody listens at all, the
// server is down: nobody dials it but the watcher, through one engine at a time,
// whichever it is. Any answer brings all engines back, but those that were found to
// be down by themselves: they are asked then.

// hostHealth is what is known of a server. It is empty for one with a single
// engine, which knows for itself.
type hostHealth struct {
	outage  atomic.Pointer[hostOutage] // nil while it can be reached
	answers atomic.Uint64              // to dials, refusals included
	last    atomic.Pointer[engine]     // that got one
	changed atomic.Bool                // there ever was an outage

	// The watcher's own.
	asked  bool          // whether the server is back
	next   time.Time     // not to be asked before
	pause  time.Duration // until the one after
	turn   int           // of its engines, to represent it
	asking int           // engines that seem to hang, by a new connection
}

// hostOutage is why a server is down, or suspected.
type hostOutage struct {
	outage
	by      *engine // that found out
	certain bool
	ended   uint64 // calls at the server until then
}

// trouble is the outage of the engine's server, or nil.
func (e *engine) trouble() *hostOutage {
	if e.host == nil {
		return nil
	}
	return e.host.outage.Load()
}

// isSilence reports whether the error of a dial says that no server answered.
func isSilence(err error) bool {
	var op *net.OpError
	return !isAnswer(err) && (hangs(err) || errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &op) && op.Op == "dial")
}

// isAnswer reports whether the error of a dial came from a server.
func isAnswer(err error) bool { return sqlState(err) != "" || errorNumber(err) != 0 }

// answersSoFar is asked before a dial, for accuse.
func (h *sharedHost) answersSoFar() uint64 {
	if h == nil {
		return 0
	}
	return h.answers.Load()
}

// answered is called when a dial of e got an answer.
func (h *sharedHost) answered(e *engine) {
	if h == nil {
		return
	}
	h.answers.Add(1)
	h.last.Store(e)
	if o := h.outage.Load(); o != nil && h.outage.CompareAndSwap(o, nil) {
		h.comeUp(e, o)
	}
}

// accuse is called when a dial of e, before which the server had given so many
// answers, met silence. It reports whether the server is known to be down, so that
// this says nothing of e.
func (h *sharedHost) accuse(e *engine, err error, answers uint64) (known bool) {
	if h == nil || h.name == untold || !isSilence(err) { // those of which it is not told share a limit, and no server
		return false
	}
	o := h.outage.Load()
	if o != nil && o.certain {
		return true
	}
	if h.answers.Load() != answers || e.outage.Load() != nil || o != nil && o.by == e || !e.watcher.k.hosts.isShared(h) {
		return false
	}
	found := &hostOutage{by: e, certain: o != nil || !hangs(err), ended: e.watcher.k.endedAt(h)}
	found.since, found.err = time.Now(), err
	lives := o != nil && found.ended != o.ended // on the connections that it has
	found.certain = found.certain && !lives
	h.changed.Store(true)
	if h.outage.CompareAndSwap(o, found) && !lives {
		h.goDown(found)
	}
	return false
}

// goDown lets all engines know. Each has its new view before its takers are told,
// so that they do not come again.
func (h *sharedHost) goDown(o *hostOutage) {
	k := o.by.watcher.k
	k.hosts.noteTrouble(h)
	for _, e := range k.enginesAt(h) {
		e.database.refresh(nil)
		switch {
		case !o.certain && e.isReplica():
			e.pool.PassOver()
		case o.certain:
			if isGone(o.err) {
				e.pool.Renew()
			}
			e.pool.TurnAway(&o.outage, true)
			if !e.isReplica() {
				e.database.doubt()
			}
		}
	}
	if o.certain {
		k.report("server down", o.by, o.by.connectionError(context.Background(), o.err).Error())
	}
	k.watcher.hurry(o.by.database)
}

// comeUp is called when the server answered e.
func (h *sharedHost) comeUp(e *engine, o *hostOutage) {
	for _, e := range e.watcher.k.enginesAt(h) {
		if o.certain {
			e.database.doubt() // before it is used: it may be something else than it was
		}
		if e.outage.Load() != nil {
			e.watcher.hurry(e.database)
			continue
		}
		e.comeBack()
	}
	if o.certain {
		e.watcher.k.report("server up", e, "")
	}
}

// representative is the engine through which to ask whether the server is back, in
// turn, so that the trouble of one hides nothing: one that is not known to be down by
// itself, if there is one. It is nil while all are being asked.
func (h *sharedHost) representative(o *hostOutage) *engine {
	if e := h.last.Load(); e != nil && e.represents(o) && !e.watch().asked {
		return e
	}
	var fit, rest []*engine
	for _, e := range o.by.watcher.k.enginesAt(h) {
		switch {
		case e.drained.Load() || e.database.closed.Load() || e.watch().asked:
		case e.represents(o):
			fit = append(fit, e)
		default:
			rest = append(rest, e)
		}
	}
	if len(fit) == 0 {
		fit = rest
	}
	if len(fit) == 0 {
		return nil
	}
	h.turn++
	return fit[h.turn%len(fit)]
}

func (e *engine) represents(o *hostOutage) bool {
	return e != o.by && e.outage.Load() == nil && !e.drained.Load() && !e.database.closed.Load()
}

// enginesAt returns the engines of a host, but those of a tenant that is only being
// opened: see catchUp.
func (k *Connector) enginesAt(h *sharedHost) (list []*engine) {
	for _, db := range k.open() {
		for _, e := range db.engines {
			if e.host == h {
				list = append(list, e)
			}
		}
	}
	return list
}

// endedAt returns how many calls the server has ended, without those that it did not
// begin to answer.
func (k *Connector) endedAt(h *sharedHost) (n uint64) {
	for _, e := range k.enginesAt(h) {
		n += e.ended() - e.moved.Load()
	}
	return n
}

// catchUp is called when the database is among those that are open, for what was
// found out of its servers while it was not.
func (db *database) catchUp() {
	if slices.ContainsFunc(db.engines, func(e *engine) bool { return e.host != nil && e.host.changed.Load() }) {
		db.refresh(nil)
	}
}
