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
)

// watcher is the one goroutine of a connector that looks after its engines: it
// asks those that are down whether they are back, those that seem to hang
// whether they live, and, with Config.Discover, all of them what they are. Each
// question has a goroutine for the time that it takes, so that an engine that
// does not answer keeps nobody from being asked.
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
	asked  bool          // there is no answer yet
	down   bool          // when it was last looked at
	next   time.Time     // not to be asked before
	pause  time.Duration // until the one after
	calls  uint64        // that had ended when it last took stock
	stalls bool          // none has ended since the time before, and some are under way

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
	round  *round // during which it was asked; nil if there was none
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
		if stalls && !e.watched.stalls && e.outage.Load() == nil {
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
	down := e.outage.Load() != nil
	if down {
		e.watch()
	}
	if e.watched == nil {
		return 0
	}
	if down != e.watched.down { // how long to wait was for the other state
		e.watched.down, e.watched.pause, e.watched.next = down, 0, time.Time{}
	}
	doubtful := e.watched.stalls && (e.isReplica() || e.database.discover)
	switch {
	case e.watched.asked || !down && !doubtful || e.drained.Load():
		return 0
	case now.Before(e.watched.next):
		return e.watched.next.Sub(now)
	}
	w.ask(ctx, e, byNew)
	return 0
}

// lookAtRoles begins a round if it is time: at once while statements wait for
// one, else once in an interval while the database is used, or is refused
// because it has two primaries.
func (w *watcher) lookAtRoles(ctx context.Context, db *database, now time.Time) time.Duration {
	v := db.view.Load()
	doubted, wanted := v.doubted, v.rivals != nil || db.waiting.Load() > 0
	interval := watchInterval
	switch {
	case doubted && db.settled:
		interval = 0
	case doubted:
		interval = askAgain
	}
	next := db.rounded.Add(interval)
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
	db.round = db.newRound()
	for e, by := range db.round.waiting {
		w.ask(ctx, e, by)
	}
	if len(db.round.waiting) == 0 {
		db.round, db.rounded, db.settled = nil, now, false
	}
	return 0
}

// ask sends the question to an engine; hear gets the answer. By an idle connection
// an engine may be asked while it is asked by a new one, too: that may take long.
func (w *watcher) ask(ctx context.Context, e *engine, by means) {
	if by != byIdle {
		if e.watch().asked {
			return
		}
		e.watched.asked = true
	}
	a := answer{engine: e, round: e.database.round, by: by, err: errNoAnswer}
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
		a.claim, a.err = e.answerBy(ctx, by)
		if a.round != nil && isCut(a.err) {
			// Others wait for the round, and a network that loses one answer may
			// well let the next one through.
			a.claim, a.err = e.answerBy(ctx, by)
		}
	})
}

func (e *engine) answerBy(ctx context.Context, by means) (claim, error) {
	if by != byIdle {
		return e.answer(ctx, by == byNew)
	}
	said, ok := e.answerOnIdle(ctx)
	if !ok {
		return claimNone, errNoAnswer
	}
	return said, nil
}

var errNoAnswer = errors.New("multidb: the engine was asked, and no answer came")

// answer asks the server, by an idle connection if there is one that works, or by
// one made for the purpose. With anew only the latter, as an idle connection may
// be dead while the server lives.
func (e *engine) answer(ctx context.Context, anew bool) (claim, error) {
	ctx, cancel := context.WithTimeout(ctx, e.connectTimeout())
	defer cancel()
	if !anew {
		if said, ok := e.answerOnIdle(ctx); ok {
			return said, nil
		}
	}
	ch, err := e.connectNoticed(ctx)
	if full := err; err != nil && isFull(err) {
		ch, err = e.pool.Take(ctx) // one that comes back
		if err != nil {
			return claimNone, full // and not that nothing came back in time
		}
		said, err := ch.answer(ctx)
		e.giveBack(ch, err)
		return said, err
	}
	if err != nil {
		return claimNone, err
	}
	said, err := ch.answer(ctx)
	if err != nil || !ch.serves() || !e.pool.Adopt(ch) {
		ch.Close()
	}
	return said, err
}

func (e *engine) answerOnIdle(ctx context.Context) (said claim, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, e.connectTimeout()/hesitation)
	defer cancel()
	ch, ok := e.pool.TakeIdle(ctx)
	if !ok {
		return claimNone, false
	}
	said, err := ch.answer(ctx)
	e.giveBack(ch, err)
	return said, err == nil
}

func (e *engine) giveBack(ch *child, err error) {
	if err != nil {
		e.pool.Discard(ch)
	} else {
		e.pool.Put(ch)
	}
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
		e.hearHealth(a)
	}
	if db.round != nil {
		w.hearRound(ctx, db, a)
	}
}

// hearHealth takes an answer for what it says of the engine's state.
func (e *engine) hearHealth(a answer) {
	switch {
	case a.err == nil, isFull(a.err): // who says that it is full is there
		if e.outage.Load() != nil {
			e.database.doubt() // before it is used: it may be something else than it was
			e.comeUp()
		}
	case e.isDownBy(a.err):
		e.goDown(a.err)
		if e.watched.stalls && e.isReplica() && hangs(a.err) {
			// Reads that wait for it, or for a connection to it, are better off
			// elsewhere.
			e.open.interrupt()
			e.pool.TurnAway(a.err, false)
		}
	}
	longest := longestPause
	if e.outage.Load() == nil {
		longest = longestDoubt
	}
	e.watched.pause = min(max(2*e.watched.pause, firstPause), longest)
	e.watched.next = time.Now().Add(e.watched.pause*3/4 + rand.N(e.watched.pause/2))
}

// hearRound adds an answer to the round that is under way. One that was asked
// for before the round began counts for nothing.
func (w *watcher) hearRound(ctx context.Context, db *database, a answer) {
	r := db.round
	by, waits := r.waiting[a.engine]
	switch {
	case !waits, by == byIdle && a.by != byIdle:
		// The answer that counts was there, or is under way still.
	case a.round != r && a.err == nil:
		w.ask(ctx, a.engine, byAny)
	case r.hear(a.engine, a.claim):
		var changed string
		db.round, db.rounded = nil, time.Now()
		db.settled, changed = db.settle(r)
		if !db.settled && db.doubts.Load() != r.doubts {
			db.rounded = time.Time{} // there is more to hear: at once
		}
		if changed != "" {
			w.k.report("roles changed", db.engines[0], changed)
		}
	}
}
