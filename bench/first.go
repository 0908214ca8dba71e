package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

// firstBudget is how much the first statement of a tenant may take over that of a
// new *sql.DB.
const firstBudget = 50 * time.Microsecond

// firstStatements times the first statement of a tenant beside that of a *sql.DB
// that was opened for it. Both dial, and both close the connection, because each
// round begins anew.
func firstStatements(ctx context.Context, e effort) (table, error) {
	t := table{
		title:  fmt.Sprintf("The first statement of a new tenant, and its end: median of %d rounds (and the quartiles)", e.firstRounds),
		header: []string{"", "a new sql.DB", "again adds", "a new tenant adds", "budget", ""},
	}
	null := multidb.Config{Resolve: func(context.Context, string) (multidb.Database, error) {
		return multidb.Database{Primary: multidb.Engine{Driver: "pgx", Connector: testdb.NullConnector{}}}, nil
	}}
	if err := t.addFirst(ctx, "null child", null, e.firstRounds, func() (*sql.DB, error) {
		return sql.OpenDB(testdb.NullConnector{}), nil
	}); err != nil {
		return t, err
	}
	cluster, err := startPostgres(ctx, 0)
	if err != nil {
		return t, err
	}
	defer cluster.Stop()
	dsn := tenantDSN(cluster, "bench")
	template := multidb.Config{Tenants: multidb.Database{Primary: multidb.Engine{DSN: dsn}}}
	err = t.addFirst(ctx, "PostgreSQL through pgx", template, e.firstRounds, func() (*sql.DB, error) {
		return sql.Open("pgx", strings.ReplaceAll(dsn, "{tenant}", "postgres"))
	})
	return t, err
}

func (t *table) addFirst(ctx context.Context, name string, config multidb.Config, rounds int, open func() (*sql.DB, error)) error {
	connector, err := multidb.NewConnector(config)
	if err != nil {
		return err
	}
	tenants := sql.OpenDB(connector)
	defer tenants.Close()
	tenant := multidb.WithDatabase(endless, "postgres")
	statement := func(ctx context.Context, db *sql.DB) error {
		var n int64
		return db.QueryRowContext(ctx, read, 1).Scan(&n)
	}
	bare := func() error {
		db, err := open()
		if err != nil {
			return err
		}
		defer db.Close()
		return statement(endless, db)
	}
	first := func() error {
		defer connector.Forget("postgres")
		return statement(tenant, tenants)
	}
	times, err := turns.Take(ctx, rounds, 1, 1, []turns.Action{bare, bare, first})
	if err != nil {
		return err
	}
	micro := func(s turns.Spread) string {
		return fmt.Sprintf("%.1f (%.1f-%.1f) us", s.Median/1000, s.Low/1000, s.High/1000)
	}
	adds := turns.Differences(times[2], times[0])
	t.add(name, micro(turns.Nanoseconds(times[0])), micro(turns.Differences(times[1], times[0])), micro(adds),
		fmt.Sprintf("%d us", firstBudget.Microseconds()), verdict(adds.Median, float64(firstBudget.Nanoseconds())))
	return nil
}
