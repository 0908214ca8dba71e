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
// For figures to quote, run internal/bench, which measures in turns.

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

// BenchmarkClassified is what is asked about a text that was seen before.
func BenchmarkClassified(b *testing.B) {
	k := mustConnector(b, Config{Primary: benchEngine, Replicas: []Engine{benchEngine}})
	const query = `SELECT "users"."id", "users"."name", "users"."email", "users"."created_at" FROM "users" ` +
		`WHERE "users"."deleted_at" IS NULL AND "users"."account_id" = $1 ORDER BY "users"."id" DESC LIMIT 20 OFFSET $2`
	b.ReportAllocs()
	for b.Loop() {
		if k.classified(Postgres, query).Kind != KindRead {
			b.Fatal("not a read")
		}
	}
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
