package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// database is one set of data, served by engines.
type database struct {
	name     string    // "" is the default one
	engines  []*engine // the configured primary first
	dialect  Dialect
	discover bool // which of them is the primary is asked of the servers
	closed   atomic.Bool

	neighbours // among the tenants; guarded by their mutex

	view     atomic.Pointer[view] // what routing goes by
	mu       sync.Mutex           // guards the making of a new view, and replaced
	replaced chan struct{}        // closed when a new view is there; nil if nobody waits
	turn     atomic.Uint64        // of RoundRobin
	doubts   atomic.Uint64        // how often the roles were doubted
	waiting  atomic.Int64         // statements that wait for the primary
	refused  atomic.Bool          // the primary was doubted because it refused a write
	vain     atomic.Int64         // when that last came to nothing, in nanoseconds of the wall clock

	// The watcher's own.
	active  bool      // statements ran lately
	round   *round    // in which the engines are asked what they are; nil if there is none
	rounded time.Time // when the last one ended
	spared  bool      // it left an engine out, as no place was free and nobody waited
	settled bool      // it made the roles known
}

// inUse reports whether somebody works with the database, or waits to.
func (db *database) inUse() bool {
	if db.waiting.Load() > 0 {
		return true
	}
	for _, e := range db.engines {
		if s := e.pool.Stats(); s.InUse > 0 || s.Waiting > 0 {
			return true
		}
	}
	return false
}

// isDrained reports whether an engine was taken out of service, which nobody would
// know any more if the database were opened anew.
func (db *database) isDrained() bool {
	return slices.ContainsFunc(db.engines, func(e *engine) bool { return e.drained.Load() })
}

// usage changes when somebody does something with the database.
func (db *database) usage() (n uint64) {
	for _, e := range db.engines {
		n += e.ended() + uint64(e.pool.Stats().Dials)
	}
	return n
}

// isEmpty reports whether there is no connection.
func (db *database) isEmpty() bool {
	for _, e := range db.engines {
		if e.pool.Stats().Open > 0 {
			return false
		}
	}
	return true
}

// close closes the pools and then the child connectors. Children in use are
// closed when they come back.
func (db *database) close() error {
	db.closed.Store(true)
	var errs []error
	for _, e := range db.engines {
		if e.pool != nil {
			errs = append(errs, e.pool.Close())
		}
	}
	for _, e := range db.engines {
		errs = append(errs, e.closeConnectors())
		if e.host != nil {
			e.host.last.CompareAndSwap(e, nil)
			e.watcher.k.hosts.leave(e.host)
		}
	}
	return errors.Join(errs...)
}

// engine is one endpoint that serves a copy of a database.
type engine struct {
	// What every statement asks for.
	name     string
	database *database
	weight   int
	replica  atomic.Bool // its role
	drained  atomic.Bool
	compared bool               // with other replicas: its leases are counted, and reads are timed
	guarded  bool               // where it is a replica, its connections are read-only
	heeds    bool               // the driver ends a dial when its context ends
	late     atomic.Int32       // dials that take long; below 0 for a moment
	leases   atomic.Int64       // in use; see countLease
	pool     *pool.Pool[*child] // nil if Conns hold their children
	held     *heldStats         // instead of the pool's

	// How it is reached.
	connector driver.Connector // of the child driver
	readOnly  driver.Connector // the same for read-only connections; nil if they need a statement
	dsn       string           // only to keep its secrets out of errors

	// How it is.
	outage  atomic.Pointer[outage] // nil while it can be reached
	pace    pace
	open    children
	watcher *watcher    // is told of what the engine comes to
	watched *watched    // the watcher's own; nil until it has to do with the engine
	host    *sharedHost // with whom it shares limits; nil if with nobody

	routed  counters
	expired atomic.Uint64 // calls that ended with their caller's context
	moved   atomic.Uint64 // statements that it did not begin to answer, and that went elsewhere
	rescued atomic.Uint64 // statements that it refused as writes, and that the primary ran
}

// heldStats counts children that Conns hold, which no pool knows.
type heldStats struct{ open, inUse atomic.Int64 }

