// Package pool keeps the child connections of one engine: it reuses the one
// that came back last, dials when there is none, and makes takers wait in turn
// when there may be no more.
//
// A connection may be parked with the one who had it last, who has it again
// without the pool's mutex unless somebody else takes it first: see berths.go.
//
// It differs from the pool of database/sql in three ways that multidb needs. A
// dial belongs to the pool and not to the taker that set it off, so that short
// deadlines cannot keep an engine from ever being connected (only a taker who means to
// stay dials itself, see own.go). After a restart of the server, one dead connection
// condemns all idle ones of its generation. And an engine at rest costs a few hundred
// bytes, no goroutine and no timer.
//
// Pools may share limits, which hold at every instant: a Host is the server of many
// engines, and a Cap is for several Hosts. Where all places are taken, an idle
// connection of another pool is closed: one of those with several before the last
// of any, of these rather one that was used but once, and of each kind the least
// recently used; see evict.go. If none is idle, takers wait in the order they came,
// whosever they are.
//
// If that were all, a Cap below what is in use would have its servers do nothing
// but dial: each burst at one engine would cost others their connections, and so
// would each connection that comes back to takers of its own. So there are turns,
// each as long as a dial takes (and within minTurn and maxTurn). For a turn, a
// taker whose pool has connections waits for one of those before a place is asked
// for; and for a turn after its dial, or after it was idle, a connection may go
// from one taker of its pool to the next past others who wait longer. After that,
// it is closed when it comes back, and its place goes to the first in line.
//
// So nobody is overtaken by one connection for longer than a turn and the use that
// is under way when it ends. He who is the first in line has his place when the
// first connection comes back after that, and the kth, where the limit is n, after
// at most k/n rounds of a dial, a use, a turn, a use, and a close.
package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// ErrClosed is what a closed pool answers.
var ErrClosed = errors.New("multidb: the engine's pool is closed; open a new *sql.DB to go on")

// Conn is a physical connection that a pool holds. Embed Base in the type.
type Conn interface {
	// Reset is called before each use but the first. Any error drops the
	// connection; one that is driver.ErrBadConn condemns its generation too.
	Reset(ctx context.Context) error
	// Valid is called when the connection comes back. False drops it.
	Valid() bool
	Close() error

	base() *Base
}

// Base is what the pool knows about a connection.
type Base struct {
	place
	used       bool          // has come back or was idle, so it wants a reset; owned by the holder
	idleSince  time.Duration // on the pool's clock; guarded by the pool's mutex
	generation uint64        // set before the first use, never changed
	usedAt     uint64        // on the Cap's clock, when it came back; guarded by the pool's mutex
	turnEnds   time.Duration // see turnIsOver; guarded by the pool's mutex
	expires    time.Duration // on the pool's clock, 0: never; set before the first use, never changed
}

var _ interface{ base() *Base } = (*Base)(nil) // what Conn asks for, by embedding

func (b *Base) base() *Base { return b }

// Options are the limits of a pool.
type Options struct {
	MaxOpen     int           // 0: no limit
	MaxIdle     int           // more than 0
	MaxLifetime time.Duration // 0: no limit; shortened by up to 10 % at random for each connection
	MaxIdleTime time.Duration // 0: no limit
	Host        *Host         // shares its limits with other pools; nil: none
	Owner       Owner         // may be nil
}

// Owner is told, and asked, about the engine.
type Owner interface {
	Lost()                      // an idle connection turned out dead
	HeedsContext() bool         // whether a dial ends when its context does. Called with the pool's mutex held
	DialTimeout() time.Duration // how long a dial may last, 0: no limit is set. Called with the pool's mutex held, and without
	Down() error                // why no dial is to be tried now, or nil; see Retry. Called with the pool's mutex held
	Patience() time.Duration    // how long to wait for the right to dial before ErrLate; 0: as long as it takes. Called with the pool's mutex held
}

