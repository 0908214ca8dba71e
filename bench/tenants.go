package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

const (
	tenantGoroutines = 64
	tenantCount      = 200
	tenantScarce     = 150                            // connections, fewer than there are tenants
	tenantHands      = tenantCount + tenantGoroutines // one idle for each tenant, and one in each hand
	tenantAmple      = 2 * tenantCount
	tenantZipf       = 1.1
	maxWarmUps       = 3
)

// How fast multidb has to be beside the others that are given the same total.
const (
	besideByHand = 1.0
	besideLRU    = 2.0
)

// tenantWay is a way to use the databases of many tenants on one server.
type tenantWay struct {
	name    string
	limit   int // of connections in total
	open    func(dsn string, names []string) (tenantry, error)
	against []int   // the places of the ways that it is compared with: the fastest counts
	atLeast float64 // so many times as fast; 0: that is not asked for
}

// tenantry are databases that are open.
type tenantry struct {
	of    func(tenant int) (context.Context, *sql.DB)
	close func()
}

var tenantWays = []tenantWay{
	{"200 sql.DBs, no limit, 1 idle each", tenantHands, byHand(0), nil, 0},
	{"multidb, no limit for a tenant", tenantHands, byMultidb(tenantHands, 0), []int{0, 2}, besideByHand},
	{"200 sql.DBs, 2 connections each", tenantAmple, byHand(2), nil, 0},
	{"multidb, 2 connections for a tenant", tenantAmple, byMultidb(tenantAmple, 2), []int{2}, besideByHand},
	{"least recently used is closed, no more", tenantScarce, byLRU(tenantScarce), nil, 0},
	{"multidb, cap below the working set", tenantScarce, byMultidb(tenantScarce, 0), []int{4}, besideLRU},
}

// byHand opens a sql.DB for each tenant.
func byHand(maxOpen int) func(dsn string, names []string) (tenantry, error) {
	return func(dsn string, names []string) (tenantry, error) {
		dbs := make([]*sql.DB, len(names))
		for i, name := range names {
			db, err := sql.Open(countedDriver, strings.ReplaceAll(dsn, "{tenant}", name))
			if err != nil {
				return tenantry{}, err
			}
			db.SetMaxOpenConns(maxOpen)
			db.SetMaxIdleConns(max(maxOpen, 1)) // each has to keep its own: 64 for each would be 12,800
			dbs[i] = db
		}
		return tenantry{
			of:    func(tenant int) (context.Context, *sql.DB) { return endless, dbs[tenant] },
			close: func() { closeDBs(dbs) },
		}, nil
	}
}

func closeDBs(dbs []*sql.DB) {
	for _, db := range dbs {
		db.Close()
	}
}

// byLRU has one pool for all tenants, which knows nothing but who was used last.
func byLRU(total int) func(dsn string, names []string) (tenantry, error) {
	return func(dsn string, names []string) (tenantry, error) {
		var connectors []driver.Connector
		for _, name := range names {
			c, err := counted.OpenConnector(strings.ReplaceAll(dsn, "{tenant}", name))
			if err != nil {
				return tenantry{}, err
			}
			connectors = append(connectors, c)
		}
		return openLRU(total, connectors), nil
	}
}

// byMultidb has one sql.DB for all tenants, and maxOpen connections for each.
func byMultidb(total, maxOpen int) func(dsn string, names []string) (tenantry, error) {
	return func(dsn string, names []string) (tenantry, error) {
		return openTenantry(multidb.Config{
			Driver:       countedDriver,
			Tenants:      multidb.Database{Primary: multidb.Engine{DSN: dsn, MaxOpen: maxOpen}},
			MaxOpenTotal: total,
		}, names)
	}
}

func openTenantry(config multidb.Config, names []string) (tenantry, error) {
	connector, err := multidb.NewConnector(config)
	if err != nil {
		return tenantry{}, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(maxIdle)
	return tenantry{
		of:    func(tenant int) (context.Context, *sql.DB) { return multidb.WithDatabase(endless, names[tenant]), db },
		close: func() { db.Close() },
	}, nil
}

// zipf are choices of tenants, some of whom are chosen much oftener than others.
type zipf struct {
	choices []uint16
	next    atomic.Uint64
}

func newZipf(tenants int) *zipf {
	z := &zipf{choices: make([]uint16, 1<<18)}
	source := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), tenantZipf, 1, uint64(tenants-1))
	for i := range z.choices {
		z.choices[i] = uint16(source.Uint64())
	}
	return z
}

func (z *zipf) choose() int { return int(z.choices[z.next.Add(1)%uint64(len(z.choices))]) }

// tenantRound is what was seen of one way in one round.
type tenantRound struct {
	connections int // at most, those being opened included
	backends    int // at most, as the server counted them, which is a sample
	opens       int64
	took        time.Duration
}

// manyTenants reads by key in the databases of many tenants on one server, in
// turns, each time with new *sql.DBs that have warmed up. Each row says whose it is.
func manyTenants(ctx context.Context, e effort) (table, error) {
	t := table{
		title: fmt.Sprintf("Tenants: %d PostgreSQL databases, %d goroutines, Zipf %.1f, median of %d rounds of %d calls",
			tenantCount, tenantGoroutines, tenantZipf, e.tenantRounds, e.tenantCalls),
		header: []string{"", "calls/s", "times the other's", "at least", "", "opens/s", "limit", "connections at most", "", "backends at most", "rows of others"},
	}
	cluster, err := testdb.StartPostgres(ctx, testdb.PostgresOptions{})
	if err != nil {
		return t, err
	}
	defer cluster.Stop()
	names, err := createTenants(ctx, cluster)
	if err != nil {
		return t, err
	}
	rounds := make([][]tenantRound, len(tenantWays))
	for round := range e.tenantRounds {
		for i := range tenantWays {
			i = (i + round) % len(tenantWays)
			r, err := tenantWays[i].measure(ctx, cluster, names, e.tenantCalls, fmt.Sprintf("bench %d.%d", round, i))
			if err != nil {
				return t, fmt.Errorf("%s: %w", tenantWays[i].name, err)
			}
			rounds[i] = append(rounds[i], r)
		}
	}
	t.addTenants(rounds, e.tenantCalls)
	return t, nil
}

