package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

// postgresBudget stands for "not to be told from the child": a machine that is
// not idle resolves no smaller difference.
const postgresBudget = 1.05

// tableRows is how many rows the table on PostgreSQL has, with ids from 1.
const tableRows = 10_000

// startPostgres starts servers with the table that the operations use.
func startPostgres(ctx context.Context, standbys int) (*testdb.PostgresCluster, error) {
	cluster, err := testdb.StartPostgres(ctx, testdb.PostgresOptions{Standbys: standbys})
	if err != nil {
		return nil, err
	}
	if err := createTable(ctx, cluster); err != nil {
		cluster.Stop()
		return nil, err
	}
	return cluster, nil
}

func createTable(ctx context.Context, cluster *testdb.PostgresCluster) error {
	db := sql.OpenDB(pgxConnector(cluster.Primary(), "bench"))
	defer db.Close()
	for _, statement := range []string{
		"CREATE TABLE bench (id bigint PRIMARY KEY, n bigint NOT NULL)",
		fmt.Sprintf("INSERT INTO bench SELECT id, 0 FROM generate_series(1, %d) id", tableRows),
		"VACUUM ANALYZE bench",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return cluster.WaitReplay(ctx)
}

func pgxConnector(s *testdb.Server, application string) driver.Connector {
	config, err := pgx.ParseConfig(s.DSN("postgres"))
	if err != nil {
		panic(err) // testdb made the DSN
	}
	config.RuntimeParams["application_name"] = application
	return stdlib.GetConnector(*config)
}

// postgresAllocations counts what each operation allocates over pgx.
func postgresAllocations(ctx context.Context, e effort) (table, error) {
	t := allocTable("PostgreSQL through pgx")
	err := onPostgres(ctx, operations, func(o operation, actions []turns.Action) error {
		return t.addAllocs(o, e.allocCalls/10, actions)
	})
	return t, err
}

// postgresPairs times the reads, by key.
func postgresPairs(ctx context.Context, e effort) (table, error) {
	t := table{
		title:  fmt.Sprintf("Time over PostgreSQL through pgx, by key: ratio to the child, median of %d rounds of %d calls (and the quartiles)", e.postgresRounds, e.postgresCalls),
		header: []string{"operation", "goroutines", "child", "again", "held", "leased", "budget", ""},
	}
	reads := operations[:2]
	err := onPostgres(ctx, reads, func(o operation, actions []turns.Action) error {
		for _, goroutines := range []int{1, 16} {
			times, err := turns.Take(ctx, e.postgresRounds, e.postgresCalls, goroutines, actions)
			if err != nil {
				return err
			}
			again, held, leased := turns.Ratios(times[1], times[0]), turns.Ratios(times[2], times[0]), turns.Ratios(times[3], times[0])
			t.add(o.name, fmt.Sprint(goroutines), fmt.Sprintf("%.1f us", turns.Nanoseconds(times[0]).Median/1000),
				again.String(), held.String(), leased.String(), fmt.Sprintf("%.2f", postgresBudget),
				verdict(max(held.Median, leased.Median), postgresBudget))
		}
		return nil
	})
	return t, err
}

// onPostgres prepares the operations for all contenders on one server.
func onPostgres(ctx context.Context, operations []operation, measure func(operation, []turns.Action) error) error {
	cluster, err := startPostgres(ctx, 0)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	contenders, err := contendersOver(pgxConnector(cluster.Primary(), "bench"))
	if err != nil {
		return err
	}
	defer closeAll(contenders)
	for _, o := range operations {
		actions, err := o.actions(contenders)
		if err != nil {
			return err
		}
		if err := measure(o, actions); err != nil {
			return err
		}
	}
	return nil
}
