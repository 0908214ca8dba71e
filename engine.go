package multidb

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync/atomic"

	"github.com/multidb-go/multidb/internal/pool"
)

// database is one set of data, served by engines.
type database struct {
	name          string // "" is the default one
	primary       *engine
	replicas      []*engine
	replicaWeight int // of all replicas
	dialect       Dialect
}

// engine is one endpoint that serves a copy of a database.
type engine struct {
	database *database
	name     string
	replica  bool
	weight   int

	pool   *pool.Pool[*child] // nil if Conns hold their children
	leases atomic.Int64       // in use; see countLease
	held   heldStats          // instead of the pool's

	connector driver.Connector
	dsn       string // only to keep its secrets out of errors

	routed [reasons]atomic.Uint64
}

// heldStats counts children that Conns hold, which no pool knows.
type heldStats struct{ open, inUse atomic.Int64 }

// newEngine opens the child's connector, which dials nothing, and adds the
// engine to its database.
func newEngine(db *database, c *engineConfig, pooled bool) (*engine, error) {
	e := &engine{name: c.name, database: db, replica: c.replica, weight: c.weight, connector: c.connector, dsn: c.dsn}
	if e.connector == nil {
		connector, err := openConnector(c.driver, c.dsn)
		if err != nil {
			return nil, e.connectionError(context.Background(), err)
		}
		e.connector = connector
	}
	if pooled {
		e.pool = pool.New(e.dial, pool.Options{
			MaxOpen:     c.pool.maxOpen,
			MaxIdle:     c.pool.maxIdle,
			MaxLifetime: c.pool.maxLifetime,
			MaxIdleTime: c.pool.maxIdleTime,
		})
	}
	if c.replica {
		db.replicas = append(db.replicas, e)
		db.replicaWeight += e.weight
	} else {
		db.primary = e
	}
	return e, nil
}

func (e *engine) count(r reason)   { e.routed[r].Add(1) }
func (e *engine) uncount(r reason) { e.routed[r].Add(^uint64(0)) }

// dial opens a child.
func (e *engine) dial(ctx context.Context) (*child, error) {
	conn, err := e.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return newChild(e, conn), nil
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
