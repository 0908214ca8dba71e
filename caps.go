package multidb

import (
	"sync"

	"github.com/multidb-go/multidb/internal/pool"
)

// dialsAtOnce is how many connections to one server are opened at the same time.
// It forks a process or starts a thread for each, and can do so a few hundred
// times a second at best. Each has a place already, so where those are few, no
// server gets more than a part of them for connections that it may never open.
const (
	dialsAtOnce = 16
	dialsPart   = 4 // of max_open_total
)

// hosts are the servers behind the engines, with the limits that those share.
type hosts struct {
	perHost int
	dials   int // at once, to one host
	total   *pool.Cap

	mu      sync.Mutex // guards what follows
	byName  map[string]*sharedHost
	leaving map[string]*sharedHost   // of these: those without engines whose last connections are in use
	trouble map[*sharedHost]struct{} // those with an outage, as far as the watcher has not seen its end
}

// sharedHost is a server, and how many engines are there.
type sharedHost struct {
	*pool.Host
	name    string
	engines int
	hostHealth
}

// newHosts returns nil if the configuration limits no more than each engine by
// itself.
func newHosts(s *settings) *hosts {
	if s.maxOpenTotal == 0 && s.maxOpenPerHost == 0 && !s.hasTenants() {
		return nil
	}
	dials := dialsAtOnce
	if s.maxOpenTotal > 0 {
		dials = min(dials, max(1, s.maxOpenTotal/dialsPart))
	}
	return &hosts{perHost: s.maxOpenPerHost, dials: dials, total: pool.NewCap(s.maxOpenTotal),
		byName: make(map[string]*sharedHost), leaving: make(map[string]*sharedHost)}
}

// untold is the host of all engines whose server cannot be told, where each server
// has a limit: it holds for each of them if it holds for all together.
const untold = "untold"

// join returns the host of an engine. One whose server cannot be told is on a host
// of its own if servers have no limit, and so is a file: that one is not shared.
func (hs *hosts) join(c *engineConfig) (h *pool.Host, shared *sharedHost) {
	name := c.address.host
	if name == "" && hs.perHost > 0 && c.dialect != SQLite {
		name = untold
	}
	if name == "" {
		return hs.total.Host(0, hs.dials), nil
	}
	shared = hs.named(name)
	return shared.Host, shared
}

func (hs *hosts) named(name string) *sharedHost {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.byName[name]
	if h == nil {
		hs.forgetLeaving()
		h = &sharedHost{Host: hs.total.Host(hs.perHost, hs.dials), name: name}
		hs.byName[name] = h
	}
	delete(hs.leaving, name)
	h.engines++
	return h
}

// leave is called when an engine of the host is closed. While connections are
// still in use the host must be known, because they count.
func (hs *hosts) leave(h *sharedHost) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.engines--; h.engines == 0 {
		hs.leaving[h.name] = h
		hs.forgetLeaving()
	}
}

// isShared reports whether there are several engines at the host.
func (hs *hosts) isShared(h *sharedHost) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return h.engines > 1
}

// noteTrouble has the watcher look after the host.
func (hs *hosts) noteTrouble(h *sharedHost) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.trouble == nil {
		hs.trouble = make(map[*sharedHost]struct{})
	}
	hs.trouble[h] = struct{}{}
}

// inTrouble returns the hosts with an outage.
func (hs *hosts) inTrouble() (list []*sharedHost) {
	if hs == nil {
		return nil
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for h := range hs.trouble {
		switch {
		case h.outage.Load() == nil:
			delete(hs.trouble, h)
		case h.engines > 0:
			list = append(list, h)
		}
	}
	return list
}

// forgetLeaving is called with mu held.
func (hs *hosts) forgetLeaving() {
	for name, h := range hs.leaving {
		if h.Stats().Open == 0 {
			delete(hs.leaving, name)
			delete(hs.byName, name)
			delete(hs.trouble, h)
		}
	}
}
