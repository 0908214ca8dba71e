package difftest

import (
	"os"
	"strings"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

// The lists of functions say what a person reviewed, or what a server's catalogue
// says. So a name in a list is either in the reviewed one, whose comments are the
// reasons, or the server has it and does not call it volatile.

const lists = "../internal/sqlscan/functions/"

// listed returns the names in a list of functions, each with what follows it.
func listed(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(lists + file)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		names[name] = what
	}
	return names
}

// reviewed returns the names in a reviewed list, with their effects. Every group of
// them stands below its reason.
func reviewed(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(lists + file)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		explained := false
		for line := range strings.Lines(paragraph) {
			if strings.HasPrefix(line, "#") {
				explained = true
				continue
			}
			words := strings.Fields(line)
			if !explained && words[0] != "unknown" && file == "postgres.reviewed.txt" {
				t.Errorf("%s: no reason above: %s", file, line)
			}
			for _, name := range words[1:] {
				if have, ok := names[name]; ok && have != words[0] {
					t.Errorf("%s: %s is both %s and %s", file, name, have, words[0])
				}
				names[name] = words[0]
			}
		}
	}
	return names
}

// mustBeKnown fails for what is in a list and neither reviewed nor in a server's
// catalogue, where it must not be volatile.
func mustBeKnown(t *testing.T, list, reviewed, catalogue map[string]string) {
	t.Helper()
	for name := range list {
		switch volatility, ok := catalogue[name]; {
		case reviewed[name] != "":
		case !ok:
			t.Errorf("%s: the server does not have it, and nobody says which one has", name)
		case strings.HasPrefix(volatility, "v"):
			t.Errorf("%s: it is volatile, and nobody says why that does no harm", name)
		}
	}
	if len(list) < 150 || len(catalogue) < 100 {
		t.Errorf("%d names in the list, %d in the catalogue", len(list), len(catalogue))
	}
}

func TestFunctionListPostgres(t *testing.T) {
	cluster := testdb.Postgres(t)
	server := open(t, "pgx", cluster.Primary().DSN(cluster.Database(t))+"?default_query_exec_mode=simple_protocol")
	for name := range strings.FieldsSeq("btree_gin btree_gist citext cube earthdistance fuzzystrmatch hstore intagg intarray isn ltree " +
		"pg_trgm pgcrypto seg sslinfo tablefunc unaccent uuid-ossp") {
		server.must(`CREATE EXTENSION "` + name + `"`)
	}
	query, err := os.ReadFile(lists + "postgres.sql")
	if err != nil {
		t.Fatal(err)
	}
	catalogue := listed(t, "postgis.names")
	for _, line := range server.column(string(query)) {
		name, what, _ := strings.Cut(line, " ")
		catalogue[name] = what
	}
	list := listed(t, "postgres.txt")
	mustBeKnown(t, list, reviewed(t, "postgres.reviewed.txt"), catalogue)
	for name, what := range list {
		if in := catalogue[name]; what == "extension" && in != "" && !strings.HasSuffix(in, "extension") {
			t.Errorf("%s is called that of an extension, and is PostgreSQL's own", name)
		}
	}
}

func TestFunctionListMariaDB(t *testing.T) {
	cluster := testdb.MariaDB(t)
	server := open(t, "mysql", cluster.Primary().DSN(cluster.Database(t)))
	catalogue := map[string]string{}
	for _, name := range server.column("SELECT lower(function) FROM information_schema.sql_functions") {
		catalogue[name] = "in the server"
	}
	mustBeKnown(t, listed(t, "mysql.txt"), reviewed(t, "mysql.reviewed.txt"), catalogue)
}

func TestFunctionListSQLite(t *testing.T) {
	server := open(t, "sqlite", ":memory:")
	catalogue := map[string]string{}
	for _, name := range server.column("SELECT DISTINCT lower(name) FROM pragma_function_list") {
		catalogue[name] = "in the library"
	}
	mustBeKnown(t, listed(t, "sqlite.txt"), reviewed(t, "sqlite.reviewed.txt"), catalogue)
}
