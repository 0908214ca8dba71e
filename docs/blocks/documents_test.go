// Package blocks shows that what the documents say can be done: each block of
// code in README.md and docs is compiled and run, parsed, or looked for.
package blocks

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"

	_ "github.com/DATA-DOG/go-sqlmock"
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// root is the repository's folder, by a link: go test takes a result from its
// cache when a file outside of the module has changed, unless the way to it
// begins inside.
const root = "repository"

// code is a piece of a document: a fenced block, or what stands in a table.
type code struct {
	file     string
	line     int // of its first line of text
	language string
	text     string
}

func (c code) place() string { return fmt.Sprintf("%s:%d", c.file, c.line) }

// texts returns the documents by their names.
func texts(t *testing.T) iter.Seq2[string, string] {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, filepath.Join(root, "README.md"), filepath.Join(root, "examples", "README.md"))
	return func(yield func(string, string) bool) {
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(name, string(text)) {
				return
			}
		}
	}
}

var linkPattern = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// Links between the files of the repository lead somewhere.
func TestLinks(t *testing.T) {
	for name, text := range texts(t) {
		for _, link := range linkPattern.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), link[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// documents returns the blocks of all documents in one language.
func documents(t *testing.T, language string) (some []code) {
	t.Helper()
	for _, c := range allBlocks(t) {
		if c.language == language {
			some = append(some, c)
		}
	}
	return some
}

func allBlocks(t *testing.T) (all []code) {
	t.Helper()
	for name, text := range texts(t) {
		all = append(all, fenced(name, text)...)
	}
	return all
}

// fenced returns the blocks of a document.
func fenced(file, text string) (all []code) {
	var open *code
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && open == nil:
			open = &code{file: file, line: i + 2, language: fence}
		case isFence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return all
}

// Every block is of a kind that something here looks at. What a program prints is
// "text", or has no language.
func TestLanguages(t *testing.T) {
	for _, c := range allBlocks(t) {
		switch c.language {
		case "go", "json", "sh", "text", "":
		default:
			t.Errorf("%s: nobody checks blocks in %q", c.place(), c.language)
		}
	}
}

// tables are the expressions of the tables of libraries: what one writes with
// multidb, in their last column. Each is one of Go, or a JSON document.
func tables(t *testing.T) (all []code) {
	t.Helper()
	for _, name := range []string{"README.md", "docs/libraries.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		cells := lastColumn(name, string(text), "| you have |")
		if len(cells) == 0 {
			t.Errorf("%s: the table of libraries is not where it was", name)
		}
		for _, c := range cells {
			expression, isCode := strings.CutPrefix(c.text, "`")
			switch {
			case isCode:
				c.text, _, _ = strings.Cut(expression, "`")
				if strings.HasPrefix(c.text, "{") {
					c.language = "json"
				}
				all = append(all, c)
			case !strings.HasPrefix(c.text, "the same"):
				t.Errorf("%s: neither code nor \"the same\": %s", c.place(), c.text)
			}
		}
	}
	return all
}

// lastColumn returns the cells of the last column of the table that begins with a
// text.
func lastColumn(file, document, head string) (all []code) {
	inTable := false
	for i, line := range strings.Split(document, "\n") {
		switch {
		case strings.HasPrefix(line, head):
			inTable = true
		case !inTable || strings.HasPrefix(line, "|--"):
		case !strings.HasPrefix(line, "|"):
			return all
		default:
			cells := strings.Split(line, "|")
			all = append(all, code{file: file, line: i + 1, language: "go", text: strings.TrimSpace(cells[len(cells)-2])})
		}
	}
	return all
}

// A JSON block is a configuration that a *sql.DB can be opened with.
func TestJSON(t *testing.T) {
	blocks := documents(t, "json")
	for _, c := range tables(t) {
		if c.language == "json" {
			blocks = append(blocks, c)
		}
	}
	if len(blocks) == 0 {
		t.Fatal("no blocks found")
	}
	for _, c := range blocks {
		config, err := multidb.ParseDSN(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.place(), err)
			continue
		}
		connector, err := multidb.NewConnector(config)
		if err != nil {
			t.Errorf("%s: %v", c.place(), err)
			continue
		}
		connector.Close()
	}
}

// The tables of the configuration have all keys of the JSON document, and no others.
func TestKeys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	for after, wrong := range map[string]string{
		"# The configuration":             `{"wrong": 1}`,
		"An engine is a DSN or an object": `{"primary": {"wrong": 1}}`,
	} {
		_, err := multidb.ParseDSN(wrong)
		if err == nil {
			t.Fatal("a wrong key is no error")
		}
		_, list, _ := strings.Cut(err.Error(), "(have ") // the error names all that there are
		keys := strings.Split(strings.TrimSuffix(list, ")"), ", ")
		told := firstColumn(string(text), after)
		slices.Sort(keys)
		slices.Sort(told)
		if !slices.Equal(keys, told) {
			t.Errorf("the table after %q has the keys\n%s\nand the document has\n%s", after, told, keys)
		}
	}
}

var keyPattern = regexp.MustCompile("`([a-z_]+)`")

// firstColumn returns the names in the first column of the table that follows a
// text.
func firstColumn(document, after string) (names []string) {
	_, rest, _ := strings.Cut(document, after)
	inTable := false
	for line := range strings.Lines(rest) {
		switch {
		case strings.HasPrefix(line, "|"):
			inTable = true
			cell, _, _ := strings.Cut(line[1:], "|")
			for _, m := range keyPattern.FindAllStringSubmatch(cell, -1) {
				names = append(names, m[1])
			}
		case inTable:
			return names
		}
	}
	return names
}
