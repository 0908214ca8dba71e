package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

const (
	nullTenants = 10_000
	nullCap     = 1_000
	nullDial    = 2 * time.Millisecond
)

// nullServer is a server whose connections cost a dial and nothing else.
type nullServer struct{ open, most, opens atomic.Int64 }

func (s *nullServer) Driver() driver.Driver { return testdb.NullDriver{} }

func (s *nullServer) Connect(ctx context.Context) (driver.Conn, error) {
	now := s.open.Add(1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	s.opens.Add(1)
	time.Sleep(nullDial)
	conn, err := testdb.NullConnector{}.Connect(ctx)
	return &nullServerConn{conn.(nullConn), s}, err
}

// nullConn is what testdb's connections can do.
type nullConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.SessionResetter
	driver.Validator
}

type nullServerConn struct {
	nullConn
	server *nullServer
}

func (c *nullServerConn) Close() error {
	c.server.open.Add(-1)
	return c.nullConn.Close()
}

// nullWay is a way to use the null server for many tenants.
type nullWay struct {
	name  string
	limit int
	open  func(s *nullServer, names []string, idle time.Duration) (tenantry, error)
}

var nullWays = []nullWay{
	{"10,000 sql.DBs, 1 connection each", nullTenants, func(s *nullServer, names []string, idle time.Duration) (tenantry, error) {
		dbs := make([]*sql.DB, len(names))
		for i := range dbs {
			dbs[i] = sql.OpenDB(s)
			dbs[i].SetMaxOpenConns(1)
			dbs[i].SetConnMaxIdleTime(idle)
		}
		return tenantry{
			of: func(tenant int) (context.Context, *sql.DB) { return endless, dbs[tenant] },
			close: func() {
				for _, db := range dbs {
					db.Close()
				}
			},
		}, nil
	}},
	{"multidb, cap 1,000", nullCap, func(s *nullServer, names []string, idle time.Duration) (tenantry, error) {
		return openTenantry(multidb.Config{
			MaxOpenTotal: nullCap,
			MaxDatabases: nullTenants,
			Resolve: func(context.Context, string) (multidb.Database, error) {
				return multidb.Database{Primary: multidb.Engine{Driver: "pgx", Connector: s, MaxIdleTime: multidb.Duration(idle)}}, nil
			},
		}, names)
	}},
}

// manyNullTenants simulates ten thousand tenants.
func manyNullTenants(ctx context.Context, e effort) (table, error) {
	t := table{
		title: fmt.Sprintf("Tenants: %d over a null child driver, a dial takes %v, %d goroutines, Zipf %.1f, %d calls",
			nullTenants, nullDial, tenantGoroutines, tenantZipf, e.nullTenantCalls),
		header: []string{"", "calls/s", "opens/s", "limit", "connections at most", "", "an idle tenant", "goroutines of one"},
	}
	var names []string
	for i := range nullTenants {
		names = append(names, fmt.Sprintf("tenant%d", i))
	}
	for _, way := range nullWays {
		if err := way.addTo(ctx, &t, names, e.nullTenantCalls); err != nil {
			return t, fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return t, nil
}

func (w nullWay) addTo(ctx context.Context, t *table, names []string, calls int) error {
	server := new(nullServer)
	all, err := w.open(server, names, 0)
	if err != nil {
		return err
	}
	defer all.close()
	tenants := newZipf(len(names))
	use := func() error { return useNull(all, tenants.choose()) }
	if _, err := timed(calls, tenantGoroutines, use); err != nil { // warms up
		return err
	}
	opens := server.opens.Load()
	took, err := timed(calls, tenantGoroutines, use)
	if err != nil {
		return err
	}
	opens = server.opens.Load() - opens
	bytes, goroutines, err := w.idle(ctx, names)
	if err != nil {
		return err
	}
	most := server.most.Load()
	t.failed = t.failed || int(most) > w.limit
	t.add(w.name, fmt.Sprintf("%.0f", float64(calls)/took.Seconds()), fmt.Sprintf("%.0f", float64(opens)/took.Seconds()),
		fmt.Sprint(w.limit), fmt.Sprint(most), verdict(float64(most), float64(w.limit)),
		fmt.Sprintf("%.0f B", bytes), fmt.Sprintf("%.1f", goroutines))
	return nil
}

func useNull(all tenantry, tenant int) error {
	ctx, db := all.of(tenant)
	var n int64
	return db.QueryRowContext(ctx, read, 1).Scan(&n)
}

// idle returns the memory and the goroutines of a tenant that was used once, and
// whose connection was closed by time.
func (w nullWay) idle(ctx context.Context, names []string) (bytes, goroutines float64, err error) {
	server := new(nullServer)
	all, err := w.open(server, nil, time.Millisecond) // what does not depend on the tenants
	if err != nil {
		return 0, 0, err
	}
	all.close()
	before, goroutinesBefore := memory()
	all, err = w.open(server, names, 100*time.Millisecond)
	if err != nil {
		return 0, 0, err
	}
	defer all.close()
	var next atomic.Int64
	if _, err := timed(len(names)/tenantGoroutines*tenantGoroutines, tenantGoroutines, func() error {
		return useNull(all, int(next.Add(1)-1))
	}); err != nil {
		return 0, 0, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for server.open.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	after, goroutinesAfter := memory()
	runtime.KeepAlive(all)
	used := float64(len(names))
	return (after - before) / used, float64(goroutinesAfter-goroutinesBefore) / used, nil
}

// memory is what is in use, stacks included.
func memory() (bytes float64, goroutines int) {
	runtime.GC()
	runtime.GC() // what the first found to be of no use may have been a sync.Pool's
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse), runtime.NumGoroutine()
}
