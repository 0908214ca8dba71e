package multidb

import (
	"database/sql/driver"
	"io"
	"reflect"
	"sync"
)

// given counts the engines of each connector that the user made and that can be
// closed: several may have the same one, and it is closed with the last of them.
type given struct {
	mu      sync.Mutex // guards engines
	engines map[driver.Connector]int
}

// take is called for each engine that has c.
func (g *given) take(c driver.Connector) {
	if !countable(c) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.engines == nil {
		g.engines = make(map[driver.Connector]int)
	}
	g.engines[c]++
}

// release is called when an engine has done with c, and reports whether no other
// has it.
func (g *given) release(c driver.Connector) (last bool) {
	if !countable(c) {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.engines[c]--; g.engines[c] > 0 {
		return false
	}
	delete(g.engines, c)
	return true
}

// countable reports whether c need be counted, and can be: of values that cannot
// be compared, each engine has its own copy.
func countable(c driver.Connector) bool {
	_, closes := c.(io.Closer)
	return closes && reflect.ValueOf(c).Comparable()
}
