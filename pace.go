package multidb

import (
	"math"
	"sync/atomic"
	"time"
)

// pace is how fast a replica begins to answer reads: a moving mean of the
// logarithm of that time. Of the logarithm, because one report among a thousand
// look-ups must not make a replica look slow.
type pace struct {
	log2 atomic.Int64 // of nanoseconds, times paceUnit
	n    atomic.Int64 // samples so far, as far as they matter
	slow atomic.Bool  // much slower than the fastest replica of the database
}

const (
	paceUnit     = 1 << 16
	paceMemory   = 16           // samples that the mean is made of
	paceForgives = 4            // of a slow replica, which gets few
	paceToTell   = 8            // samples that must be there before it tells anything
	paceSlow     = 2 * paceUnit // four times slower than the fastest: slow
	paceRecover  = 1 * paceUnit // less than twice as slow: not any more

	// One read in so many is timed; each one on a replica that is slow, as it gets
	// few, or of which too little is known.
	paceSampling = 8
)

// note adds a sample. Of two that come at the same time one may be lost.
func (p *pace) note(d time.Duration) {
	sample := int64(math.Log2(float64(max(d, 1))) * paceUnit)
	n := p.n.Load()
	if n < paceMemory {
		n++
		p.n.Store(n)
	}
	if p.slow.Load() {
		n = min(n, paceForgives)
	}
	mean := p.log2.Load()
	p.log2.Store(mean + (sample-mean)/n)
}

// beginTiming notes the time if the call is one of the reads that are timed. There
// is nothing to compare where a database has one replica.
func (c *Conn) beginTiming(ca *call) {
	if ca.route.reason != reasonRead || ca.via != viaQuery {
		return
	}
	c.reads++
	pace := &ca.route.engine.pace
	ca.timed = c.reads%paceSampling == 0 || pace.slow.Load() || pace.n.Load() < paceToTell
	if ca.timed && ca.began.IsZero() {
		ca.began = time.Now()
	}
}

// notePace takes the time that a read on e took, and compares the replicas.
func (db *database) notePace(e *engine, d time.Duration) {
	e.pace.note(d)
	timely := db.view.Load().timely.engines
	fastest := int64(math.MaxInt64)
	for _, other := range timely {
		if other.pace.n.Load() >= paceToTell {
			fastest = min(fastest, other.pace.log2.Load())
		}
	}
	changed := false
	for _, other := range timely {
		if other.pace.n.Load() < paceToTell {
			continue
		}
		behind, was := other.pace.log2.Load()-fastest, other.pace.slow.Load()
		is := behind > paceSlow || was && behind > paceRecover
		if is != was && other.pace.slow.CompareAndSwap(was, is) {
			changed = true
		}
	}
	if changed {
		db.refresh(nil)
	}
}
