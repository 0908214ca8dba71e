package multidb

import "math/rand/v2"

// Balance says how reads are spread over the replicas of a database. The zero
// value is [LeastBusy].
//
// Whatever it is, replicas that are down or drained are not asked, and one that
// answers many times slower than the fastest gets a read only now and then, to
// see whether that is still so.
type Balance struct {
	name   string // in JSON; "" is LeastBusy, or a program's own
	choose func(replicas []ReplicaLoad) int
}

var (
	// LeastBusy draws two replicas by weight and takes the one that has fewer
	// connections in use, by weight.
	LeastBusy = Balance{}

	// RoundRobin takes the replicas in turn, each as often as its weight says.
	RoundRobin = Balance{name: "round_robin"}

	// Random draws a replica by weight.
	Random = Balance{name: "random"}
)

// ReplicaLoad is what a [BalanceBy] function may go by.
type ReplicaLoad struct {
	Name   string
	Weight int
	InUse  int // connections in use
}

// BalanceBy returns a Balance that asks choose for an index into the replicas
// that may answer a read, of which there are two at least. An index outside of
// them means any. choose is called for every read, from many goroutines at once,
// and must not keep the slice.
func BalanceBy(choose func(replicas []ReplicaLoad) int) Balance { return Balance{choose: choose} }

func (b *Balance) decode(v value) error {
	var name string
	if err := decodeText(&name)(v); err != nil {
		return err
	}
	switch name {
	case "", "least_busy":
		*b = LeastBusy
	case RoundRobin.name:
		*b = RoundRobin
	case Random.name:
		*b = Random
	default:
		return v.errorf("%s is none of least_busy, round_robin, random", show(name))
	}
	return nil
}

// chanceOfSlow is how often a read goes to a replica although it may be slow: one
// in so many.
const chanceOfSlow = 128

// reader chooses the replica for a read, or nil if there is none. A replica that
// is in the asking Conn's hands already is taken again, so that a session needs
// one child and reads from one point in time.
func (k *Connector) reader(db *database, q *question) *engine {
	for _, ch := range q.leases {
		if ch.engine.database == db && ch.engine.isReplica() && !ch.broken && !q.detour.has(ch.engine) {
			return ch.engine
		}
	}
	v := db.view.Load()
	from := v.ready
	if len(v.ready.engines) < len(v.timely.engines) && rand.IntN(chanceOfSlow) == 0 {
		from = v.timely
	}
	if q.detour != nil {
		if from = from.without(q.detour); len(from.engines) == 0 {
			from = v.timely.without(q.detour)
		}
	}
	if len(from.engines) == 0 && k.settings.fallbackError {
		from = db.lateOnes(v).without(q.detour)
	}
	switch len(from.engines) {
	case 0:
		return nil
	case 1:
		return from.engines[0]
	}
	return k.settings.balance.among(db, &from)
}

// among chooses one of at least two.
func (b *Balance) among(db *database, from *candidates) *engine {
	switch {
	case b.choose != nil:
		return b.ask(from)
	case b.name == RoundRobin.name:
		return from.at(int((db.turn.Add(1) - 1) % uint64(from.weight)))
	case b.name == Random.name:
		return from.draw(nil)
	}
	first := from.draw(nil)
	second := from.draw(first)
	if second.load(first.weight) < first.load(second.weight) {
		return second
	}
	return first
}

func (b *Balance) ask(from *candidates) *engine {
	loads := make([]ReplicaLoad, len(from.engines))
	for i, e := range from.engines {
		loads[i] = ReplicaLoad{Name: e.name, Weight: e.weight, InUse: int(e.leases.Load())}
	}
	if i := b.choose(loads); i >= 0 && i < len(loads) {
		return from.engines[i]
	}
	return from.draw(nil)
}

// draw takes one engine by chance, in proportion to the weights, but not the one
// given.
func (c *candidates) draw(but *engine) *engine {
	if but == nil {
		return c.at(rand.IntN(c.weight))
	}
	n := rand.IntN(c.weight - but.weight)
	for _, e := range c.engines {
		if e == but {
			continue
		}
		if n -= e.weight; n < 0 {
			return e
		}
	}
	panic("multidb: bug: the weights of the replicas do not add up")
}

// at returns the engine at a place of a line on which each takes its weight.
func (c *candidates) at(n int) *engine {
	for _, e := range c.engines {
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
	if e.compared {
		e.leases.Add(n)
	}
}
