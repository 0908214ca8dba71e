package pool

// A place is the right to have one connection to the engine. It is taken before
// the dial begins and given back after Close has returned, so that MaxOpen holds
// at every instant as the server sees it. All of that is in this file; what a Host
// and its Cap have to say to it is in capped.go.

// takePlace says whether there was a place to take. Called with mu held.
func (p *Pool[C]) takePlace() bool {
	if p.full() || p.o.Host != nil && !p.takeShared() {
		return false
	}
	p.open++
	return true
}

// full is called with mu held.
func (p *Pool[C]) full() bool { return p.o.MaxOpen > 0 && p.open >= p.o.MaxOpen }

// hasRoom says whether there is a place, for those who could give something back
// before they wait for one. Called with mu held.
func (p *Pool[C]) hasRoom() bool { return !p.full() && (p.o.Host == nil || p.o.Host.hasRoom()) }

// freePlace is called with mu held.
func (p *Pool[C]) freePlace() {
	wasFull := p.full()
	p.open--
	if p.o.Host != nil {
		p.freeShared()
	}
	p.startDials()
	if wasFull {
		p.startLateTimers()
	}
}

// close ends a connection that nobody holds. Called without mu.
func (p *Pool[C]) close(c C) error {
	defer func() {
		p.mu.Lock()
		p.freePlace()
		p.mu.Unlock()
	}()
	return c.Close()
}

// closeAside is for connections that the caller has nothing to do with, and
// should not wait for. Each has its own goroutine: one that is slow to close
// must not keep the places of the others. Called without mu.
func (p *Pool[C]) closeAside(conns []C) {
	for _, c := range conns {
		go p.close(c)
	}
}
