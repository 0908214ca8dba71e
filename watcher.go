package multidb

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// watcher is the one goroutine of a connector that looks after its engines: it
// asks those that are down whether they are back, those that seem to hang
// whether they live, and, with Config.Discover, all of them what they are. Each
// question has a goroutine for the time that it takes, so that an engine that
// does not answer keeps nobody from being asked. It counts among the connections
// that there may be, and waits for its place as a statement does, or goes unasked
// where nobody needs to know.
//
// It begins with the first connection and ends in Connector.Close. All fields of
// watched belong to it alone.
type watcher struct {
	k       *Connector
	begin   sync.Once
	end     context.CancelFunc
	ended   chan struct{}
	wake    chan struct{} // has room for one
	answers chan answer
	asking  sync.WaitGroup

	mu       sync.Mutex             // guards restless
	restless map[*database]struct{} // to be looked at now

	ticked time.Time // when it last looked at all
	due    time.Time // when one of them is to be looked at again
}

// watched is what the watcher knows of an engine.
type watched struct {
	next   time.Time     // not to be asked before
	pause  time.Duration // until the one after
	calls  uint64        // that had ended when it last took stock
	stalls bool          // none has ended since the time before, and some are under way
	asked  bool          // there is no answer yet
	late   bool          // and it is long overdue, so that nobody waits for it
	down   bool          // when it was last looked at

	// It was the primary, another took its place, and it has not said since that
	// it is a replica: if it says that it is the primary, it may be a stranger.
	deposed bool
}

// watch begins to watch an engine.
func (e *engine) watch() *watched {
	if e.watched == nil {
		e.watched = new(watched)
	}
	return e.watched
}

const (
	watchInterval = time.Second            // between two looks
	askAgain      = 200 * time.Millisecond // while a primary is looked for
	firstPause    = 50 * time.Millisecond  // before a dead engine is asked again
	longestPause  = time.Second
	askedAtOnce   = 4                // engines of one server, by new connections
	restAfter     = 10 * time.Second // without use, a tenant's outage is forgotten
	patienceAtEnd = time.Second      // with drivers that do not heed a context
	longestDoubt  = 30 * time.Second // before an engine that seems to hang, and answers, is asked again
)

func newWatcher(k *Connector) *watcher {
	return &watcher{k: k, wake: make(chan struct{}, 1), answers: make(chan answer), ended: make(chan struct{}), end: func() {}}
}

// start begins the watch, once.
func (w *watcher) start() {
	w.begin.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		w.end = cancel
		go w.run(ctx)
	})
}

// close ends the watch and waits for it. No watch begins after it. The questions
// that are under way end with the context of the watch, if the driver heeds it. One
// that does not is not waited for: who asks it closes the connection, whenever it
// comes.
func (w *watcher) close() {
	w.begin.Do(func() { close(w.ended) })
	w.end()
	<-w.ended
	all := make(chan struct{})
	go func() {
		w.asking.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(patienceAtEnd):
	}
}

// hurry makes the watcher look at a database now.
func (w *watcher) hurry(db *database) {
	w.mu.Lock()
	if w.restless == nil {
		w.restless = make(map[*database]struct{})
	}
	w.restless[db] = struct{}{}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.ended)
	w.ticked = time.Now()
	w.due = w.ticked.Add(watchInterval)
	timer := time.NewTimer(watchInterval)
	defer timer.Stop()
	for {
		var some []*database
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			w.due = time.Time{}
		case <-w.wake:
			some = w.takeRestless()
		case a := <-w.answers:
			w.hear(ctx, a)
			some = []*database{a.engine.database}
		}
		now := time.Now()
		if w.due.IsZero() {
			some = w.k.open()
		}
		w.look(ctx, some, now)
		timer.Reset(w.due.Sub(now))
	}
}

func (w *watcher) takeRestless() []*database {
	w.mu.Lock()
	defer w.mu.Unlock()
	some := slices.Collect(maps.Keys(w.restless))
	w.restless = nil
	return some
}

// look asks whom it is time to ask, and notes when there is something to do
// again.
func (w *watcher) look(ctx context.Context, databases []*database, now time.Time) {
	tick := now.Sub(w.ticked) >= watchInterval
	if tick {
		w.ticked, databases = now, w.k.open()
	}
	if w.due.IsZero() || tick {
		w.due = now.Add(watchInterval)
	}
	for _, h := range w.k.hosts.inTrouble() {
		w.dueIn(w.lookAtHost(ctx, h, now), now)
	}
	for _, db := range databases {
		if db.closed.Load() {
			continue
		}
		if tick {
			db.takeStock()
		}
		for _, e := range db.engines {
			w.dueIn(w.lookAt(ctx, e, now), now)
		}
		if db.discover {
			w.dueIn(w.lookAtRoles(ctx, db, now), now)
		}
	}
}

