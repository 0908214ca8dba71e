package multidb

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How the watcher asks an engine whether it lives and, with Config.Discover, what
// it is. What it makes of the answer is in hear.go.

// answer is what came of a question.
type answer struct {
	engine *engine
	host   *sharedHost // whose representative it was; nil if it was asked for itself
	round  *round      // during which it was asked; nil if there was none
	by     means
	claim  claim
	err    error

	// It is not there yet, and long overdue: the driver does not heed its context.
	// Those who wait for it are told, and it may come all the same.
	overdue bool
}

// overdueAfter is how many connect timeouts a question may take.
const overdueAfter = 3

// means is the connection by which a server is asked.
type means uint8

const (
	byAny  means = iota // an idle one if there is one that works, else a new one
	byNew               // as an idle one may be dead while the server lives
	byIdle              // as no new one can be made; says nothing of whether the engine is up
)

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
	overdue := a
	overdue.overdue = true
	late := time.AfterFunc(patience+overdueAfter*e.connectTimeout(), func() { w.deliver(ctx, overdue) })
	w.asking.Go(func() {
		defer func() { // also after a panic of the child driver
			late.Stop()
			if p := recover(); p != nil {
				a.err = fmt.Errorf("multidb: the child driver panicked: %v", p)
			}
			w.deliver(ctx, a)
		}()
		a.claim, a.err = e.answer(ctx, a.by, patience)
		if a.round != nil && isCut(a.err) {
			// Others wait for the round, and a network that loses one answer may
			// well let the next one through.
			a.claim, a.err = e.answer(ctx, a.by, patience)
		}
	})
}

func (w *watcher) deliver(ctx context.Context, a answer) {
	select {
	case w.answers <- a:
	case <-ctx.Done():
	}
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
