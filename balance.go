package multidb

import "math/rand/v2"

// balance chooses one of the replicas, of which there is at least one: the less
// busy of two that are drawn by weight. A replica that is in the asking Conn's
// hands already is taken again, so that a session needs one child and reads
// from one point in time.
func (db *database) balance(leases []*child) *engine {
	for _, ch := range leases {
		if ch.engine.replica && ch.engine.database == db && !ch.broken {
			return ch.engine
		}
	}
	if len(db.replicas) == 1 {
		return db.replicas[0]
	}
	first := db.draw(nil)
	second := db.draw(first)
	if second.load(first.weight) < first.load(second.weight) {
		return second
	}
	return first
}

// draw takes one replica by chance, in proportion to the weights, but not the
// one given.
func (db *database) draw(but *engine) *engine {
	total := db.replicaWeight
	if but != nil {
		total -= but.weight
	}
	n := rand.IntN(total)
	for _, e := range db.replicas {
		if e == but {
			continue
		}
		if n -= e.weight; n < 0 {
			return e
		}
	}
	panic("multidb: bug: the weights of the replicas do not add up")
}

// load is what compares with another engine's load: leases in use, times the
// other's weight.
func (e *engine) load(otherWeight int) int { return int(e.leases.Load()) * otherWeight }

// countLease follows the leases of an engine that is compared with others. For
// the rest, nobody asks.
func (e *engine) countLease(n int64) {
	if e.replica && len(e.database.replicas) > 1 {
		e.leases.Add(n)
	}
}
