package difftest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
)

// fromORMs returns the texts that ORMs sent, which the module orms collects.
func fromORMs(t *testing.T, dialect string) (queries []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "orms", dialect+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(bytes.NewReader(text)); lines.More(); {
		var s struct{ From, Text string }
		if err := lines.Decode(&s); err != nil {
			t.Fatal(err)
		}
		queries = append(queries, s.Text)
	}
	return queries
}

// TestORMs: of what ORMs ask, only what locks or sets something is no read.
func TestORMs(t *testing.T) {
	for name, dialect := range map[string]multidb.Dialect{sqlcases.Postgres: multidb.Postgres, sqlcases.MySQL: multidb.MySQL, sqlcases.SQLite: multidb.SQLite} {
		reads := 0
		for _, query := range fromORMs(t, name) {
			switch s := multidb.Classify(dialect, query); {
			case s.Kind == multidb.KindRead:
				reads++
				if !s.TablesKnown && s.Verb != "show" && s.Verb != "pragma" {
					t.Errorf("%s: its tables are not known: %s", name, query)
				}
			case s.Verb == "select" && s.Reason != "FOR UPDATE", s.Verb == "show":
				t.Errorf("%s: no read (%s): %s", name, s.Reason, query)
			}
		}
		if reads < 50 {
			t.Errorf("%s: only %d reads", name, reads)
		}
	}
}