// addEngine opens the child's connector, which dials nothing, and adds the
// engine to its database.
func (k *Connector) addEngine(db *database, c *engineConfig) error {
	e := &engine{name: c.name, database: db, weight: c.weight, guarded: !c.trusted, connector: c.connector, dsn: c.dsn, watcher: k.watcher}
	e.replica.Store(c.replica)
	if err := e.openConnectors(c); err != nil {
		return e.connectionError(context.Background(), err)
	}
	e.heeds = heedsContext(e.connector)
	if e.dsn == "" {
		k.given.take(e.connector)
	}
	if k.settings.holds() {
		e.held = new(heldStats)
	} else {
		options := pool.Options{
			MaxOpen:     c.pool.maxOpen,
			MaxIdle:     c.pool.maxIdle,
			MaxLifetime: c.pool.maxLifetime,
			MaxIdleTime: c.pool.maxIdleTime,
			Owner:       e,
		}
		if k.hosts != nil {
			options.Host, e.host = k.hosts.join(c)
		}
		e.pool = pool.New(e.dial, options)
	}
	db.engines = append(db.engines, e)
	return nil
}

func (e *engine) openConnectors(c *engineConfig) (err error) {
	if e.connector != nil {
		return nil
	}
	if e.connector, err = openConnector(c.driver, c.dsn); err != nil {
		return err
	}
	if e.guarded && (c.replica || e.database.discover) {
		e.readOnly, err = readOnlyConnector(c.driver, c.dsn, e.connector)
	}
	return err
}

// connectTimeout is 0 with a single engine: no limit but the driver's.
func (e *engine) connectTimeout() time.Duration {
	if e.pool == nil {
		return 0
	}
	return e.watcher.k.settings.connectTimeout
}

func (e *engine) isReplica() bool { return e.replica.Load() }

// counter is for the statements that come for that reason.
func (e *engine) counter(r reason) *atomic.Uint64 {
	block := e.routed[r/blockSize].Load()
	if block == nil {
		block = e.routed.block(r)
	}
	return &block[r%blockSize]
}

// ended returns how many calls the server has ended.
func (e *engine) ended() uint64 {
	n := e.moved.Load() + e.rescued.Load() - e.expired.Load()
	for r := range reasons {
		n += e.routed.load(r)
	}
	return n
}

// counters count by reason. An engine has few reasons, and there may be thousands
// of engines, so they come in blocks, as they are needed.
type counters [(reasons + blockSize - 1) / blockSize]atomic.Pointer[counterBlock]

type counterBlock [blockSize]atomic.Uint64

const blockSize = 8

// block makes the block of a reason, unless somebody else does.
func (c *counters) block(r reason) *counterBlock {
	c[r/blockSize].CompareAndSwap(nil, new(counterBlock))
	return c[r/blockSize].Load()
}

func (c *counters) load(r reason) uint64 {
	if block := c[r/blockSize].Load(); block != nil {
		return block[r%blockSize].Load()
	}
	return 0
}

// connect opens a child as its role wants it.
func (e *engine) connect(ctx context.Context) (*child, error) {
	guard := e.guarded && e.isReplica()
	connector := e.connector
	if guard && e.readOnly != nil {
		connector = e.readOnly
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	ch := newChild(e, conn)
	ch.guarded = guard
	if guard && e.readOnly == nil {
		if err := ch.forbidWrites(ctx); err != nil {
			conn.Close()
			return nil, err
		}
	}
	e.open.add(ch)
	return ch, nil
}

// connectionError says at which engine no connection could be had. The end of
// the caller's own context is nobody's error.
func (e *engine) connectionError(ctx context.Context, err error) error {
	if err == ctx.Err() {
		return err
	}
	text := strings.TrimPrefix(redact(err.Error(), e.dsn), "multidb: ")
	return &engineError{engine: e.name, text: text, err: err}
}

// closeConnectors closes those of the child driver's connectors that can be, a
// given one with the last engine that has it.
func (e *engine) closeConnectors() error {
	var errs []error
	for _, c := range []driver.Connector{e.connector, e.readOnly} {
		if e.dsn == "" && !e.watcher.k.given.release(c) {
			continue // another engine has it, too
		}
		if closer, ok := c.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}
