package multidb

import "database/sql"

// Stats is what the engines of a connector did so far.
type Stats struct {
	Engines []EngineStats // in the order of the configuration
}

// EngineStats is what one engine did so far.
type EngineStats struct {
	Name     string
	Database string // "" is the default one
	Role     string // Primary or Replica

	// Pool tells of the engine's child connections what sql.DBStats tells of
	// one database. Where a single engine's children are held by the sql.DB's
	// own connections, only OpenConnections, InUse and Idle are set, and
	// sql.DB.Stats has the rest.
	Pool sql.DBStats

	// Routed counts the statements that went to the engine, and the transactions
	// that began there, by reason: "read", "write", "in transaction", "chosen by
	// context", ... as the log says it.
	Routed map[string]uint64
}

// Stats returns what the engines did so far. While they are in use, the numbers
// are of slightly different moments.
func (k *Connector) Stats() Stats {
	s := Stats{Engines: make([]EngineStats, len(k.all))}
	for i, e := range k.all {
		s.Engines[i] = e.stats()
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
	s := EngineStats{Name: e.name, Database: e.database.name, Role: Primary, Routed: make(map[string]uint64)}
	if e.replica {
		s.Role = Replica
	}
	for r := range reasons {
		if n := e.routed[r].Load(); n > 0 {
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
