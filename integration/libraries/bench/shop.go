package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	_ "github.com/jackc/pgx/v5/stdlib"

	_ "github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/integration/libraries/internal/ent"
	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

// shop is a server with customers and their orders, and the ways to it.
type shop struct {
	cluster *testdb.PostgresCluster

	// contenders are pgx alone, the same once more, which shows how far equals are
	// apart on this machine, and multidb with a primary and a replica. The replica
	// is the primary once more, so that nothing differs but multidb.
	contenders []*sql.DB
}

func openShop(ctx context.Context) (*shop, error) {
	cluster, err := testdb.StartPostgres(ctx, testdb.PostgresOptions{})
	if err != nil {
		return nil, err
	}
	s := &shop{cluster: cluster}
	if err := s.open(ctx, cluster.Primary().DSN("postgres")); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *shop) open(ctx context.Context, dsn string) error {
	for range 2 {
		child, err := sql.Open("pgx", dsn)
		if err != nil {
			return err
		}
		s.contenders = append(s.contenders, child)
	}
	split, err := sql.Open("multidb", fmt.Sprintf(`{"primary": %q, "replicas": [%q]}`, dsn, dsn))
	if err != nil {
		return err
	}
	s.contenders = append(s.contenders, split)
	return fill(ctx, s.contenders[0])
}

func (s *shop) close() error {
	var errs []error
	for _, db := range s.contenders {
		errs = append(errs, db.Close())
	}
	s.cluster.Stop()
	return errors.Join(errs...)
}

// fill makes the tables, which are ent's, and a hundred customers with two orders
// each.
func fill(ctx context.Context, db *sql.DB) error {
	if err := openEnt(db).Schema.Create(ctx); err != nil {
		return err
	}
	for _, statement := range []string{
		`INSERT INTO customers (name, visits, likes, since) SELECT 'customer ' || n, n, '["tea"]', now() FROM generate_series(1, 100) n`,
		"INSERT INTO orders (item, amount, customer_orders) SELECT 'tea', 1, customers.id FROM customers, generate_series(1, 2)",
		"VACUUM ANALYZE",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func openEnt(db *sql.DB) *ent.Client {
	return ent.NewClient(ent.Driver(entsql.OpenDB(dialect.Postgres, db)))
}

// actions prepares an operation for each contender, and tries it.
func (s *shop) actions(o operation) ([]turns.Action, error) {
	var all []turns.Action
	for _, db := range s.contenders {
		do, err := o.prepare(db)
		if err == nil {
			err = do()
		}
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", o.library, o.name, err)
		}
		all = append(all, do)
	}
	return all, nil
}
