package main

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// lruDialsAtOnce is what multidb has, too: a server that forks for each dial gets
// nothing done if it is asked for more.
const lruDialsAtOnce = 16

// lru is what multidb's cap is compared with: connections of many tenants under one
// limit, at which the one that was idle longest is closed, and the first in line gets
// what comes back, be it another tenant's. It is used through a *sql.DB for each
// tenant that keeps no connection of its own.
type lru struct {
	connectors []driver.Connector // by tenant
	dials      chan struct{}      // one for each in progress

	mu      sync.Mutex // guards all that follows
	free    int        // places
	idle    map[int][]*list.Element
	order   list.List // of all *lruConn that are idle
	waiters list.List // of chan *lruConn, which have room for one
}

// lruConn comes back when its sql.DB closes it.
type lruConn struct {
	queryer
	pool   *lru
	tenant int
}

type queryer interface {
	driver.Conn
	driver.QueryerContext
}

func (c *lruConn) Close() error {
	c.pool.put(c)
	return nil
}

// lruTenant is a tenant's connector.
type lruTenant struct {
	pool   *lru
	tenant int
}

func (t lruTenant) Driver() driver.Driver { return t.pool.connectors[t.tenant].Driver() }

func (t lruTenant) Connect(ctx context.Context) (driver.Conn, error) {
	return t.pool.take(ctx, t.tenant)
}

// take returns an idle connection of the tenant, or a new one in a place that is
// free or can be made so.
func (p *lru) take(ctx context.Context, tenant int) (*lruConn, error) {
	old := p.place(tenant)
	if old != nil && old.tenant == tenant {
		return old, reset(ctx, old.queryer)
	}
	if old != nil {
		old.queryer.Close()
	}
	p.dials <- struct{}{}
	defer func() { <-p.dials }()
	conn, err := p.connectors[tenant].Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &lruConn{conn.(queryer), p, tenant}, nil
}

// place returns the connection to be used, if it is the tenant's, or whose place a
// new one takes; nil if there is one without.
func (p *lru) place(tenant int) *lruConn {
	p.mu.Lock()
	if mine := p.idle[tenant]; len(mine) > 0 {
		defer p.mu.Unlock()
		return p.remove(mine[len(mine)-1])
	}
	if p.free > 0 {
		defer p.mu.Unlock()
		p.free--
		return nil
	}
	if longest := p.order.Front(); longest != nil {
		defer p.mu.Unlock()
		return p.remove(longest)
	}
	waiter := make(chan *lruConn, 1)
	p.waiters.PushBack(waiter)
	p.mu.Unlock()
	return <-waiter
}

func (p *lru) put(c *lruConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.waiters.Front(); first != nil {
		p.waiters.Remove(first).(chan *lruConn) <- c
		return
	}
	p.idle[c.tenant] = append(p.idle[c.tenant], p.order.PushBack(c))
}

// remove takes out an idle connection: the last of its tenant's, or the first, which
// is idle longest. Called with mu held.
func (p *lru) remove(e *list.Element) *lruConn {
	c := p.order.Remove(e).(*lruConn)
	if mine := p.idle[c.tenant]; e == mine[0] {
		p.idle[c.tenant] = mine[1:]
	} else {
		p.idle[c.tenant] = mine[:len(mine)-1]
	}
	return c
}

// reset is what database/sql does before a connection is used again.
func reset(ctx context.Context, c queryer) error {
	if r, ok := c.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func openLRU(limit int, connectors []driver.Connector) tenantry {
	p := &lru{connectors: connectors, dials: make(chan struct{}, lruDialsAtOnce), free: limit, idle: make(map[int][]*list.Element)}
	dbs := make([]*sql.DB, len(connectors))
	for tenant := range dbs {
		dbs[tenant] = sql.OpenDB(lruTenant{p, tenant})
		dbs[tenant].SetMaxIdleConns(-1)
	}
	return tenantry{
		of: func(tenant int) (context.Context, *sql.DB) { return endless, dbs[tenant] },
		close: func() {
			closeDBs(dbs)
			for e := p.order.Front(); e != nil; e = e.Next() {
				e.Value.(*lruConn).queryer.Close()
			}
		},
	}
}
