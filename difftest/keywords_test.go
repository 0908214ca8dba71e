package difftest

import (
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/testdb"
)

// A word before a parenthesis is grammar or the name of a function, which a user
// may have made: which of them, each server has its own lists and exceptions. So
// every keyword of a server is made a function that leaves a trace, is called
// wherever an expression or a table may stand, and what we call a read of that
// runs on the server.

// made makes functions of a server's keywords and of those that some other server
// has, and returns the names of those that could be made.
func made(keywords []string, function func(word string) error) []string {
	words := append(keywords, sqlcases.Keywords()...)
	slices.Sort(words)
	return slices.DeleteFunc(slices.Compact(words), func(word string) bool { return function(word) != nil })
}

// A known function stays what it is: in PostgreSQL and SQLite a user can make another
// with its name and other arguments, which no text shows.
var errKnown = errors.New("a known function")

func known(dialect multidb.Dialect, word string) bool { return isRead(dialect, `SELECT "`+word+`"(1)`) }

// calledEverywhere returns the texts that call a function named like one of the
// words and that we call reads all the same.
func calledEverywhere(dialect multidb.Dialect, words []string) (reads []string) {
	for _, word := range words {
		for _, place := range sqlcases.Places() {
			if query := strings.ReplaceAll(place, "@", word+"(1)"); isRead(dialect, query) {
				reads = append(reads, query)
			}
		}
	}
	return reads
}

func isRead(dialect multidb.Dialect, query string) bool {
	return multidb.Classify(dialect, query).Kind == multidb.KindRead
}

func TestKeywordsAsFunctionsPostgres(t *testing.T) {
	cluster := testdb.Postgres(t)
	server := open(t, "pgx", cluster.Primary().DSN(cluster.Database(t))+"?default_query_exec_mode=simple_protocol")
	for _, statement := range []string{
		"CREATE SCHEMA trace", "CREATE SEQUENCE trace.s",
		"CREATE TABLE t (a int)", "CREATE TABLE u (b int, a int)", "INSERT INTO t VALUES (1), (2)", "INSERT INTO u VALUES (1, 1)",
	} {
		server.must(statement)
	}
	keywords := server.column("SELECT word FROM pg_get_keywords()")
	words := made(keywords, func(word string) error {
		if known(multidb.Postgres, word) {
			return errKnown
		}
		if !slices.Contains(keywords, word) && isRead(multidb.Postgres, "SELECT "+word+"(1)") {
			return errKnown // to a newer server
		}
		return server.run(`CREATE FUNCTION "` + word + `" (int) RETURNS int LANGUAGE sql VOLATILE AS $$SELECT nextval('trace.s')::int$$`)
	})
	mustRunNone(t, server, calledEverywhere(multidb.Postgres, words), "SELECT last_value || ' ' || is_called FROM trace.s")
}

func TestKeywordsAsFunctionsMariaDB(t *testing.T) {
	cluster := testdb.MariaDB(t)
	server := open(t, "mysql", cluster.Primary().DSN(cluster.Database(t)))
	for _, statement := range []string{
		"CREATE SEQUENCE s NOCACHE", "CREATE TABLE t (a int) PARTITION BY HASH (a) PARTITIONS 2", "CREATE TABLE u (b int, a int)",
		"INSERT INTO t VALUES (1), (2)", "INSERT INTO u VALUES (1, 1)",
	} {
		server.must(statement)
	}
	words := made(server.column("SELECT lower(word) FROM information_schema.keywords WHERE word RLIKE '^[a-z_]+$'"), func(word string) error {
		if word == "grouping" {
			return errKnown // to MySQL, where it is reserved
		}
		return server.run("CREATE FUNCTION `" + word + "` (x int) RETURNS int RETURN nextval(s)")
	})
	reads := calledEverywhere(multidb.MySQL, words)
	for _, mode := range []string{"", "ANSI_QUOTES,IGNORE_SPACE", "ORACLE"} {
		server.must("SET sql_mode = '" + mode + "'")
		mustRunNone(t, server, reads, "SELECT next_not_cached_value FROM s")
	}
}

func TestKeywordsAsFunctionsSQLite(t *testing.T) {
	called := 0
	words := made(nil, func(word string) error {
		if known(multidb.SQLite, word) {
			return errKnown
		}
		return sqlite.RegisterScalarFunction(word, 1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
			called++
			return int64(1), nil
		})
	})
	server := open(t, "sqlite", ":memory:")
	for _, statement := range []string{"CREATE TABLE t (a int)", "CREATE TABLE u (b int, a int)", "INSERT INTO t VALUES (1), (2)", "INSERT INTO u VALUES (1, 1)"} {
		server.must(statement)
	}
	for _, query := range calledEverywhere(multidb.SQLite, words) {
		called = 0
		if server.run(query); called > 0 {
			t.Errorf("%s: is called a read and runs the function", query)
		}
	}
}

// mustRunNone runs texts and fails for those that change what trace shows. Most are
// no SQL to the server, and their errors say nothing. It looks for a change behind many
// of them, and only then for the one that made it.
func mustRunNone(t *testing.T, server live, reads []string, trace string) {
	t.Helper()
	before := server.value(trace)
	for some := range slices.Chunk(reads, 100) {
		for _, query := range some {
			server.run(query)
		}
		if after := server.value(trace); after == before {
			continue
		}
		for _, query := range some {
			before = server.value(trace)
			if err := server.run(query); server.value(trace) != before {
				t.Errorf("%s: is called a read and runs the function (%v)", query, err)
			}
		}
		before = server.value(trace)
	}
}

func (l live) column(query string) (values []string) {
	l.t.Helper()
	rows, err := l.QueryContext(l.t.Context(), query)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			l.t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return values
}
