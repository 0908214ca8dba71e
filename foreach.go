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
// call begins, and the error is that of the context as well. A panic of fn goes on
// in the caller of ForEach when all calls have returned.
func ForEach(ctx context.Context, db *sql.DB, names []string, limit int, fn func(ctx context.Context, name string) error) error {
	switch {
	case FromDB(db) == nil:
		return errors.New("multidb: ForEach: the sql.DB was not opened with multidb")
	case limit < 1:
		return fmt.Errorf("multidb: ForEach: the limit is %d, and must be at least 1", limit)
	}
	e := eachCall{fn: fn, errs: make([]error, len(names)+1), places: make(chan struct{}, limit)}
	for i, name := range names {
		if !e.takePlace(ctx) {
			e.errs[len(names)] = ctx.Err()
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
