package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// countedPgx is pgx's driver, with a count of its connections: each counts from the
// moment in which it begins to be opened until it is closed.
type countedPgx struct{ gauge }

// gauge counts connections that are open, and how many there were at most.
type gauge struct{ open, most atomic.Int64 }

func (g *gauge) begin() {
	now := g.open.Add(1)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
}

const countedDriver = "pgx-counted"

var counted = func() *countedPgx {
	d := new(countedPgx)
	sql.Register(countedDriver, d)
	return d
}()

func (d *countedPgx) Open(dsn string) (driver.Conn, error) {
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

func (d *countedPgx) OpenConnector(dsn string) (driver.Connector, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		d.begin()
		conn, err := dial(ctx, network, address)
		if err != nil {
			d.open.Add(-1)
			return nil, err
		}
		return &countedConn{Conn: conn, end: sync.OnceFunc(func() { d.open.Add(-1) })}, nil
	}
	return countedConnector{stdlib.GetConnector(*config), d}, nil
}

// countedConnector says whose it is: multidb asks it, to have more of them.
type countedConnector struct {
	driver.Connector
	driver *countedPgx
}

func (c countedConnector) Driver() driver.Driver { return c.driver }

type countedConn struct {
	net.Conn
	end func()
}

// Close may be called more than once.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.end()
	return err
}
