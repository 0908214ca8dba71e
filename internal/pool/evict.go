package pool

// How a place is made for a taker where all are taken.
//
// Of the pools with one connection, those go first whose connection was used but once,
// as long as there are more than a few of them, since most of those will not be used
// again soon. That is how S3-FIFO keeps a cache (Yang et al., SOSP 2023), here without
// its memory of what was let go: where tenants are chosen by Zipf's law, a fifth less
// dials than by the last use alone, and work that goes through all tenants once leaves
// the others nearly alone.
//
// The members of a Cap that may have idle connections are kept by when they were
// last used. To have that right after each use would take the Cap's mutex each
// time, so it is put right only by whoever looks for a connection to close: he
// comes to the pool that was used longest ago as far as is known, and if it was
// used since, moves it back and goes on to the next. The uses of a parked connection
// nobody sees, but it begins as rested, and is not when it was used: then it is marked
// so again at the visit, as it is by the pool's clock, and closed at the next if it
// rests still.

// fewOnce says how many pools whose connection was used once are few: one in so many of
// those with one. New ones need a chance to be used again.
const fewOnce = 10

// chances is how many pools one search passes over because they were used since.
// After those, what is idle is taken.
const chances = 16

// vacate closes the connection that was idle longest, if one is idle. It has its
// own goroutine, and is counted among the vacates of b.
func (c *Cap) vacate(b *bound) {
	for visits := 0; ; visits++ {
		m := c.nextIdle(b, visits)
		if m == nil {
			c.vacated(b, 0)
			return
		}
		if m.pool.evict(visits < chances) {
			c.vacated(b, 1)
			return
		}
	}
}

// nextIdle takes a member out of those that may have idle connections. Nil means
// that there is none, or that nothing is wanted any more.
func (c *Cap) nextIdle(b *bound, visits int) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.vacates > b.want {
		return nil
	}
	if visits >= chances {
		b.short.Store(true) // no search is to lose for ever against those who use what it looks for
	}
	for _, h := range b.inTurn() {
		if len(h) > 0 {
			m := h[0].of
			m.unlist()
			return m
		}
	}
	return nil
}

// inTurn are those who may have idle connections, in the order in which they lose them.
func (b *bound) inTurn() [3]heap[*member] {
	if fewOnce*len(b.once) <= len(b.once)+len(b.last) {
		return [...]heap[*member]{b.surplus, b.last, b.once}
	}
	return [...]heap[*member]{b.surplus, b.once, b.last}
}

// vacated is called when a vacate is over, and what it closed is closed.
func (c *Cap) vacated(b *bound, closed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.vacates--
	b.evicted += closed
	c.press(b)
}

// owes says which limit somebody waits for who came before ticket, and who gets
// nothing unless the next connection that comes back is closed for him. That is
// counted as one of the vacates then.
func (h *Host) owes(ticket uint64) *bound {
	c := h.cap
	c.mu.Lock()
	defer c.mu.Unlock()
	var b *bound
	switch {
	case h.short.Load() && h.waiting[0].key < ticket:
		b = &h.bound
	case c.short.Load() && c.hosts[0].key < ticket:
		b = &c.bound
	default:
		return nil
	}
	b.vacates++
	c.press(b)
	return b
}

// keepIdle enters m among those that may have idle connections. again says that they
// were found to be in use, or used, since m was entered last.
func (m *member) keepIdle(used uint64, again bool) {
	c := m.host.cap
	c.mu.Lock()
	defer c.mu.Unlock()
	m.again = m.again || again
	m.list(used)
	c.press(&c.bound)
	c.press(&m.host.bound)
}

// list is called with the Cap's mutex held, as are the others.
func (m *member) list(used uint64) {
	h := m.host
	h.cap.idle(m).set(&m.idle, used)
	h.idle(m).set(&m.idleAtHost, used)
}

func (m *member) unlist() (was bool) {
	h := m.host
	was = m.idle.at != 0
	h.cap.idle(m).remove(&m.idle)
	h.idle(m).remove(&m.idleAtHost)
	return was
}

// idle has m if it may have idle connections.
func (b *bound) idle(m *member) *heap[*member] {
	switch {
	case m.open > 1:
		return &b.surplus
	case m.again:
		return &b.last
	}
	return &b.once
}
