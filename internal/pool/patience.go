package pool

import (
	"context"
	"errors"
	"time"
)

// Where a server is slow to open connections, or does not answer at all, takers
// wait in line for the right to dial. Those who may find what they want at another
// server shall not: after some time they are told.

// ErrLate is of a taker who has waited long, and only for the right to dial. One
// who has nowhere else to go takes again, with a context from Patient.
var ErrLate = errors.New("multidb: the server is slow to open connections")

type patient struct{}

// Patient returns a context whose takers are not told ErrLate.
func Patient(ctx context.Context) context.Context { return context.WithValue(ctx, patient{}, true) }

func (w *waiter[C]) isPatient() bool { return w.ctx.Value(patient{}) != nil }

func (p *Pool[C]) patience() time.Duration {
	if p.o.Owner == nil {
		return 0
	}
	return p.o.Owner.Patience()
}

// tire tells w that it is late, if the right to dial is what it waits for.
func (p *Pool[C]) tire(w *waiter[C]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !w.isPatient() && p.lacksDial(w) && p.o.Host.dialsAreTaken() {
		p.serve(w, handover[C]{err: ErrLate})
	}
}

// PassOver tells those who wait for a dial of their own that it is late, whatever
// they lack for it.
func (p *Pool[C]) PassOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var next *waiter[C]
	for w := p.waiters.first; w != nil; w = next {
		if next = w.next; !w.isPatient() && p.lacksDial(w) {
			p.serve(w, handover[C]{err: ErrLate})
		}
	}
}

// lacksDial says whether w waits, no dial is for it, and no connection could come
// back. Called with mu held.
func (p *Pool[C]) lacksDial(w *waiter[C]) bool {
	if !w.queued || !p.isHopeless() {
		return false
	}
	for i, other := 0, p.waiters.first; i < len(p.dials); i, other = i+1, other.next {
		if other == w {
			return false
		}
	}
	return true
}

func (h *Host) dialsAreTaken() bool {
	h.cap.mu.Lock()
	defer h.cap.mu.Unlock()
	return h.freeDials() <= 0
}
