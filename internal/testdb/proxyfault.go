package testdb

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Fault is what a Proxy does to those who use it.
type Fault struct {
	kind        faultKind
	delay       time.Duration
	probability float64
	seed        uint64
}

type faultKind int

const (
	pass faultKind = iota
	refuse
	drop
	mute
	cutSome
	cutNext
)

var (
	// Pass is the absence of faults: all is forwarded at once.
	Pass = Fault{}

	// Refuse is a machine on which nobody listens: connections are reset, and
	// connects are refused.
	Refuse = Fault{kind: refuse}

	// Drop is a machine that is gone, or behind a firewall: nothing comes
	// through on the connections that exist, and connects hang. When it is over,
	// they go on.
	Drop = Fault{kind: drop}

	// Mute is a server that hangs: nothing comes through on the connections that
	// exist, new ones are accepted, and nobody answers. When it is over, they go
	// on.
	Mute = Fault{kind: mute}

	// CutNext swallows the next reply, after the server has done what was asked,
	// and closes its connection. Then all passes.
	CutNext = Fault{kind: cutNext}
)

// Delay is a server that is far away: what it sends arrives later by d.
func Delay(d time.Duration) Fault { return Fault{delay: d} }

// Cut swallows a reply with the given probability, after the server has done
// what was asked, and closes its connection. The same seed chooses the same
// replies, counted over all connections. What a server says while a connection
// is set up is a reply, too.
func Cut(probability float64, seed uint64) Fault {
	return Fault{kind: cutSome, probability: probability, seed: seed}
}

// episode is the time during which a proxy has one fault.
type episode struct {
	Fault
	over chan struct{} // closed when another episode has begun

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	done   bool // cutNext has cut one
}

func newEpisode(f Fault) *episode {
	return &episode{Fault: f, over: make(chan struct{}), random: rand.New(rand.NewPCG(f.seed, 0))}
}

// hangs reports whether nothing is forwarded.
func (e *episode) hangs() bool { return e.kind == drop || e.kind == mute }

// swallows decides the fate of one reply.
func (e *episode) swallows() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch e.kind {
	case cutSome:
		return e.random.Float64() < e.probability
	case cutNext:
		first := !e.done
		e.done = true
		return first
	}
	return false
}
