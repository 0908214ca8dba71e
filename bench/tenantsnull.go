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
	"github.com/multidb-go/multidb/internal/turns"
)

const (
	nullTenants = 10_000
	nullScarce  = 1_000
	nullAmple   = nullTenants + tenantGoroutines
	nullDial    = 2 * time.Millisecond
	nullAnswer  = 200 * time.Microsecond

	// Each sixth call is of a tenant beyond the first 1,000, whom no policy can have
	// ready, and plain LRU opens a connection for each fourth: there is little to gain.
	besideNullLRU = 1.0
)

// nullServer is a server that takes its time for a dial and for a query, and none of
// the processor's.
type nullServer struct {
	gauge
	opens atomic.Int64
}

// register makes a child driver of the server, whose DSNs say which tenant's database
// is meant.
func (s *nullServer) register() (name string) {
	name = fmt.Sprintf("pgx-bench%d", nullServers.Add(1))
	sql.Register(name, s)
	return name
}

var nullServers atomic.Int64

func (s *nullServer) Open(string) (driver.Conn, error) { return s.Connect(context.Background()) }

func (s *nullServer) OpenConnector(string) (driver.Connector, error) { return s, nil }

func (s *nullServer) Driver() driver.Driver { return s }

func (s *nullServer) Connect(ctx context.Context) (driver.Conn, error) {
	s.begin()
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

func (c *nullServerConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	time.Sleep(nullAnswer)
	return c.nullConn.QueryContext(ctx, query, args)
}

func (c *nullServerConn) Close() error {
	c.server.open.Add(-1)
	return c.nullConn.Close()
}

// nullWay is a way to use the null server for many tenants.
type nullWay struct {
	name    string
	limit   int
	open    func(s *nullServer, names []string, idle time.Duration) (tenantry, error)
	idles   bool    // closes what is idle by time
	against int     // the place of the way that it is compared with; its own: none
	atLeast float64 // so many times as fast; 0: that is not asked for
}

var nullWays = []nullWay{
	{"10,000 sql.DBs, 1 idle connection each", nullAmple, func(s *nullServer, names []string, idle time.Duration) (tenantry, error) {
		dbs := make([]*sql.DB, len(names))
		for i := range dbs {
			dbs[i] = sql.OpenDB(s)
			dbs[i].SetMaxIdleConns(1)
			dbs[i].SetConnMaxIdleTime(idle)
		}
		return tenantry{
			of:    func(tenant int) (context.Context, *sql.DB) { return endless, dbs[tenant] },
			close: func() { closeDBs(dbs) },
		}, nil
	}, true, 0, 0},
	{"multidb, ample cap", nullAmple, nullMultidb(nullAmple), true, 0, 1},
	{"least recently used is closed, no more", nullScarce, nullLRU, false, 2, 0},
	{"multidb, cap 1,000", nullScarce, nullMultidb(nullScarce), true, 2, besideNullLRU},
}

func nullMultidb(total int) func(s *nullServer, names []string, idle time.Duration) (tenantry, error) {
	return func(s *nullServer, names []string, idle time.Duration) (tenantry, error) {
		return openTenantry(multidb.Config{
			Driver:       s.register(),
			MaxOpenTotal: total,
			MaxDatabases: nullTenants,
			Tenants: multidb.Database{
				Primary: multidb.Engine{DSN: "postgres://app:secret@db.example/{tenant}", MaxIdleTime: multidb.Duration(idle)},
			},
		}, names)
	}
}

// nullLRU closes nothing by time.
func nullLRU(s *nullServer, names []string, _ time.Duration) (tenantry, error) {
	connectors := make([]driver.Connector, len(names))
	for i := range connectors {
		connectors[i] = s
	}
	return openLRU(nullScarce, connectors), nil
}

// manyNullTenants simulates ten thousand tenants.
func manyNullTenants(ctx context.Context, e effort) (table, error) {
	t := table{
		title: fmt.Sprintf("Tenants: %d over a null child driver, a dial takes %v and a query %v, %d goroutines, Zipf %.1f, median of %d rounds of %d calls",
			nullTenants, nullDial, nullAnswer, tenantGoroutines, tenantZipf, e.nullTenantRounds, e.nullTenantCalls),
		header: []string{"", "calls/s", "times the other's", "at least", "", "opens/s", "limit", "connections at most", "", "an idle tenant", "goroutines of one"},
	}
	var names []string
	for i := range nullTenants {
		names = append(names, fmt.Sprintf("tenant%d", i))
	}
	rounds := make([][]nullRound, len(nullWays))
	for round := range e.nullTenantRounds {
		for i := range nullWays {
			i = (i + round) % len(nullWays)
			r, err := nullWays[i].measure(names, e.nullTenantCalls)
			if err != nil {
				return t, fmt.Errorf("%s: %w", nullWays[i].name, err)
			}
			rounds[i] = append(rounds[i], r)
		}
	}
	for i, way := range nullWays {
		if err := t.addNullTenants(ctx, way, i != way.against, names, rounds[i], rounds[way.against], e.nullTenantCalls); err != nil {
			return t, fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return t, nil
}

// nullRound is what was seen of one way in one round.
type nullRound struct {
	took        time.Duration
	opens, most int64
}

func (w nullWay) measure(names []string, calls int) (nullRound, error) {
	server := new(nullServer)
	all, err := w.open(server, names, 0)
	if err != nil {
		return nullRound{}, err
	}
	defer all.close()
	tenants := newZipf(len(names))
	use := func() error { return useNull(all, tenants.choose()) }
	if _, err := turns.Time(calls, tenantGoroutines, use); err != nil { // warms up
		return nullRound{}, err
	}
	opens := server.opens.Load()
	took, err := turns.Time(calls, tenantGoroutines, use)
	return nullRound{took, server.opens.Load() - opens, server.most.Load()}, err
}

func (t *table) addNullTenants(ctx context.Context, w nullWay, compared bool, names []string, rounds, others []nullRound, calls int) error {
	var speed, ratio, opens []float64
	var most int64
	for round, r := range rounds {
		speed = append(speed, float64(calls)/r.took.Seconds())
		ratio = append(ratio, others[round].took.Seconds()/r.took.Seconds())
		opens = append(opens, float64(r.opens)/r.took.Seconds())
		most = max(most, r.most)
	}
	t.failed = t.failed || int(most) > w.limit
	row := append([]string{w.name, fmt.Sprintf("%.0f", turns.SpreadOf(speed).Median)}, beside(turns.SpreadOf(ratio), compared, w.atLeast)...)
	row = append(row, fmt.Sprintf("%.0f", turns.SpreadOf(opens).Median), fmt.Sprint(w.limit), fmt.Sprint(most), verdict(float64(most), float64(w.limit)))
	if !w.idles {
		t.add(append(row, "", "")...)
		return nil
	}
	bytes, goroutines, err := w.idle(ctx, names)
	t.add(append(row, fmt.Sprintf("%.0f B", bytes), fmt.Sprintf("%.1f", goroutines))...)
	return err
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
	if _, err := turns.Time(len(names)/tenantGoroutines*tenantGoroutines, tenantGoroutines, func() error {
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
