package multidb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Which engine of a database is the primary can be asked of the servers
// (Config.Discover). A round asks all engines of a database at once; those that
// are down only by a connection that there still is, which may work though no
// other can be made. It counts when all who were asked have answered, or failed to,
// and when no doubt has come up since; until then the statements that need the
// primary wait.
//
// One engine that says it is the primary becomes the primary. If none does, the
// next round follows soon. If two do, somebody has to decide which of them
// holds the data, and that is not us: writes are refused.
//
// An engine that does not answer may be the primary all the same, and restart in
// this moment. So what was known of it before counts, see contenders.

// roleQuestion is the query whose answer tells a replica from a primary.
func roleQuestion(d Dialect) string {
	switch d {
	case Postgres:
		return "SELECT pg_is_in_recovery()"
	case MySQL:
		return "SELECT @@global.read_only"
	}
	return ""
}

// claim is what an engine says of its own role.
type claim uint8

const (
	claimNone claim = iota // it was not asked, or did not answer
	claimPrimary
	claimReplica
)

// claim asks the server what it is.
func (ch *child) claim(ctx context.Context) (claim, error) {
	answer, err := ch.queryOnce(ctx, roleQuestion(ch.engine.database.dialect))
	if err != nil {
		return claimNone, err
	}
	if text, ok := answer.([]byte); ok {
		answer = string(text)
	}
	switch strings.ToLower(fmt.Sprint(answer)) {
	case "true", "t", "1", "on":
		return claimReplica, nil
	case "false", "f", "0", "off":
		return claimPrimary, nil
	}
	return claimNone, fmt.Errorf("multidb: engine %q does not say whether it is a primary: %v", ch.engine.name, answer)
}

// round is one time of asking all engines of a database.
type round struct {
	doubts  uint64            // those that it settles
	waiting map[*engine]means // who has not answered yet, and how it was asked
	claims  map[*engine]claim // what the others said

	patience time.Duration // with those who have the connections, if one must be made
	missed   int           // how many could not be asked, for want of a place
}

// newRound is called by the watcher, which asks every engine.
func (db *database) newRound() *round {
	r := &round{doubts: db.doubts.Load(), waiting: make(map[*engine]means), claims: make(map[*engine]claim)}
	for _, e := range db.engines {
		switch {
		case e.drained.Load() || e.watch().late:
		case !e.isDown():
			r.waiting[e] = byAny
		case e.pool.Stats().Idle > 0:
			r.waiting[e] = byIdle
		}
	}
	return r
}

// hear takes an answer and reports whether the round is over.
func (r *round) hear(e *engine, said claim) (over bool) {
	delete(r.waiting, e)
	r.claims[e] = said
	return len(r.waiting) == 0
}

// settle draws the conclusion from a round that is over, and reports whether the
// roles are known now.
func (db *database) settle(r *round) (settled bool, changed string) {
	old := db.view.Load()
	primaries := db.contenders(r, old)
	said := slices.ContainsFunc(primaries, func(e *engine) bool { return r.claims[e] == claimPrimary })
	switch {
	case db.doubts.Load() != r.doubts:
		return false, "" // what it heard may be older than the doubt
	case r.missed > 0 && !r.confirms(old, primaries), !said:
		// Who could not be asked is believed to be what he was, but not against his
		// own word, or that of another.
		if !old.doubted && (said || r.claims[old.primary] == claimReplica) {
			db.refresh(func(v *view) { v.doubted = true })
		}
		return false, ""
	case len(primaries) > 1:
		db.refresh(func(v *view) { v.rivals, v.doubted = primaries, false })
		if !slices.Equal(old.rivals, primaries) {
			changed = fmt.Sprintf("each of %s may be the primary; writes are refused", names(primaries))
		}
		return true, changed
	}
	if e := primaries[0]; e != old.primary {
		db.promote(e)
		e.watch().deposed, old.primary.watch().deposed = false, r.claims[old.primary] != claimReplica
		changed = fmt.Sprintf("the primary is %q now, and was %q", e.name, old.primary.name)
	} else if db.refused.Swap(false) {
		db.vain.Store(time.Now().UnixNano())
	}
	db.refresh(func(v *view) { v.rivals, v.doubted = nil, db.doubts.Load() != r.doubts })
	return true, changed
}

// confirms reports whether the round, in which some were not asked, says that all
// is as it was: the primary says so, and nobody else is known to say it of himself.
func (r *round) confirms(old *view, primaries []*engine) bool {
	return old.rivals == nil && len(primaries) == 1 && primaries[0] == old.primary
}

// contenders are the engines any of which may be the primary: those that say so,
// and of those that are silent
//
//   - rivals, as nobody has decided yet between them and another. An engine that
//     was deposed is none any more: it goes on where it went on before that came
//     back;
//   - the primary, if one that was deposed says that it is the primary: most
//     likely that is a stranger, and the primary restarts.
//
// A silent engine loses its claim when it says that it is a replica, or when it
// is drained.
func (db *database) contenders(r *round, v *view) (list []*engine) {
	usurped := slices.ContainsFunc(db.engines, func(e *engine) bool {
		return e != v.primary && r.claims[e] == claimPrimary && e.watch().deposed && !e.drained.Load()
	})
	for _, e := range db.engines {
		said := r.claims[e]
		silent := said == claimNone
		switch {
		case e.drained.Load():
		case said == claimPrimary,
			silent && slices.Contains(v.rivals, e) && !e.watch().deposed,
			silent && e == v.primary && usurped:
			list = append(list, e)
		}
	}
	return list
}

// promote makes e the primary. Connections of another role are not used again:
// those of a replica are read-only.
func (db *database) promote(e *engine) {
	old := db.view.Load().primary
	old.replica.Store(true)
	e.replica.Store(false)
	db.refresh(func(v *view) { v.primary, v.rivals = e, nil })
	db.refused.Store(false)
	db.vain.Store(0)
	for _, e := range []*engine{old, e} {
		e.pool.Renew()
	}
	if old.isDown() {
		old.open.cut() // nobody needs to wait for an answer from there
	}
}

// doubt says that the roles may have changed. Statements that need the primary
// wait until the servers were asked.
func (db *database) doubt() {
	if !db.discover {
		return
	}
	db.doubts.Add(1)
	db.refresh(func(v *view) { v.doubted = true })
	db.engines[0].watcher.hurry(db)
}

// doubtRefusal is doubt for a primary that refused a write, and reports whether
// the write is to wait for what comes of it. A program that meets read-only
// transactions of its own making, once and again, must not make all others wait
// each time: after a doubt that changed nothing there is none for a while.
func (db *database) doubtRefusal(e *engine) bool {
	v := db.view.Load()
	switch {
	case v.doubted || v.primary != e:
		return true // others have found out
	case time.Since(time.Unix(0, db.vain.Load())) < watchInterval:
		return false
	}
	db.refused.Store(true)
	db.doubt()
	return true
}

func names(engines []*engine) string {
	list := make([]string, len(engines))
	for i, e := range engines {
		list[i] = e.name
	}
	return quotedList(list)
}

// queryOnce runs a query of multidb's own and returns its one value.
func (ch *child) queryOnce(ctx context.Context, query string) (driver.Value, error) {
	rows, err := ch.query(ctx, query, nil)
	if err == driver.ErrSkip {
		var prepared driver.Stmt
		if prepared, err = ch.prepare(ctx, query); err != nil {
			return nil, err
		}
		cs := newChildStmt(ch, query, prepared)
		defer cs.Close()
		rows, err = cs.query(ctx, nil)
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return nil, err
	}
	return row[0], nil
}
