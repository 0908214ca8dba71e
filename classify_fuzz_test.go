package multidb

import (
	"strings"
	"testing"

	"github.com/multidb-go/multidb/internal/sqlcases"
)

func addCases(f *testing.F) {
	for _, c := range sqlcases.All() {
		f.Add(c.Query)
	}
}

// FuzzClassify: any bytes have an answer, and it is consistent in itself.
func FuzzClassify(f *testing.F) {
	addCases(f)
	f.Fuzz(func(t *testing.T, query string) {
		for d := Generic; d <= SQLite; d++ {
			s := Classify(d, query)
			if s.Kind == KindRead && (s.Reason != "" || s.Mutates || s.Session || s.Tx != TxNone || s.Writes != nil) {
				t.Errorf("%s: a read that has an effect: %+v", d, s)
			}
			if s.Kind != KindRead && s.Reason == "" {
				t.Errorf("%s: no reason: %+v", d, s)
			}
			if s.Kind == KindSession && !s.Session {
				t.Errorf("%s: a session statement that leaves nothing: %+v", d, s)
			}
		}
	})
}

// FuzzClassifyAround: blanks, comments, semicolons and parentheses around a text
// never make a read of what is none, and leave a read one; parentheses do if they
// hold a single query and the dialect takes that for a statement.
func FuzzClassifyAround(f *testing.F) {
	addCases(f)
	f.Fuzz(func(t *testing.T, query string) {
		for d := Postgres; d <= SQLite; d++ {
			plain := Classify(d, query)
			wasRead := plain.Kind == KindRead
			isQuery := (plain.Verb == "select" || plain.Verb == "values") && d != SQLite && !strings.Contains(query, ";")
			for _, around := range []struct {
				before, after string
				same          bool // a read stays one
			}{
				{" \t\n", "\n ", true},
				{"/* a */", "\n/* b */", true},
				{"-- a\n", "\n-- b\n", true},
				{"", "\n;", true},
				{";", "", true},
				{"(", "\n)", isQuery},
				{"", "\n; SELECT 1", true},
				{"SELECT 1; ", "", true},
			} {
				switch {
				case strings.HasPrefix(plain.Reason, "unterminated"): // what follows may terminate it
					continue
				case plain.Reason == "empty statement": // ... and a SELECT 1 is a read
					continue
				case around.before == "(" && plain.Reason == "unbalanced parentheses": // ) ( becomes () ()
					continue
				case around.before == "(" && d == MySQL && strings.Contains(query, ";") && strings.ContainsAny(query, "\\\""):
					// Under other settings a statement ended there, which in parentheses the server rejects.
					continue
				}
				read := Classify(d, around.before+query+around.after).Kind == KindRead
				if read && !wasRead || wasRead && !read && around.same {
					t.Errorf("%s: %q is a read: %v; between %q and %q: %v", d, query, wasRead, around.before, around.after, read)
				}
			}
		}
	})
}
