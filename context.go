package multidb

import "context"

// choiceKey is the one key under which a context carries a caller's choice, so
// that a statement pays for a single lookup.
type choiceKey struct{}

// choice is what a caller asked for through the context. It is never changed
// once it is in a context.
type choice struct {
	database    string
	hasDatabase bool   // database was set, possibly to "", the default one
	engine      string // "" is no choice
}

func choiceFrom(ctx context.Context) *choice {
	c, _ := ctx.Value(choiceKey{}).(*choice)
	return c
}

// WithDatabase returns a context that chooses the database by name for every
// statement and transaction that gets it. Inside that database, reads and
// writes are still split between its engines. The empty name is the default
// database, and chooses it even where a rule would say another one.
//
// A name that is not configured makes the statement fail with
// [ErrUnknownDatabase]; another database than that of the open transaction
// with [ErrTxDatabase].
func WithDatabase(ctx context.Context, name string) context.Context {
	c := choice{database: name, hasDatabase: true}
	if outer := choiceFrom(ctx); outer != nil {
		c.engine = outer.engine
	}
	return context.WithValue(ctx, choiceKey{}, &c)
}

// WithEngine returns a context that chooses the engine for every statement and
// transaction that gets it: by name ("replica1", "audit", "audit.replica1"), or
// by the roles [Primary] and [Replica]. The empty name takes the choice back.
//
// A named engine never falls back to another one. The role Replica falls back
// to the primary in a database that has no replica. A write on a replica fails
// with [ErrReadOnlyEngine], an unknown name with [ErrUnknownEngine], and another
// engine than that of the open transaction with [ErrTxEngine].
func WithEngine(ctx context.Context, name string) context.Context {
	c := choice{engine: name}
	if outer := choiceFrom(ctx); outer != nil {
		c.database, c.hasDatabase = outer.database, outer.hasDatabase
	}
	return context.WithValue(ctx, choiceKey{}, &c)
}
