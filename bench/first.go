package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

// firstBudget is how much more than its dial the first statement of a tenant may
// take over that of a new *sql.DB.
const firstBudget = 50 * time.Microsecond

// firstStatements times the first statement of a tenant beside that of a *sql.DB
// that was opened for it. Both dial, and both close the connection, because each
// round begins anew. The dials are timed by themselves: what the server takes for
// one differs by more than is to be found out.
func firstStatements(ctx context.Context, e effort) (table, error) {
	t := table{
		title: fmt.Sprintf("The first statement of a new tenant beside that of a new sql.DB: median of %d rounds (and the quartiles), in us", e.firstRounds),
		header: []string{"", "a new sql.DB: dial", "the rest", "again: dial adds", "the rest adds",
			"a new tenant: dial adds", "the rest adds", "budget", ""},
	}
	null := timedConnector{testdb.NullConnector{}}
	resolve := multidb.Config{Resolve: func(context.Context, string) (multidb.Database, error) {
		return multidb.Database{Primary: multidb.Engine{Driver: "pgx", Connector: null}}, nil
	}}
	if err := t.addFirst(ctx, "null child", resolve, endless, e.firstRounds, func() (*sql.DB, error) {
		return sql.OpenDB(null), nil
	}); err != nil {
		return t, err
	}
	cluster, err := startPostgres(ctx, 0)
	if err != nil {
		return t, err
	}
	defer cluster.Stop()
	dsn := tenantDSN(cluster, "bench")
	template := multidb.Config{Driver: timedPgx, Tenants: multidb.Database{Primary: multidb.Engine{DSN: dsn}}}
	open := func() (*sql.DB, error) {
		return sql.Open(timedPgx, strings.ReplaceAll(dsn, "{tenant}", "postgres"))
	}
	if err := t.addFirst(ctx, "PostgreSQL through pgx", template, endless, e.firstRounds, open); err != nil {
		return t, err
	}
	// Such as those of a web server's requests.
	canEnd, cancel := context.WithCancel(endless)
	defer cancel()
	err = t.addFirst(ctx, "the same, with a context that can end", template, canEnd, e.firstRounds, open)
	return t, err
}

// addFirst compares first statements with the context of, as they are in a tenant and
// in a *sql.DB that is opened.
func (t *table) addFirst(ctx context.Context, name string, config multidb.Config, of context.Context, rounds int, open func() (*sql.DB, error)) error {
	connector, err := multidb.NewConnector(config)
	if err != nil {
		return err
	}
	tenants := sql.OpenDB(connector)
	defer tenants.Close()
	tenant := multidb.WithDatabase(of, "postgres")
	bare := func(f *firsts) error {
		begun := time.Now()
		db, err := open()
		if err != nil {
			return err
		}
		defer db.Close()
		return f.take(begun, of, db)
	}
	first := func(f *firsts) error {
		defer connector.Forget("postgres")
		return f.take(time.Now(), tenant, tenants)
	}
	var once, again, ours firsts
	actions := []turns.Action{
		func() error { return bare(&once) },
		func() error { return bare(&again) },
		func() error { return first(&ours) },
	}
	if _, err := turns.Take(ctx, rounds, 1, 1, actions); err != nil {
		return err
	}
	adds := turns.Differences(ours.rests, once.rests)
	t.add(name, micro(turns.Nanoseconds(once.dials)), micro(turns.Nanoseconds(once.rests)),
		micro(turns.Differences(again.dials, once.dials)), micro(turns.Differences(again.rests, once.rests)),
		micro(turns.Differences(ours.dials, once.dials)), micro(adds),
		fmt.Sprint(firstBudget.Microseconds()), verdict(adds.Median, float64(firstBudget.Nanoseconds())))
	return nil
}

func micro(s turns.Spread) string {
	return fmt.Sprintf("%.1f (%.1f-%.1f)", s.Median/1000, s.Low/1000, s.High/1000)
}

// firsts are first statements: how long each one's dial took, and all the rest.
type firsts struct{ dials, rests []time.Duration }

func (f *firsts) take(begun time.Time, ctx context.Context, db *sql.DB) error {
	var n int64
	err := db.QueryRowContext(ctx, read, 1).Scan(&n)
	took := time.Since(begun)
	f.dials = append(f.dials, lastDial)
	f.rests = append(f.rests, took-lastDial)
	return err
}

// lastDial is how long the last dial took. Whoever reads it has waited for the end
// of that, and there is one at a time.
var lastDial time.Duration

// timedConnector times the dials of another.
type timedConnector struct{ driver.Connector }

func (c timedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	begun := time.Now()
	conn, err := c.Connector.Connect(ctx)
	lastDial = time.Since(begun)
	return conn, err
}

// timedPgx is the name of pgx's driver with timed dials.
const timedPgx = "pgx-timed"

func init() { sql.Register(timedPgx, timedDriver{}) }

type timedDriver struct{}

func (timedDriver) Open(dsn string) (driver.Conn, error) { return stdlib.GetDefaultDriver().Open(dsn) }

func (timedDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(dsn)
	return timedDriverConnector{timedConnector{c}}, err
}

// timedDriverConnector says whose it is: multidb asks it, to have more of them.
type timedDriverConnector struct{ timedConnector }

func (timedDriverConnector) Driver() driver.Driver { return timedDriver{} }
