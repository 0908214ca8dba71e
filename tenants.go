package multidb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// tenants are the databases that are opened on first use. An open one costs its
// engines' structures and nothing else: connections come with use and go with
// idle time.
type tenants struct {
	k *Connector

	mu      sync.Mutex           // guards all that follows. Nothing is opened or closed while it is held
	closed  bool                 // for ever
	open    map[string]*database // by name
	opening map[string]*opening  // by name; not in open at the same time
	first   *database            // used last
	last    *database            // not used for the longest time

	closing sync.WaitGroup // of those that were put out
}

// opening is a tenant's database that somebody is about to open.
type opening struct {
	done chan struct{} // closed when it has ended
	err  error         // for those who waited; nil if they are to look again
}

// neighbours are the databases before and after one in the order of use.
type neighbours struct{ newer, older *database }

func newTenants(k *Connector) *tenants {
	return &tenants{k: k, open: make(map[string]*database), opening: make(map[string]*opening)}
}

var (
	errConnectorClosed = errors.New("multidb: the sql.DB is closed")
	errResolvePanicked = errors.New("multidb: the Resolve function panicked")
)

// find returns the database of a tenant, and opens it if it is not open. Of many
// that ask at the same time one opens it.
func (ts *tenants) find(ctx context.Context, name string) (*database, error) {
	for {
		ts.mu.Lock()
		if ts.closed {
			ts.mu.Unlock()
			return nil, errConnectorClosed
		}
		if db := ts.open[name]; db != nil {
			ts.use(db)
			ts.mu.Unlock()
			return db, nil
		}
		o := ts.opening[name]
		if o == nil && (!isDatabaseName(name) || isRole(name)) { // none of these is ever open
			ts.mu.Unlock()
			return nil, fmt.Errorf("%w %s: a name is letters, digits, '_' and '-', at most 63", ErrUnknownDatabase, show(name))
		}
		if o == nil {
			o = &opening{done: make(chan struct{}), err: errResolvePanicked}
			ts.opening[name] = o
			ts.mu.Unlock()
			return ts.openOne(ctx, name, o)
		}
		ts.mu.Unlock()
		select {
		case <-o.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.err != nil {
			return nil, o.err
		}
	}
}

// openOne opens a database for its caller and for all who wait for it.
func (ts *tenants) openOne(ctx context.Context, name string, o *opening) (db *database, err error) {
	defer func() { // also after a panic
		ts.mu.Lock()
		current := ts.opening[name] == o
		if current {
			delete(ts.opening, name)
		}
		var surplus []*database
		switch {
		case db == nil:
		case current && !ts.closed:
			ts.open[name] = db
			ts.use(db)
			surplus = ts.surplus()
			ts.closing.Add(len(surplus))
		default:
			defer db.close() // it was forgotten meanwhile, so its user looks again
		}
		close(o.done)
		ts.mu.Unlock()
		if db != nil {
			db.catchUp()
		}
		ts.putOut(surplus)
	}()
	db, err = ts.resolve(ctx, name)
	if o.err = err; ctx.Err() != nil {
		o.err = nil // the end of this caller's context is not that of the others
	}
	return db, err
}

// putOut closes databases that were taken out: aside where there are connections,
// for whose end the statement that wants another database need not wait.
func (ts *tenants) putOut(surplus []*database) {
	for _, db := range surplus {
		end := func() {
			defer ts.closing.Done()
			db.close()
		}
		if db.isEmpty() {
			end()
		} else {
			go end()
		}
	}
}

// resolve asks what the tenant's engines are, and opens them, which dials
// nothing.
func (ts *tenants) resolve(ctx context.Context, name string) (*database, error) {
	config, err := ts.k.settings.tenantOf(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := config.checkLengths(); err != nil {
		return nil, err
	}
	return ts.k.openDatabase(config)
}

// use makes db the one that was used last. Called with mu held.
func (ts *tenants) use(db *database) {
	if ts.first == db {
		return
	}
	ts.unlink(db)
	db.older = ts.first
	if ts.first != nil {
		ts.first.newer = db
	}
	ts.first = db
	if ts.last == nil {
		ts.last = db
	}
}

// spurn makes db the next to be put out, as its server does not let anybody in. A
// name that is no tenant's must not put out those that are. ts may be nil.
func (ts *tenants) spurn(db *database) {
	if ts == nil {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.open[db.name] != db || ts.last == db {
		return
	}
	ts.unlink(db)
	db.newer, ts.last.older = ts.last, db
	ts.last = db
}

// drain takes an engine out of service, which keeps its database open, and reports
// whether that still was.
func (ts *tenants) drain(e *engine) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.open[e.database.name] != e.database {
		return false
	}
	e.drained.Store(true)
	return true
}

// has reports whether db is one of the tenants. ts may be nil.
func (ts *tenants) has(db *database) bool { return ts != nil && ts.k.databases[db.name] != db }

// unlink is called with mu held. db need not be in the list.
func (ts *tenants) unlink(db *database) {
	if db.newer != nil {
		db.newer.older = db.older
	} else if ts.first == db {
		ts.first = db.older
	}
	if db.older != nil {
		db.older.newer = db.newer
	} else if ts.last == db {
		ts.last = db.newer
	}
	db.newer, db.older = nil, nil
}

// surplus takes out what is over the limit, the least recently used first, but
// nothing that is in use or drained: while all are, there may be more. Called with mu held;
// the caller puts them out.
func (ts *tenants) surplus() (out []*database) {
	for db := ts.last; db != nil && len(ts.open) > ts.k.settings.maxDatabases; {
		newer := db.newer
		if db != ts.first && !db.inUse() && !db.isDrained() {
			ts.remove(db)
			out = append(out, db)
		}
		db = newer
	}
	return out
}

// remove is called with mu held.
func (ts *tenants) remove(db *database) {
	delete(ts.open, db.name)
	ts.unlink(db)
}

// forget takes a tenant out and closes what is idle of it.
func (ts *tenants) forget(name string) error {
	ts.mu.Lock()
	delete(ts.opening, name) // who opens it now finds out
	db := ts.open[name]
	if db != nil {
		ts.remove(db)
	}
	ts.mu.Unlock()
	if db == nil {
		return nil
	}
	return db.close()
}

// all returns the databases that are open.
func (ts *tenants) all() []*database {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return slices.Collect(maps.Values(ts.open))
}

// close forgets all, for ever.
func (ts *tenants) close() error {
	ts.mu.Lock()
	open := ts.open
	ts.closed, ts.open, ts.first, ts.last = true, nil, nil, nil
	ts.mu.Unlock()
	var errs []error
	for _, db := range open {
		errs = append(errs, db.close())
	}
	ts.closing.Wait()
	return errors.Join(errs...)
}

func (ts *tenants) isClosed() bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.closed
}

// isForgotten reports whether the tenant's database was closed while the
// connector was not.
func (db *database) isForgotten(k *Connector) bool {
	return db.closed.Load() && k.tenants != nil && k.databases[db.name] != db && !k.tenants.isClosed()
}

// Forget drops what is known of a database of Config.Tenants or Config.Resolve, so
// that its next use resolves it anew: to move a tenant, or to let one go. What is
// under way there ends on the engines where it began, transactions included, and
// their connections are closed as it does. A configured database cannot be
// forgotten; a name that is not open is no error.
func (k *Connector) Forget(name string) error {
	if _, ok := k.databases[name]; ok {
		return fmt.Errorf("multidb: database %q is configured and cannot be forgotten", name)
	}
	if k.tenants == nil {
		return fmt.Errorf("%w %q", ErrUnknownDatabase, name)
	}
	return k.tenants.forget(name)
}
