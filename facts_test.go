package multidb

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/testdb"
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
	k.classified(Postgres, query, false)
	second := k.classified(Postgres, strings.Clone(query), false)
	if again := k.classified(Postgres, strings.Clone(query), false); again != second {
		t.Error("a text that repeats was classified again")
	}
	if n := testing.AllocsPerRun(100, func() { k.classified(Postgres, query, false) }); n != 0 {
		t.Errorf("a text that repeats costs %v allocations", n)
	}
}

// A statement that is prepared will be used again, and the shortest way of a call is
// for facts that are kept.
func TestFactsOfAPreparedStatementAreKeptAtOnce(t *testing.T) {
	k := mustConnector(t, Config{Primary: benchEngine, Replicas: []Engine{benchEngine}})
	db := sql.OpenDB(k)
	defer db.Close()
	const query = "SELECT * FROM orders WHERE id = $1"
	s, err := db.Prepare(query)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if f := k.known[Postgres].get(query); f == nil || !f.kept {
		t.Errorf("not remembered: %+v", f)
	}
}

// A text may be a piece of a much larger one: as long as it has come but once, nothing
// keeps it when its statement is over. Where a question asks twice, it has come once.
func TestFactsOfATextThatCameOnceAreNotKept(t *testing.T) {
	k := mustConnector(t, Config{
		Primary: benchEngine, Replicas: []Engine{benchEngine}, Databases: map[string]Database{"other": {Primary: benchEngine}},
		Rules: []Rule{{Verbs: []string{"insert"}, Use: "other"}},
	})
	dc, err := k.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer dc.Close()
	c := dc.(*Conn)
	run := func(query string) (kept bool) {
		rows, err := c.QueryContext(t.Context(), query, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
		of := func(f *facts) bool { return f != nil && f.query == query }
		kept = k.known[Postgres].get(query) != nil
		if of(c.lastFacts) && !kept || of(c.last.facts) && !kept {
			t.Errorf("%s: the connection keeps what the cache does not", query)
		}
		return kept
	}
	for _, query := range []string{"SELECT 1", "INSERT INTO t VALUES (1)"} {
		if run(query) {
			t.Errorf("%s: remembered when it came once", query)
		}
		if !run(query) {
			t.Errorf("%s: not remembered when it came again", query)
		}
	}
}

// A child may leave a statement to Prepare, as go-sql-driver does with arguments: the
// text has come once all the same.
func TestFactsOfASkippedStatementAreNotKept(t *testing.T) {
	fake := testdb.NewFake(t, "primary", testdb.Full)
	skip := func(*testdb.Call) error { return driver.ErrSkip }
	fake.On(testdb.OpQuery, skip)
	fake.On(testdb.OpExec, skip)
	engine := Engine{Driver: "mysql", Connector: fake.Connector(), ReadOnly: "trust"}
	k := mustConnector(t, Config{Primary: engine, Replicas: []Engine{engine}})
	db := sql.OpenDB(k)
	defer db.Close()
	run := func(n int) {
		rows, err := db.Query(fmt.Sprintf("SELECT %d, ?", n), 1)
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
		if _, err := db.Exec(fmt.Sprintf("DELETE FROM t%d WHERE a = ?", n), 1); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		run(n)
	}
	if n := k.known[MySQL].size(); n != 0 {
		t.Errorf("%d texts that came once are remembered", n)
	}
	run(0)
	if n := k.known[MySQL].size(); n != 2 {
		t.Errorf("%d texts are remembered, of 2 that came twice", n)
	}
}

// What a replica taught about a text is remembered, and not the larger text around it.
func TestLearntFactsAreTheirOwn(t *testing.T) {
	k := postgresConnector(t)
	text := "SELECT f FROM orders"
	f := k.classified(Postgres, text, false)
	learnt := k.learnWrite(f)
	if !learnt.kept || k.known[Postgres].get(text) != learnt {
		t.Error("not remembered")
	}
	if unsafe.StringData(learnt.query) == unsafe.StringData(text) || unsafe.SliceData(learnt.Reads) == &f.room[0] {
		t.Error("what is remembered holds the text that it was learnt from")
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
			}
			k.classified(Postgres, query, false)
		}
		return misses
	}
	flood := func(times int) (missed float64) {
		var misses, rounds int
		for i := range 100_000 {
			query := fmt.Sprintf("SELECT * FROM orders WHERE id = %d", i)
			for range times {
				k.classified(Postgres, query, false)
			}
			if i%1_000 == 0 {
				misses += ask()
				rounds++
			}
		}
		return float64(misses) / float64(rounds*len(repeating))
	}
	for rounds := 0; ask() > 0; rounds++ {
		if rounds == 100 {
			t.Fatal("some texts that repeat are never remembered")
		}
	}
	if missed := flood(1); missed > 0 {
		t.Errorf("texts that come once drove out those that repeat: %.1f%% of the lookups of these missed", 100*missed)
	}
	if n := k.known[Postgres].size(); n > len(repeating)+10 { // few have the mark of another one
		t.Errorf("%d texts are remembered, of %d that repeat", n, len(repeating))
	}
	if missed := flood(2); missed > 0.02 {
		t.Errorf("texts that come twice drove out those that repeat: %.1f%% of the lookups of these missed", 100*missed)
	}
}

func (c *factsCache) size() (n int) {
	for i := range c.sets {
		for j := range c.sets[i].ways {
			if c.sets[i].ways[j].Load() != nil {
				n++
			}
		}
	}
	return n
}

func TestFactsOfALongTextAreNotKept(t *testing.T) {
	k := postgresConnector(t)
	long := "SELECT " + strings.Repeat("1, ", maxCachedText) + "1"
	if f := k.classified(Postgres, long, true); f.Kind != KindRead {
		t.Errorf("a long read is a %v", f.Kind)
	}
	if k.known[Postgres].get(long) != nil {
		t.Error("a long text is kept")
	}
	// A piece of a long text must not keep all of it.
	piece := long[:20]
	if f := k.classified(Postgres, piece, true); unsafe.StringData(f.query) == unsafe.StringData(piece) {
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
				f := k.classified(Postgres, fmt.Sprintf("%s FROM orders WHERE id = %d", verb, n), false)
				if f.Kind != kind || f.Verb != strings.ToLower(verb) {
					t.Errorf("%q is a %v", f.query, f.Kind)
				}
			}
		})
	}
	users.Wait()
}

// BenchmarkFactsFirst is what a text costs that was not seen before, in each dialect:
// one that comes once, and one that is kept at once, the entry of the cache included.
func BenchmarkFactsFirst(b *testing.B) {
	for _, d := range []Dialect{Postgres, MySQL, SQLite} {
		texts := sqlcases.Generated(d.String(), 300)
		k := mustConnector(b, Config{Primary: routed(d.String()), Replicas: []Engine{routed(d.String())}})
		for name, stays := range map[string]bool{"once": false, "kept": true} {
			b.Run(d.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%len(texts) == 0 {
						clear(k.known[d].sets[:])
					}
					k.classified(d, texts[i%len(texts)], stays)
				}
				b.ReportMetric(float64(len(strings.Join(texts, "")))/float64(len(texts)), "bytes/text")
			})
		}
	}
}

func BenchmarkFactsRepeated(b *testing.B) {
	k := postgresConnector(b)
	query := `SELECT "users"."id", "users"."name" FROM "users" WHERE "users"."email" = $1 AND "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT 1`
	b.ReportAllocs()
	for b.Loop() {
		k.classified(Postgres, query, true)
	}
}
