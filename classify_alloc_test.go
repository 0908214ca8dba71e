package multidb_test

import (
	"testing"

	"github.com/multidb-go/multidb"
)

// A first sight allocates what it finds, the lists of tables, and nothing else.
func TestClassifyAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector empties pools at random")
	}
	for query, want := range map[string]float64{
		`SELECT 1`:                0,
		`SELECT now(), lower($1)`: 0,
		`SELECT u.name FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id IN (SELECT id FROM orders)`:                   1,
		`SELECT "users"."id" FROM "users" WHERE "users"."id" = $1 AND "users"."name" LIKE 'A%' ORDER BY "users"."id" LIMIT 10`: 1,
		`INSERT INTO t (a, b) SELECT x, y FROM u ON CONFLICT DO NOTHING`:                                                       2,
	} {
		multidb.Classify(multidb.Postgres, query)
		if got := testing.AllocsPerRun(100, func() { multidb.Classify(multidb.Postgres, query) }); got > want {
			t.Errorf("%s: %v allocations, want %v", query, got, want)
		}
	}
}
