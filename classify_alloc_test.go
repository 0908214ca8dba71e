package multidb_test

import (
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
)

// A first sight allocates what it finds, the lists of tables, and nothing else.
func TestClassifyAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector empties pools at random")
	}
	for query, want := range map[string]float64{
		`SELECT 1`:                  0,
		`SELECT abs($1), lower($1)`: 0,
		`SELECT u.name FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id IN (SELECT id FROM orders)`:                   1,
		`SELECT "users"."id" FROM "users" WHERE "users"."id" = $1 AND "users"."name" LIKE 'A%' ORDER BY "users"."id" LIMIT 10`: 1,
		`INSERT INTO t (a, b) SELECT x, y FROM u ON CONFLICT DO NOTHING`:                                                       2,
	} {
		mysql := strings.NewReplacer(`"`, "`", "$1", "?").Replace(query) // it does not need the second witness, who has many
		for d, query := range map[multidb.Dialect]string{multidb.Postgres: query, multidb.SQLite: query, multidb.MySQL: mysql} {
			multidb.Classify(d, query)
			if got := testing.AllocsPerRun(100, func() { multidb.Classify(d, query) }); got > want {
				t.Errorf("%v: %s: %v allocations, want %v", d, query, got, want)
			}
		}
	}
}