func (t *table) addTenants(rounds [][]tenantRound, calls int) {
	for i, way := range tenantWays {
		var speed, ratio, opens []float64
		connections, backends := 0, 0
		for round, r := range rounds[i] {
			speed = append(speed, float64(calls)/r.took.Seconds())
			fastest := r.took
			for n, other := range way.against {
				if took := rounds[other][round].took; n == 0 || took < fastest {
					fastest = took
				}
			}
			ratio = append(ratio, fastest.Seconds()/r.took.Seconds())
			opens = append(opens, float64(r.opens)/r.took.Seconds())
			connections, backends = max(connections, r.connections), max(backends, r.backends)
		}
		row := append([]string{way.name, fmt.Sprintf("%.0f", turns.SpreadOf(speed).Median)}, beside(turns.SpreadOf(ratio), len(way.against) > 0, way.atLeast)...)
		// An error, or a row of another tenant, ends the measurement.
		t.add(append(row, fmt.Sprintf("%.0f", turns.SpreadOf(opens).Median),
			fmt.Sprint(way.limit), fmt.Sprint(connections), verdict(float64(connections), float64(way.limit)), fmt.Sprint(backends), "0")...)
		t.failed = t.failed || connections > way.limit
	}
}

// beside are the cells that tell how fast a way is beside others, and whether that
// is enough.
func beside(ratio turns.Spread, compared bool, atLeast float64) []string {
	switch {
	case !compared:
		return []string{"", "", ""}
	case atLeast == 0:
		return []string{ratio.String(), "", ""}
	}
	return []string{ratio.String(), fmt.Sprintf("%.2f", atLeast), verdict(atLeast, ratio.Median)}
}

// createTenants makes the databases, each with rows that have its name.
func createTenants(ctx context.Context, cluster *testdb.PostgresCluster) ([]string, error) {
	var names []string
	for i := range tenantCount {
		names = append(names, fmt.Sprintf("tenant%d", i))
	}
	if err := cluster.CreateDatabases(ctx, names...); err != nil {
		return nil, err
	}
	all, err := byMultidb(10, 0)(tenantDSN(cluster, "bench setup"), names)
	if err != nil {
		return nil, err
	}
	defer all.close()
	_, db := all.of(0)
	return names, multidb.ForEach(ctx, db, names, 4, func(ctx context.Context, _ string) error {
		_, err := db.ExecContext(ctx, `CREATE TABLE marker (id int PRIMARY KEY, name text);
			INSERT INTO marker SELECT id, current_database() FROM generate_series(1, 100) id`)
		return err
	})
}

func tenantDSN(cluster *testdb.PostgresCluster, application string) string {
	dsn := strings.Replace(cluster.Primary().DSN("NAME"), "NAME", "{tenant}", 1)
	return dsn + "?application_name=" + strings.ReplaceAll(application, " ", "%20")
}

func (w tenantWay) measure(ctx context.Context, cluster *testdb.PostgresCluster, names []string, calls int, application string) (tenantRound, error) {
	all, err := w.open(tenantDSN(cluster, application), names)
	if err != nil {
		return tenantRound{}, err
	}
	defer all.close()
	counted.most.Store(0)
	tenants := newZipf(len(names))
	look := func() error {
		tenant := tenants.choose()
		ctx, db := all.of(tenant)
		var name string
		err := db.QueryRowContext(ctx, "SELECT name FROM marker WHERE id = $1", 1+tenant%100).Scan(&name)
		if err == nil && name != names[tenant] {
			err = fmt.Errorf("a row of %s, want %s", name, names[tenant])
		}
		return err
	}
	stop := make(chan struct{})
	sampled := watch(ctx, stop, cluster.Primary(), application)
	before, err := warmUp(ctx, cluster, func() error {
		_, err := turns.Time(calls, tenantGoroutines, look)
		return err
	})
	if err != nil {
		close(stop)
		return tenantRound{}, errors.Join(err, (<-sampled).err)
	}
	took, err := turns.Time(calls, tenantGoroutines, look)
	close(stop)
	c := <-sampled
	after, sessionsErr := sessions(ctx, cluster)
	return tenantRound{int(counted.most.Load()), c.most, after - before, took}, errors.Join(err, c.err, sessionsErr)
}

// warmUp runs the calls until they open few connections, but not for ever: at a cap
// below the working set they always open some. It returns how many were opened ever.
func warmUp(ctx context.Context, cluster *testdb.PostgresCluster, run func() error) (opened int64, err error) {
	for range maxWarmUps {
		before := opened
		if err = run(); err != nil {
			return 0, err
		}
		if opened, err = sessions(ctx, cluster); err != nil || opened-before < 10 {
			return opened, err
		}
	}
	return opened, nil
}

// sessions is how many connections to the databases of tenants were opened ever.
func sessions(ctx context.Context, cluster *testdb.PostgresCluster) (n int64, err error) {
	db := sql.OpenDB(pgxConnector(cluster.Primary(), "bench sessions"))
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT sum(sessions)::bigint FROM pg_stat_database WHERE datname LIKE 'tenant%'").Scan(&n)
	return n, err
}
