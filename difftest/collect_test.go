//go:build difftest

package difftest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
)

// collected returns the statements to compare: our cases of a dialect, and those
// in the files below MULTIDB_SQL that end in suffix.
func collected(t *testing.T, dialect, suffix string) (queries []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range sqlcases.All() {
		if c.Dialect == dialect {
			queries = append(queries, c.Query)
		}
	}
	if root := os.Getenv("MULTIDB_SQL"); root != "" {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
				return err
			}
			text, err := os.ReadFile(path)
			for _, q := range pieces(string(text)) {
				if !seen[q] {
					seen[q] = true
					queries = append(queries, q)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return queries
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