// Pool holds the connections of one engine.
type Pool[C Conn] struct {
	dial  func(ctx context.Context) (C, error)
	o     Options
	epoch time.Time // when the clock stood at 0

	// mu guards all that follows. No child is called, and nothing waits,
	// while it is held.
	mu         sync.Mutex
	closed     bool
	visits     int32 // connections that are the owner's, see visit.go
	generation uint64
	open       int                       // places taken, see places.go
	idle       []C                       // the last is the next; all of this generation, none expired by the clock
	berths     []C                       // parked, or in use and may be parked; of this generation; see berths.go
	taken      int                       // how many are in use and have no berth
	waiters    queue[C]                  // in turn; there are none while a connection is idle or has a berth
	dials      map[*dialling[C]]struct{} // in progress, but for own
	own        *dialling[C]              // a taker's; see own.go
	now        time.Duration             // the clock's last tick
	timer      *time.Timer               // the clock; nil while it stands still
	member     *member                   // of o.Host, while there are connections or claims; see capped.go
	stats      Counters
}

// New returns a pool that opens its connections with dial. The context of a dial
// carries the values of a taker's context, but neither its deadline nor its
// cancellation.
func New[C Conn](dial func(ctx context.Context) (C, error), o Options) *Pool[C] {
	return &Pool[C]{dial: dial, o: o, epoch: time.Now()}
}

// Take returns the connection that came back last, or else a new one, or else
// waits in turn for the next that there is.
func (p *Pool[C]) Take(ctx context.Context) (C, error) { return p.TakeYielding(ctx, nil) }

// TakeYielding is Take for those who have something to give back. It calls
// yield before it waits for a place, so that two who hold what the other waits
// for do not wait for ever. It does not where a dial is all there is to wait for.
func (p *Pool[C]) TakeYielding(ctx context.Context, yield func()) (C, error) {
	for {
		c, err := p.idleOrNext(ctx, yield)
		if err != nil || !c.base().used || p.reset(ctx, c) {
			return c, err
		}
	}
}

func (p *Pool[C]) idleOrNext(ctx context.Context, yield func()) (C, error) {
	var none C
	if err := ctx.Err(); err != nil {
		return none, err
	}
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return none, ErrClosed
	case len(p.idle) > 0:
		c := p.popIdle()
		p.mu.Unlock()
		return c, nil
	}
	if c, ok := p.steal(); ok {
		p.mu.Unlock()
		return c, nil
	}
	if yield != nil && !p.hasRoom() {
		p.mu.Unlock()
		yield()
		return p.idleOrNext(ctx, nil)
	}
	p.recall()
	if len(p.idle) > 0 { // one was parked in this moment
		c := p.popIdle()
		p.mu.Unlock()
		return c, nil
	}
	if d := p.newOwnDial(ctx); d != nil {
		p.mu.Unlock()
		return p.takeOwn(ctx, d, yield)
	}
	w := p.enqueue(ctx)
	p.mu.Unlock()
	return p.wait(ctx, w)
}

// popIdle is called with mu held and a connection idle.
func (p *Pool[C]) popIdle() C {
	var none C
	last := len(p.idle) - 1
	c := p.idle[last]
	p.idle[last] = none
	p.idle = p.idle[:last]
	p.addBerth(c, berthed)
	return c
}

// reset makes c ready for its next user, or drops it.
func (p *Pool[C]) reset(ctx context.Context, c C) bool {
	returned := false
	defer func() {
		if !returned { // a panic: the taker does not have c yet, so it cannot discard it
			go p.Discard(c)
		}
	}()
	err := c.Reset(ctx)
	returned = true
	if err != nil {
		p.Unfit(ctx, c, err)
	}
	return err == nil
}

// Unfit drops a connection whose reset has failed. It does so aside, because
// closing a dead connection may take its time, and that is not to be taken from
// the taker's.
func (p *Pool[C]) Unfit(ctx context.Context, c C, err error) {
	// A reset that the taker's own context ended tells nothing about the engine.
	if errors.Is(err, driver.ErrBadConn) && ctx.Err() == nil {
		p.Stale(c)
		if p.o.Owner != nil {
			p.o.Owner.Lost()
		}
	}
	go p.Discard(c)
}

