package multidb

import (
	"database/sql"
	"slices"
	"strings"
)

// Stats is what the engines of a connector did so far.
type Stats struct {
	Engines []EngineStats // in the order of the configuration; then those of tenants that are open, by name
}

// EngineStats is what one engine did so far.
type EngineStats struct {
	Name     string
	Database string // "" is the default one
	Role     string // Primary or Replica; with Config.Discover, the present one
	State    string // Up, Down or Drained

	// Pool tells of the engine's child connections what sql.DBStats tells of
	// one database. Where a single engine's children are held by the sql.DB's
	// own connections, only OpenConnections, InUse and Idle are set, and
	// sql.DB.Stats has the rest.
	Pool sql.DBStats

	// Routed counts the statements that went to the engine, and the transactions
	// that began there, by reason: "read", "write", "in transaction", "chosen by
	// context", ... as the log says it.
	Routed map[string]uint64

	// Moved counts the statements that the engine did not begin to answer, and
	// that were sent to another one. Rescued counts those that it refused as
	// writes, and that the primary ran: texts that were taken for reads.
	Moved   uint64
	Rescued uint64
}

// The states of an engine in EngineStats.
const (
	Up      = "up"
	Down    = "down"    // it could not be reached when it was last tried
	Drained = "drained" // taken out of service with EngineControl.Drain
)

// Stats returns what the engines did so far. While they are in use, the numbers
// are of slightly different moments.
func (k *Connector) Stats() Stats {
	var s Stats
	for _, e := range k.all {
		s.Engines = append(s.Engines, e.stats())
	}
	if k.tenants == nil {
		return s
	}
	open := k.tenants.all()
	slices.SortFunc(open, func(a, b *database) int { return strings.Compare(a.name, b.name) })
	for _, db := range open {
		for _, e := range db.engines {
			s.Engines = append(s.Engines, e.stats())
		}
	}
	return s
}

// Engine returns the part of one engine. ok is false if there is none of that
// name.
func (s Stats) Engine(name string) (stats EngineStats, ok bool) {
	for _, e := range s.Engines {
		if e.Name == name {
			return e, true
		}
	}
	return EngineStats{}, false
}

func (e *engine) stats() EngineStats {
	s := EngineStats{Name: e.name, Database: e.database.name, Role: Primary, State: Up, Routed: make(map[string]uint64),
		Moved: e.moved.Load(), Rescued: e.rescued.Load()}
	if e.isReplica() {
		s.Role = Replica
	}
	switch {
	case e.drained.Load():
		s.State = Drained
	case e.isDown():
		s.State = Down
	}
	for r := range reasons {
		if n := e.routed.load(r); n > 0 {
			s.Routed[r.String()] = n
		}
	}
	if e.pool == nil {
		open, inUse := int(e.held.open.Load()), int(e.held.inUse.Load())
		s.Pool = sql.DBStats{OpenConnections: open, InUse: inUse, Idle: open - inUse}
		return s
	}
	p := e.pool.Stats()
	s.Pool = sql.DBStats{
		MaxOpenConnections: p.MaxOpen,
		OpenConnections:    p.Open,
		InUse:              p.InUse,
		Idle:               p.Idle,
		WaitCount:          p.WaitCount,
		WaitDuration:       p.WaitDuration,
		MaxIdleClosed:      p.MaxIdleClosed,
		MaxIdleTimeClosed:  p.MaxIdleTimeClosed,
		MaxLifetimeClosed:  p.MaxLifetimeClosed,
	}
	return s
}
