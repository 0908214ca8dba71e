package multidb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// ForEach calls fn for each of the named databases, at most limit of them at a
// time, with a context that chooses the database. It returns when all calls have
// returned, with their errors joined, each with the name of its database.
//
// An error does not keep the others from being called. When ctx ends, no further
// call begins, and one of the errors is that of the context and says from which
// name on, in the order given, none was called. A panic of fn goes on in the caller
// of ForEach when all calls have returned.
//
// A sql.DB that was not opened with multidb is an error, because all calls would
// work on its one database. It may be wrapped by another driver, such as one that
// traces.
func ForEach(ctx context.Context, db *sql.DB, names []string, limit int, fn func(ctx context.Context, name string) error) error {
	switch {
	case limit < 1:
		return fmt.Errorf("multidb: ForEach: the limit is %d, and must be at least 1", limit)
	case !leadsHere(ctx, db) && ctx.Err() == nil:
		return errors.New("multidb: ForEach: the sql.DB was not opened with multidb")
	}
	e := eachCall{fn: fn, errs: make([]error, len(names)+1), places: make(chan struct{}, limit)}
	for i, name := range names {
		if !e.takePlace(ctx) {
			e.errs[len(names)] = fmt.Errorf("multidb: ForEach: %d of %d were not begun, from database %q on: %w", len(names)-i, len(names), name, ctx.Err())
			break
		}
		e.running.Go(func() {
			defer func() { <-e.places }()
			e.errs[i] = e.call(WithDatabase(ctx, name), name)
		})
	}
	e.running.Wait()
	if e.panicked != nil {
		panic(e.panicked)
	}
	return errors.Join(e.errs...)
}

// leadsHere reports whether db was opened with multidb, be it below a wrapper, which
// passes on that no database can have such a name: no other driver says so.
func leadsHere(ctx context.Context, db *sql.DB) bool {
	return FromDB(db) != nil || errors.Is(db.PingContext(WithDatabase(ctx, "?")), ErrUnknownDatabase)
}

type eachCall struct {
	fn      func(ctx context.Context, name string) error
	running sync.WaitGroup
	places  chan struct{}
	errs    []error // by the place of the name

	mu       sync.Mutex // guards panicked
	panicked any        // by the first call that did
}

func (e *eachCall) takePlace(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case e.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (e *eachCall) call(ctx context.Context, name string) error {
	defer func() {
		if p := recover(); p != nil {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.panicked == nil {
				e.panicked = p
			}
		}
	}()
	if err := e.fn(ctx, name); err != nil {
		return fmt.Errorf("multidb: database %q: %w", name, err)
	}
	return nil
}

// Databases returns the names of the configured databases in order, "" for the
// default one. Databases of Config.Tenants and Config.Resolve are not among them:
// who they are is known to the program.
func (k *Connector) Databases() iter.Seq[string] {
	names := make([]string, 0, len(k.databases))
	for name := range k.databases {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Values(names)
}
