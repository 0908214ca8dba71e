package multidb

import "slices"

// view is what routing knows of a database's engines at one moment. It is
// replaced, and never changed.
type view struct {
	// primary is the engine that takes writes, as far as is known. It is there
	// also while it is down, and while it is doubted.
	primary *engine

	// rivals are engines any of which may be the primary: at least two, or none. At
	// least one of them says so.
	rivals []*engine

	// doubted says that nobody knows whether primary still is the primary, until
	// the servers have been asked.
	doubted bool

	replicas int     // how many engines are replicas now
	only     *engine // the one replica that there is, if it is timely: nothing has to be chosen
	*readers
}

// readers are the replicas that may answer reads. Reads go to one of ready, which
// leaves out those that are down, drained, long in connecting, or much slower than
// the rest; now and then to one of timely, where the last are not left out.
type readers struct{ timely, ready candidates }

// noReaders are those of all databases that have none, of which there may be many.
var noReaders readers

// candidates are engines to choose from, with their weights added up.
type candidates struct {
	engines []*engine
	weight  int
}

func (c *candidates) add(e *engine) {
	c.engines = append(c.engines, e)
	c.weight += e.weight
}

// without returns the candidates that were not tried yet.
func (c candidates) without(d *detour) candidates {
	if d == nil {
		return c
	}
	var rest candidates
	for _, e := range c.engines {
		if !d.has(e) {
			rest.add(e)
		}
	}
	return rest
}

// refresh makes a new view from what the engines say of themselves. change, which
// may be nil, says what is new about the roles.
func (db *database) refresh(change func(*view)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	old := db.view.Load()
	v := &view{}
	if old != nil {
		v.primary, v.rivals, v.doubted = old.primary, old.rivals, old.doubted
	} else {
		v.primary, v.doubted = db.engines[0], db.discover
	}
	if change != nil {
		change(v)
	}
	v.setReaders(db)
	if v.replicas == 1 && len(v.timely.engines) == 1 {
		v.only = v.timely.engines[0]
	}
	db.view.Store(v)
	if db.replaced != nil {
		close(db.replaced)
		db.replaced = nil
	}
}

// setReaders is called with mu held.
func (v *view) setReaders(db *database) {
	var r readers
	for _, e := range db.engines {
		if e == v.primary {
			continue
		}
		v.replicas++
		if slices.Contains(v.rivals, e) || !e.isTimely() {
			continue
		}
		r.timely.add(e)
		if !e.pace.slow.Load() {
			r.ready.add(e)
		}
	}
	if v.readers = &noReaders; len(r.timely.engines) == 0 {
		return
	}
	if n := len(r.ready.engines); n == 0 || n == len(r.timely.engines) {
		r.ready = r.timely // one list is enough
	}
	v.readers = &r
}

// lateOnes are the replicas that are not known to be down, though long in
// connecting or suspected: better than none.
func (db *database) lateOnes(v *view) (late candidates) {
	for _, e := range db.engines {
		if e != v.primary && e.Down() == nil && !e.drained.Load() && !slices.Contains(v.rivals, e) {
			late.add(e)
		}
	}
	return late
}

// changed returns a channel that is closed when v is not the view any more.
func (db *database) changed(v *view) <-chan struct{} {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.view.Load() != v {
		return closedChannel
	}
	if db.replaced == nil {
		db.replaced = make(chan struct{})
	}
	return db.replaced
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
