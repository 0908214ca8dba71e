package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// fleet is a few servers in memory, each with a database for whoever comes. A DSN
// is postgres://server/database. It fails the test at the first connection that is
// beyond the limit, as it is opened.
type fleet struct {
	t       *testing.T
	db      *sql.DB
	limit   int // of all connections, 0: none
	servers map[string]*fleetServer

	mu   sync.Mutex // guards what follows, and all of the servers
	open int        // connections, with those that are being opened or closed
}

type fleetServer struct {
	fleet   *fleet
	replica bool
	fault   func(ctx context.Context, database string) error // of a dial; nil: it succeeds

	open, dialling, mostDialling, dials int
	reads, writes                       int
}

// newFleet opens a template whose tenants have a database on the server "writer"
// and, if replicas are wanted, one on each of those.
func newFleet(t *testing.T, limit int, replicas []string, changes ...func(*multidb.Config)) *fleet {
	t.Helper()
	f := &fleet{t: t, limit: limit, servers: make(map[string]*fleetServer)}
	c := multidb.Config{Driver: "pgx-fleet", MaxOpenTotal: limit}
	c.Tenants.Primary.DSN = "postgres://writer/{tenant}"
	f.servers["writer"] = &fleetServer{fleet: f}
	for _, name := range replicas {
		f.servers[name] = &fleetServer{fleet: f, replica: true}
		c.Tenants.Replicas = append(c.Tenants.Replicas, multidb.Engine{DSN: "postgres://" + name + "/{tenant}"})
	}
	for _, change := range changes {
		change(&c)
	}
	if c.Resolve != nil {
		c.Tenants = multidb.Database{}
	}
	for i := range c.Tenants.Replicas {
		c.Tenants.Replicas[i].ReadOnly = "trust" // a server in memory knows no such setting
	}
	theFleet.Store(f)
	f.db = openConfig(t, c)
	t.Cleanup(func() {
		checkNoLeases(t, f.db)
		check(t, f.db.Close())
		time.Sleep(time.Minute) // for the ends of dials that nobody waits for
		if f.open != 0 {
			t.Errorf("%d connections are open at the end", f.open)
		}
	})
	return f
}

// read runs a read of a tenant, and reports how long it took.
func (f *fleet) read(tenant string, timeout time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(multidb.WithDatabase(f.t.Context(), tenant), timeout)
	defer cancel()
	began := time.Now()
	var one int64
	err := f.db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	return time.Since(began), err
}

func (f *fleet) write(tenant string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(multidb.WithDatabase(f.t.Context(), tenant), timeout)
	defer cancel()
	_, err := f.db.ExecContext(ctx, "DELETE FROM t")
	return err
}

// fails makes the dials of a server fail, or hang; nil makes them succeed again.
func (f *fleet) fails(server string, fault func(ctx context.Context, database string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers[server].fault = fault
}

func hole(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// dials returns how many dials the server has seen since it was asked last, and
// how many of them at once.
func (f *fleet) dials(server string) (n, atOnce int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.servers[server]
	n, atOnce = s.dials, s.mostDialling
	s.dials, s.mostDialling = 0, s.dialling
	return n, atOnce
}

func (f *fleet) reads(server string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers[server].reads
}

func (f *fleet) writes(server string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers[server].writes
}

// failOver makes the server the primary, and the writer a replica, unless they are
// to be rivals.
func (f *fleet) failOver(server string, rivals bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers["writer"].replica, f.servers[server].replica = !rivals, false
}

func (s *fleetServer) count(open, dialling int) {
	f := s.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open += open
	s.open += open
	s.dialling += dialling
	s.mostDialling = max(s.mostDialling, s.dialling)
	if dialling > 0 {
		s.dials++
	}
	if open > 0 && f.limit > 0 && f.open > f.limit {
		f.t.Errorf("%d connections open or being opened, the limit is %d", f.open, f.limit)
	}
}

var theFleet atomic.Pointer[fleet] // the present test's

func init() { sql.Register("pgx-fleet", fleetDriver{}) }

type fleetDriver struct{}

func (fleetDriver) Open(string) (driver.Conn, error) { panic("has OpenConnector") }

func (fleetDriver) OpenConnector(dsn string) (driver.Connector, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	server := theFleet.Load().servers[u.Host]
	if server == nil {
		return nil, fmt.Errorf("no server %q", u.Host)
	}
	return fleetConnector{server, strings.TrimPrefix(u.Path, "/")}, nil
}

type fleetConnector struct {
	server   *fleetServer
	database string
}

func (fleetConnector) Driver() driver.Driver { return fleetDriver{} }

func (c fleetConnector) Connect(ctx context.Context) (driver.Conn, error) {
	s := c.server
	s.count(+1, +1)
	s.fleet.mu.Lock()
	fault := s.fault
	s.fleet.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
	if fault != nil {
		if err := fault(ctx, c.database); err != nil {
			s.count(-1, -1)
			return nil, err
		}
	}
	s.count(0, -1)
	conn, err := testdb.NullConnector{}.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &fleetConn{conn.(nullConn), s}, nil
}

// nullConn is what the connections of testdb.NullConnector can do.
type nullConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.SessionResetter
	driver.Validator
}

type fleetConn struct {
	nullConn
	server *fleetServer
}

func (c *fleetConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(query, "pg_is_in_recovery") {
		c.server.fleet.mu.Lock()
		defer c.server.fleet.mu.Unlock()
		return &oneBool{is: c.server.replica}, nil
	}
	c.server.fleet.mu.Lock()
	c.server.reads++
	c.server.fleet.mu.Unlock()
	return c.nullConn.QueryContext(ctx, query, args)
}

func (c *fleetConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.server.fleet.mu.Lock()
	c.server.writes++
	c.server.fleet.mu.Unlock()
	return c.nullConn.ExecContext(ctx, query, args)
}

func (c *fleetConn) Close() error {
	defer c.server.count(-1, 0)
	return c.nullConn.Close()
}

// oneBool is the answer to a question.
type oneBool struct{ is, read bool }

func (r *oneBool) Columns() []string { return []string{"answer"} }
func (r *oneBool) Close() error      { return nil }

func (r *oneBool) Next(row []driver.Value) error {
	if r.read {
		return io.EOF
	}
	r.read, row[0] = true, r.is
	return nil
}
