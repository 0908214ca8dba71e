//go:build difftest

package difftest

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
)

// collected returns the statements to compare: our cases of a dialect and what ORMs
// sent, or those in the files below MULTIDB_SQL that end in suffix.
func collected(t *testing.T, dialect, suffix string) (queries []string) {
	t.Helper()
	if os.Getenv("MULTIDB_SQL") == "" {
		for _, c := range sqlcases.All() {
			if c.Dialect == dialect {
				queries = append(queries, c.Query)
			}
		}
		return append(queries, fromORMs(t, dialect)...)
	}
	seen := map[string]bool{}
	files(t, suffix, func(path, text string) {
		for _, q := range pieces(text) {
			if !seen[q] && utf8.ValidString(q) {
				seen[q] = true
				queries = append(queries, q)
			}
		}
	})
	return queries
}

// files calls do for the files below MULTIDB_SQL that end in suffix.
func files(t *testing.T, suffix string, do func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(os.Getenv("MULTIDB_SQL"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		text, err := os.ReadFile(path)
		do(path, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// count is what comes out of a comparison.
type count struct {
	statements, reads, wrong, otherTables int

	lost map[string]int // reads that are writes to us, by reason
	kept map[string]int // reads that are for one connection, or for the primary
}

// compare notes a statement that must agree with its tree: if it is a read to us, the tree
// reads and calls nothing that we do not know, and the tables that we are sure of are
// those of the tree.
func (c *count) compare(t *testing.T, d multidb.Dialect, query string, s multidb.Statement, f *facts) {
	t.Helper()
	f.refuseUnknown(d)
	c.noRead(t, query, s, f.why)
	if s.TablesKnown && !f.names && !sameTables(s, f.tables) {
		c.otherTables++
		t.Errorf("tables %v %v, the tree has %v: %.1000s", s.Reads, s.Writes, f.tables, query)
	}
}

// add notes a statement that only reads, or does not, as another sees it.
func (c *count) add(t *testing.T, query string, s multidb.Statement, reads bool) {
	t.Helper()
	c.statements++
	if !reads {
		return
	}
	c.reads++
	switch {
	case s.Kind == multidb.KindRead:
	case s.Mutates:
		c.lost[s.Reason]++
		t.Logf("lost (%s): %.300s", s.Reason, query)
	default:
		c.kept[s.Reason]++
	}
}

// noRead notes what a statement has in it that a read has not, if there is anything.
func (c *count) noRead(t *testing.T, query string, s multidb.Statement, why string) {
	t.Helper()
	if s.Kind == multidb.KindRead && why != "" {
		c.wrong++
		t.Errorf("a read with %s in it: %.1000s", why, query)
	}
}

// refuseUnknown refuses a tree with a call of what we do not know to be harmless.
func (f *facts) refuseUnknown(d multidb.Dialect) {
	for _, name := range f.functions {
		if d == multidb.Postgres && !strings.Contains(name, ".") {
			name = `"` + name + `"`
		}
		// With literals, as extractvalue only reads if its path is one.
		if s := multidb.Classify(d, "SELECT "+name+"('', '')"); s.Kind != multidb.KindRead {
			f.refuse(s.Reason)
		}
	}
}

func newCount() *count { return &count{lost: map[string]int{}, kept: map[string]int{}} }

func (c *count) report(t *testing.T) {
	t.Helper()
	sum := func(what string, by map[string]int) (n int) {
		for _, reason := range slices.Sorted(maps.Keys(by)) {
			t.Logf("%5d %s: %s", by[reason], what, reason)
			n += by[reason]
		}
		return n
	}
	lost, kept := sum("lost", c.lost), sum("kept", c.kept)
	t.Logf("%d statements, %d reads, %d lost (%.2f percent), %d kept for the primary, %d wrong, %d with other tables",
		c.statements, c.reads, lost, 100*float64(lost)/float64(max(c.reads, 1)), kept, c.wrong, c.otherTables)
}

// pieces cuts a file into statements, roughly: what comes out wrong is not
// parsed, and so not compared.
func pieces(text string) (queries []string) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if b.Len() == 0 && (strings.HasPrefix(line, `\`) || strings.HasPrefix(line, "--") || strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "") {
			continue
		}
		b.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			queries = append(queries, strings.TrimSpace(b.String()))
			b.Reset()
		}
	}
	return append(queries, strings.TrimSpace(b.String()))
}

// sameTables compares sets: what we read and write, and what a tree names.
func sameTables(s multidb.Statement, tree []string) bool {
	ours := slices.Concat(s.Reads, s.Writes)
	slices.Sort(ours)
	slices.Sort(tree)
	return slices.Equal(slices.Compact(ours), slices.Compact(tree))
}
