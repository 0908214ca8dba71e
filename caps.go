package multidb

import (
	"sync"

	"github.com/multidb-go/multidb/internal/pool"
)

// dialsAtOnce is how many connections to one server are opened at the same time.
// It forks a process or starts a thread for each, and can do so a few hundred
// times a second at best.
const dialsAtOnce = 16

// hosts are the servers behind the engines, with the limits that those share.
type hosts struct {
	perHost int
	total   *pool.Cap

	mu      sync.Mutex // guards what follows
	byName  map[string]*sharedHost
	leaving map[string]*sharedHost // of these: those without engines whose last connections are in use
}

// sharedHost is a server, and how many engines are there.
type sharedHost struct {
	*pool.Host
	name    string
	engines int
}

// newHosts returns nil if the configuration limits no more than each engine by
// itself.
func newHosts(s *settings) *hosts {
	if s.maxOpenTotal == 0 && s.maxOpenPerHost == 0 && !s.hasTenants() {
		return nil
	}
	return &hosts{perHost: s.maxOpenPerHost, total: pool.NewCap(s.maxOpenTotal), byName: make(map[string]*sharedHost), leaving: make(map[string]*sharedHost)}
}

// untold is the host of all engines whose server cannot be told, where each server
// has a limit: it holds for each of them if it holds for all together.
const untold = "untold"

// join returns the host of an engine. One whose server cannot be told is on a host
// of its own if servers have no limit, and so is a file.
func (hs *hosts) join(c *engineConfig) *sharedHost {
	name := c.address.host
	if name == "" && hs.perHost > 0 && c.dialect != SQLite {
		name = untold
	}
	if name == "" {
		return &sharedHost{Host: hs.total.Host(0, dialsAtOnce)}
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.byName[name]
	if h == nil {
		hs.forgetLeaving()
		h = &sharedHost{Host: hs.total.Host(hs.perHost, dialsAtOnce), name: name}
		hs.byName[name] = h
	}
	delete(hs.leaving, name)
	h.engines++
	return h
}

// leave is called when an engine of the host is closed. While connections are
// still in use the host must be known, because they count.
func (hs *hosts) leave(h *sharedHost) {
	if h.name == "" {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.engines--; h.engines == 0 {
		hs.leaving[h.name] = h
		hs.forgetLeaving()
	}
}

// forgetLeaving is called with mu held.
func (hs *hosts) forgetLeaving() {
	for name, h := range hs.leaving {
		if h.Stats().Open == 0 {
			delete(hs.leaving, name)
			delete(hs.byName, name)
		}
	}
}