// Put takes c back. It is kept if it is valid, of the current generation and not
// expired, and if somebody waits for it or there is room; else it is closed.
func (p *Pool[C]) Put(c C) {
	p.putBack(c, c.base(), c.Valid(), false)
}

// putBack says whether c is parked now, which it is only if asked for.
func (p *Pool[C]) putBack(c C, b *Base, valid, park bool) bool {
	b.used = true
	p.mu.Lock()
	p.handIn(b)
	kept := valid && p.keep(c, b, park)
	isParked := b.isParked()
	p.mu.Unlock()
	if !kept {
		p.close(c)
	}
	return isParked
}

// passOn gives away a connection that its taker did not stay for.
func (p *Pool[C]) passOn(c C) {
	b := c.base()
	p.mu.Lock()
	p.handIn(b)
	kept := p.keep(c, b, false)
	p.mu.Unlock()
	if !kept {
		go p.close(c) // the taker is in a hurry
	}
}

// keep finds a use for a connection that nobody holds, and whose base is b: the
// first waiter, else a later taker, for whom it may be parked meanwhile. False
// means that there is none, and c must be closed. Called with mu held.
func (p *Pool[C]) keep(c C, b *Base, park bool) bool {
	switch {
	case p.closed || b.generation != p.generation:
		return false
	case p.outlived(b):
		p.stats.MaxLifetimeClosed++
		return false
	case p.o.Host != nil && p.passOnPlace(c, b):
		return true
	case p.waiters.len > 0:
		p.handOut(b)
		p.serve(p.waiters.first, handover[C]{conn: c})
		return true
	case !p.findRoom():
		p.stats.MaxIdleClosed++
		return false
	}
	p.startClock()
	b.idleSince = p.now
	as := parked
	if p.o.Host != nil {
		p.keepIdle(b)
		as = rested // so that its next use is seen, see evict.go
	}
	if park {
		p.addBerth(c, as)
		return true
	}
	b.used = true // also if nobody had it: it may have died before somebody has
	p.idle = append(p.idle, c)
	return true
}

// Discard closes c, which its holder found unfit for any other.
func (p *Pool[C]) Discard(c C) {
	p.mu.Lock()
	p.handIn(c.base())
	p.mu.Unlock()
	p.close(c)
}

// Stale says that c turned out dead. Where one connection died unnoticed, all
// that were opened with it are suspect: those that are idle are closed, those in
// use when they come back. The first of a generation does that; the others that
// died with it change nothing. c stays with the caller, who discards it.
func (p *Pool[C]) Stale(c C) {
	p.mu.Lock()
	var dropped []C
	if c.base().generation == p.generation {
		p.generation++
		p.recall()
		dropped, p.idle = p.idle, nil
	}
	p.mu.Unlock()
	p.closeAside(dropped)
}

// handOut is called with mu held.
func (p *Pool[C]) handOut(b *Base) {
	b.state.Store(taken)
	p.taken++
}

// handIn is called with mu held. A connection that is given back twice would be
// used by two at once, which must not happen at any price.
func (p *Pool[C]) handIn(b *Base) {
	switch b.state.Load() {
	case taken:
		p.taken--
	case berthed:
		p.removeBerth(b)
	default:
		p.mu.Unlock()
		panic("multidb: a connection was given back to its pool that was not taken from it")
	}
	b.state.Store(pooled)
}

// Close closes the idle connections, ends the dials, and answers the waiters with
// ErrClosed. It does not wait for the connections in use: each is closed when it
// comes back.
func (p *Pool[C]) Close() error {
	p.mu.Lock()
	p.closed = true
	p.recall()
	idle, dials := p.idle, slices.Collect(maps.Keys(p.dials))
	p.idle = nil
	if p.own != nil {
		p.own.endWith(ErrClosed)
	}
	p.stopClock()
	for p.waiters.len > 0 {
		p.serve(p.waiters.first, handover[C]{err: ErrClosed})
	}
	p.mu.Unlock()

	for _, d := range dials {
		d.cancel()
	}
	var errs []error
	for _, c := range idle {
		errs = append(errs, p.close(c))
	}
	return errors.Join(errs...)
}
