package multidb

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func postgresConnector(t testing.TB) *Connector {
	return mustConnector(t, Config{Primary: routed("postgres"), Replicas: []Engine{routed("postgres")}})
}

func (c *factsCache) get(query string) *facts {
	set, _ := c.place(query)
	return set.get(query)
}

func TestFactsAreRememberedWithoutAllocation(t *testing.T) {
	k := postgresConnector(t)
	const query = "SELECT * FROM orders WHERE id = $1"
	first := k.classified(Postgres, query)
	if again := k.classified(Postgres, strings.Clone(query)); again != first {
		t.Error("a text that repeats was classified again")
	}
	if n := testing.AllocsPerRun(100, func() { k.classified(Postgres, query) }); n != 0 {
		t.Errorf("a text that repeats costs %v allocations", n)
	}
}

// A program that puts literals into its texts must not grow the cache, nor drive
// out the texts that repeat.
func TestFactsSurviveAFloodOfLiterals(t *testing.T) {
	k := postgresConnector(t)
	repeating := make([]string, 200)
	for i := range repeating {
		repeating[i] = fmt.Sprintf("SELECT * FROM orders WHERE column%d = $1", i)
	}
	ask := func() (misses int) {
		for _, query := range repeating {
			if k.known[Postgres].get(query) == nil {
				misses++
				k.classified(Postgres, query)
			}
		}
		return misses
	}
	ask()
	ask()
	var misses, rounds int
	for i := range 100_000 {
		k.classified(Postgres, fmt.Sprintf("SELECT * FROM orders WHERE id = %d", i))
		if i%1_000 == 0 {
			misses += ask()
			rounds++
		}
	}
	if share := float64(misses) / float64(rounds*len(repeating)); share > 0.02 {
		t.Errorf("%.1f%% of the lookups of repeating texts missed", 100*share)
	}
}

func TestFactsOfALongTextAreNotKept(t *testing.T) {
	k := postgresConnector(t)
	long := "SELECT " + strings.Repeat("1, ", maxCachedText) + "1"
	if f := k.classified(Postgres, long); f.Kind != KindRead {
		t.Errorf("a long read is a %v", f.Kind)
	}
	if k.known[Postgres].get(long) != nil {
		t.Error("a long text is kept")
	}
	// A piece of a long text must not keep all of it.
	piece := long[:20]
	if f := k.classified(Postgres, piece); unsafe.StringData(f.query) == unsafe.StringData(piece) {
		t.Error("a piece keeps the text that it was cut from")
	}
}

func TestFactsFromManyGoroutines(t *testing.T) {
	k := postgresConnector(t)
	var users sync.WaitGroup
	for user := range 8 {
		users.Go(func() {
			for i := range 2_000 {
				n := (i*7 + user) % 500
				verb, kind := "SELECT", KindRead
				if n%2 == 0 {
					verb, kind = "DELETE", KindWrite
				}
				f := k.classified(Postgres, fmt.Sprintf("%s FROM orders WHERE id = %d", verb, n))
				if f.Kind != kind || f.Verb != strings.ToLower(verb) {
					t.Errorf("%q is a %v", f.query, f.Kind)
				}
			}
		})
	}
	users.Wait()
}

// BenchmarkFactsFirst is what a text costs that was not seen before, in each dialect,
// the entry of the cache included.
func BenchmarkFactsFirst(b *testing.B) {
	text := strings.TrimSuffix(ormStatement, " LIMIT 10") // 205 bytes
	for d, query := range map[Dialect]string{
		Postgres: text,
		MySQL:    strings.ReplaceAll(strings.ReplaceAll(text, `"`, "`"), "$1", "?"),
		SQLite:   strings.ReplaceAll(text, "$1", "?"),
	} {
		k := mustConnector(b, Config{Primary: routed(d.String()), Replicas: []Engine{routed(d.String())}})
		b.Run(d.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set, way := k.known[d].place(query)
				if set.get("another text") == nil {
					set.add(k.classifyNow(d, strings.Clone(query)), way)
				}
			}
		})
	}
}

func BenchmarkFactsRepeated(b *testing.B) {
	k := postgresConnector(b)
	query := `SELECT "users"."id", "users"."name" FROM "users" WHERE "users"."email" = $1 AND "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT 1`
	b.ReportAllocs()
	for b.Loop() {
		k.classified(Postgres, query)
	}
}
