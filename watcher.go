package multidb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
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

// answer is what came of a question.
type answer struct {
	engine *engine
	host   *sharedHost // whose representative it was; nil if it was asked for itself
	round  *round      // during which it was asked; nil if there was none
	by     means
	claim  claim
	err    error
}

// means is the connection by which a server is asked.
type means uint8

const (
	byAny  means = iota // an idle one if there is one that works, else a new one
	byNew               // as an idle one may be dead while the server lives
	byIdle              // as no new one can be made; says nothing of whether the engine is up
)

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

// letGo is called when the engine turned out to hang. Reads that wait for it, or for
// a connection to it, are better off elsewhere.
func (e *engine) letGo(err error) {
	if e.watched.stalls && e.isReplica() {
		e.open.interrupt()
		e.pool.TurnAway(err, false)
	}
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
	if e == nil || e.watch().asked {
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

// ask sends the question to an engine; hear gets the answer. By an idle connection
// an engine may be asked while it is asked by a new one, too: that may take long.
// The patience is with those who have connections, where one must be made.
func (w *watcher) ask(ctx context.Context, a answer, patience time.Duration) {
	e := a.engine
	if a.by != byIdle {
		if e.watch().asked {
			return
		}
		e.watched.asked = true
	}
	if a.by == byNew && e.host != nil {
		e.host.asking++
	}
	a.round, a.err = e.database.round, errNoAnswer
	w.asking.Go(func() {
		defer func() { // also after a panic of the child driver
			if p := recover(); p != nil {
				a.err = fmt.Errorf("multidb: the child driver panicked: %v", p)
			}
			select {
			case w.answers <- a:
			case <-ctx.Done():
			}
		}()
		a.claim, a.err = e.answer(ctx, a.by, patience)
		if a.round != nil && isCut(a.err) {
			// Others wait for the round, and a network that loses one answer may
			// well let the next one through.
			a.claim, a.err = e.answer(ctx, a.by, patience)
		}
	})
}

var errNoAnswer = errors.New("multidb: the engine was asked, and no answer came")

// answer asks the server, by an idle connection or by one made for the purpose.
func (e *engine) answer(ctx context.Context, by means, patience time.Duration) (claim, error) {
	if by != byNew {
		if said, ok := e.answerOnIdle(ctx); ok {
			return said, nil
		}
	}
	if by == byIdle {
		return claimNone, errNoAnswer
	}
	ch, err := e.pool.Visit(ctx, patience)
	ctx, cancel := context.WithTimeout(ctx, e.connectTimeout())
	defer cancel()
	switch {
	case err == nil:
		return e.answerOnVisit(ctx, ch)
	case isFull(err):
		if ch, failed := e.pool.Take(ctx); failed == nil { // one that comes back
			return e.answerOn(ctx, ch)
		}
	}
	return claimNone, err
}

func (e *engine) answerOnIdle(ctx context.Context) (said claim, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, e.connectTimeout()/hesitation)
	defer cancel()
	ch, ok := e.pool.TakeIdle(ctx)
	if !ok {
		return claimNone, false
	}
	said, err := e.answerOn(ctx, ch)
	return said, err == nil
}

// answerOn asks on a child that was taken from the pool.
func (e *engine) answerOn(ctx context.Context, ch *child) (said claim, err error) {
	err = errNoAnswer
	defer func() { // also after a panic
		if err != nil {
			e.pool.Discard(ch)
		} else {
			e.pool.Put(ch)
		}
	}()
	return ch.answer(ctx)
}

func (e *engine) answerOnVisit(ctx context.Context, ch *child) (said claim, err error) {
	err = errNoAnswer
	defer func() { // also after a panic
		if err != nil || !ch.serves() {
			e.pool.Dismiss(ch)
		} else {
			e.pool.Adopt(ch)
		}
	}()
	return ch.answer(ctx)
}

// answer asks the server what it is, where somebody wants to know, or only
// whether it is there.
func (ch *child) answer(ctx context.Context) (claim, error) {
	if ch.engine.database.discover {
		return ch.claim(ctx)
	}
	return claimNone, ch.ping(ctx)
}

// hear draws the consequences of an answer.
func (w *watcher) hear(ctx context.Context, a answer) {
	e, db := a.engine, a.engine.database
	if a.claim == claimReplica {
		e.watch().deposed = false
	}
	if a.by != byIdle {
		e.watched.asked = false
		a.hearHealth()
	}
	if db.round != nil {
		w.hearRound(ctx, db, a)
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