// dueIn notes that there is something to do in that time, if it is not 0.
func (w *watcher) dueIn(wait time.Duration, now time.Time) {
	if due := now.Add(wait); wait > 0 && due.Before(w.due) {
		w.due = due
	}
}

// takeStock notes which engines are used, and which of them seem to hang: calls
// are under way there, and none has ended since the last look.
func (db *database) takeStock() {
	if len(db.engines) == 1 {
		return // there is nowhere else to go
	}
	db.active = false
	for _, e := range db.engines {
		calls, busy, before := e.ended(), e.pool.Stats().InUse > 0, e.watched != nil
		stalls := busy && before && calls == e.watch().calls
		if stalls && !e.watched.stalls && !e.isDown() {
			e.watched.pause, e.watched.next = watchInterval, time.Time{} // ask at once
		}
		e.watch().stalls = stalls
		db.active = db.active || busy || calls != e.watched.calls
		e.watched.calls = calls
	}
}

// lookAt asks an engine that is down, or seems to hang though others could do
// its work, if it is time. Else it returns when it will be.
func (w *watcher) lookAt(ctx context.Context, e *engine, now time.Time) time.Duration {
	down := e.outage.Load()
	if down != nil {
		e.watch()
	}
	if e.watched == nil {
		return 0
	}
	if (down != nil) != e.watched.down { // how long to wait was for the other state
		e.watched.down, e.watched.pause, e.watched.next = down != nil, 0, time.Time{}
	}
	if o := e.trouble(); o != nil {
		if o.certain && hangs(o.err) {
			e.letGo(&o.outage)
		}
		return 0 // it is asked for all of the server
	}
	doubtful := e.watched.stalls && (e.isReplica() || e.database.discover)
	switch {
	case e.watched.asked || down == nil && !doubtful || e.drained.Load():
		return 0
	case down != nil && down.changed.IsZero() && isRefusal(down.err):
		down.isUnused(e.database, now) // takes note
		e.watched.pause, e.watched.next = pauseAfter(0, longestDoubt)
		return e.watched.next.Sub(now)
	case now.Before(e.watched.next):
		return e.watched.next.Sub(now)
	case down != nil && w.k.tenants.has(e.database) && down.isUnused(e.database, now):
		e.forget(down)
		return 0
	case e.host != nil && e.host.asking >= askedAtOnce:
		return askAgain
	}
	w.ask(ctx, answer{engine: e, by: byNew}, e.connectTimeout())
	return 0
}

// lookAtHost asks a server that is down, or suspected, through one of its engines.
func (w *watcher) lookAtHost(ctx context.Context, h *sharedHost, now time.Time) time.Duration {
	o := h.outage.Load()
	switch {
	case o == nil || h.asked:
		return 0
	case now.Before(h.next):
		return h.next.Sub(now)
	}
	e := h.representative(o)
	if e == nil {
		return askAgain
	}
	h.asked = true
	w.ask(ctx, answer{engine: e, host: h, by: byNew}, e.connectTimeout())
	return 0
}

// lookAtRoles begins a round if it is time: at once while statements wait for
// one, else once in an interval while the database is used, or is refused
// because it has two primaries. If nothing waits, it takes no connection from
// anybody.
func (w *watcher) lookAtRoles(ctx context.Context, db *database, now time.Time) time.Duration {
	v := db.view.Load()
	doubted, wanted := v.doubted, v.rivals != nil || db.waiting.Load() > 0
	next := db.rounded.Add(watchInterval)
	switch {
	case wanted && db.spared, doubted && db.settled:
		next = now
	case wanted && doubted:
		next = db.rounded.Add(askAgain)
	}
	switch {
	case db.round != nil:
		return 0
	case !wanted && !db.active:
		if !doubted && !now.Before(next) {
			// What is known of the roles grows old when nobody uses it.
			db.refresh(func(v *view) { v.doubted = true })
		}
		return 0
	case now.Before(next):
		return next.Sub(now)
	}
	db.round, db.spared = db.newRound(), false
	if wanted {
		db.round.patience = db.engines[0].connectTimeout()
	}
	for e, by := range db.round.waiting {
		w.ask(ctx, answer{engine: e, by: by}, db.round.patience)
	}
	if len(db.round.waiting) == 0 {
		db.round, db.rounded, db.settled = nil, now, false
	}
	return 0
}
