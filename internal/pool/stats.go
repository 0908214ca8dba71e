package pool

import "time"

// Stats tells of one pool what sql.DBStats tells of a *sql.DB. Open counts also
// the connections that are being opened or closed.
type Stats struct {
	MaxOpen int // 0: no limit

	Open    int
	InUse   int
	Idle    int
	Waiting int // takers, be it for a dial

	Counters
}

// Counters only ever rise.
type Counters struct {
	Dials             int64         // begun
	WaitCount         int64         // takers that had to wait for a connection to come back
	WaitDuration      time.Duration // of those that wait no longer
	MaxIdleClosed     int64
	MaxIdleTimeClosed int64
	MaxLifetimeClosed int64
}

// Stats returns the counts of this moment.
func (p *Pool[C]) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Counters: p.stats}
	s.MaxOpen = p.o.MaxOpen
	s.Open = p.open
	s.InUse, s.Idle, s.Waiting = p.taken, len(p.idle), p.waiters.len
	if p.own != nil {
		s.Waiting++ // its taker
	}
	for _, c := range p.berths {
		if c.base().isParked() {
			s.Idle++
		} else {
			s.InUse++
		}
	}
	return s
}
