package multidb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

// These benchmarks are for profiling one operation:
//
//	go test -run - -bench 'QueryRow/leased' -cpuprofile cpu.out .
//
// The child is a null driver, so that what is left is database/sql and multidb.
// For figures to quote, run ./bench, which measures in turns.

// benchDBs are the ways to use a null child.
var benchDBs = []struct {
	name      string
	connector func(b *testing.B) driver.Connector
}{
	{"child", func(*testing.B) driver.Connector { return testdb.NullConnector{} }},
	{"held", func(b *testing.B) driver.Connector {
		return mustConnector(b, Config{Primary: benchEngine})
	}},
	{"leased", func(b *testing.B) driver.Connector {
		return mustConnector(b, Config{Primary: benchEngine, Replicas: []Engine{benchEngine}})
	}},
}

var benchEngine = Engine{Driver: "pgx", Connector: testdb.NullConnector{}}

// benchmarkEach runs the operation that prepare returns over each way, alone and
// in as many goroutines as there are processors.
func benchmarkEach(b *testing.B, prepare func(b *testing.B, db *sql.DB) func() error) {
	for _, way := range benchDBs {
		db := sql.OpenDB(way.connector(b))
		b.Cleanup(func() { db.Close() })
		do := prepare(b, db)
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(way.name+"-parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := do(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkQueryRow(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, db *sql.DB) func() error {
		return func() error {
			var n int64
			return db.QueryRowContext(context.Background(), "SELECT n FROM t WHERE id = $1", 1).Scan(&n)
		}
	})
}

func BenchmarkExec(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, db *sql.DB) func() error {
		return func() error {
			_, err := db.ExecContext(context.Background(), "UPDATE t SET n = n + 1 WHERE id = $1", 1)
			return err
		}
	})
}

func BenchmarkStmtQuery(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, db *sql.DB) func() error {
		stmt, err := db.PrepareContext(context.Background(), "SELECT n FROM t WHERE id = $1")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { stmt.Close() })
		return func() error {
			var n int64
			return stmt.QueryRowContext(context.Background(), 1).Scan(&n)
		}
	})
}

func BenchmarkTx(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, db *sql.DB) func() error {
		return func() error {
			tx, err := db.BeginTx(context.Background(), nil)
			if err != nil {
				return err
			}
			if _, err := tx.Exec("UPDATE t SET n = n + 1 WHERE id = $1", 1); err != nil {
				return err
			}
			return tx.Commit()
		}
	})
}

// BenchmarkLayers is multidb without database/sql around it, and each layer of
// it alone: what is to be gained, and where.
func BenchmarkLayers(b *testing.B) {
	const query = "SELECT n FROM t WHERE id = $1"
	ctx := context.Background()
	conn := func(k *Connector) *Conn {
		c, err := k.Connect(ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		return c.(*Conn)
	}
	held := conn(mustConnector(b, Config{Primary: benchEngine}))
	k := mustConnector(b, Config{Primary: benchEngine, Replicas: []Engine{benchEngine}})
	leased, primary := conn(k), k.engines["primary"]

	for _, layer := range []struct {
		name string
		do   func()
	}{
		{"held", func() { benchmarkOne(ctx, held, query) }},
		{"leased", func() { benchmarkOne(ctx, leased, query) }},
		{"route", func() {
			var q question
			leased.ask(&call{ctx: ctx, via: viaQuery, query: query}, &q)
			k.route(&q)
		}},
		{"classified", func() { k.classified(Postgres, query, true) }},
		{"lease", func() {
			ca := call{ctx: ctx, route: route{engine: primary}}
			leased.lease(&ca)
			leased.IsValid()
		}},
		{"pool", func() {
			ch, _ := primary.pool.Take(ctx)
			primary.pool.Put(ch)
		}},
	} {
		b.Run(layer.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				layer.do()
			}
		})
	}
}

// benchmarkOne makes the calls of database/sql for one statement.
func benchmarkOne(ctx context.Context, c *Conn, query string) {
	c.ResetSession(ctx)
	c.QueryContext(ctx, query, nil)
	c.IsValid()
}

// BenchmarkClassified is what is asked about a text that was seen before.
func BenchmarkClassified(b *testing.B) {
	k := mustConnector(b, Config{Primary: benchEngine})
	const query = `SELECT "users"."id", "users"."name", "users"."email", "users"."created_at" FROM "users" ` +
		`WHERE "users"."deleted_at" IS NULL AND "users"."account_id" = $1 ORDER BY "users"."id" DESC LIMIT 20 OFFSET $2`
	k.classified(Postgres, query, true)
	b.ReportAllocs()
	for b.Loop() {
		k.classified(Postgres, query, true)
	}
}
