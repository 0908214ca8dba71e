package blocks

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

// Go code of the documents compiles, and runs without an error on a PostgreSQL
// primary and a replica.
func TestGo(t *testing.T) {
	blocks := documents(t, "go")
	for _, c := range tables(t) {
		if c.language == "go" {
			c.text = "return use(" + c.text + ")\n"
			blocks = append(blocks, c)
		}
	}
	binary := build(t, blocks)

	cluster := testdb.Postgres(t)
	for _, name := range databases {
		testdb.Need(t, "a database", cluster.CreateDatabase(t.Context(), name))
		t.Cleanup(func() { cluster.DropDatabase(t.Context(), name) })
	}
	command := exec.CommandContext(t.Context(), binary)
	command.Env = append(os.Environ(), "MULTIDB_DSN="+configuration(t, cluster))
	out, err := command.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), fmt.Sprintf("%d blocks\n", len(blocks))) {
		t.Errorf("%v\n%s", err, out)
	}
}

// build makes the program. Its files with the blocks exist for the compiler only.
func build(t *testing.T, blocks []code) string {
	if len(blocks) == 0 {
		t.Fatal("no blocks found")
	}
	folder := t.TempDir()
	program, err := filepath.Abs("program")
	if err != nil {
		t.Fatal(err)
	}
	imports := importsOf(t, filepath.Join(program, "main.go"))
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for i, c := range blocks {
		name := fmt.Sprintf("block%d.go", i)
		source, err := goFile(c, i, imports)
		if err != nil {
			t.Errorf("%s: %v", c.place(), err)
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(program, name)] = filepath.Join(folder, name)
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(folder, "program")
	command := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-overlay", filepath.Join(folder, "overlay.json"), "-o", binary, "./program")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("the documents' code does not compile: %v\n%s", err, out)
	}
	return binary
}

// importsOf returns the import of each package name that a document may use.
func importsOf(t *testing.T, path string) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	imports := make(map[string]string)
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		name := regexp.MustCompile(`(/v[0-9]+)$`).ReplaceAllString(path, "")
		name = name[strings.LastIndex(name, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = fmt.Sprintf("%s %q", name, path)
	}
	return imports
}

// goFile makes a file of a block: its statements become a function, and the
// variables that they leave behind are looked at for errors.
func goFile(c code, number int, imports map[string]string) (string, error) {
	var head, body string
	for line := range strings.Lines(c.text) {
		if strings.HasPrefix(line, "import ") {
			head += line
			line = "\n"
		}
		body += line
	}
	function := fmt.Sprintf("func(ctx context.Context, db *sql.DB) error {\n//line %s\n%s\n", c.place(), body)
	parsed, err := parser.ParseExpr(function + "}")
	if err != nil {
		return "", err
	}
	list := parsed.(*ast.FuncLit).Body.List
	if _, returns := list[len(list)-1].(*ast.ReturnStmt); !returns {
		function += fmt.Sprintf("return use(%s)\n", strings.Join(variables(list), ", "))
	}
	needed := []string{imports["context"], imports["sql"]}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && imports[x.Name] != "" {
				needed = append(needed, imports[x.Name])
			}
		}
		return true
	})
	slices.Sort(needed)
	return fmt.Sprintf("package main\n\n%s\nimport (\n%s\n)\n\nfunc init() {\nblocks = append(blocks, block{%q, %s}})\n}\n",
		head, strings.Join(slices.Compact(needed), "\n"), c.place(), function), nil
}

// variables returns those that statements declare for what comes after them.
func variables(statements []ast.Stmt) (names []string) {
	for _, s := range statements {
		assign, ok := s.(*ast.AssignStmt)
		if !ok {
			continue
		}
		for _, left := range assign.Lhs {
			if x, ok := left.(*ast.Ident); ok && x.Name != "_" && !slices.Contains(names, x.Name) {
				names = append(names, x.Name)
			}
		}
	}
	return names
}

// databases are those of the documents' configurations.
var databases = []string{"shop", "audit", "crm", "acme", "globex"}

// configuration is that of the README, on servers that are there.
func configuration(t *testing.T, cluster *testdb.PostgresCluster) string {
	primary, replica := cluster.Primary(), cluster.Standbys()[0]
	for _, name := range databases {
		prepare(t, primary.DSN(name))
	}
	if err := cluster.WaitReplay(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"primary":  primary.DSN("shop"),
		"replicas": []string{replica.DSN("shop")},
		"databases": map[string]any{
			"secondary": primary.DSN("crm"),
			"audit":     map[string]any{"primary": primary.DSN("audit"), "replicas": []string{replica.DSN("audit")}},
		},
		"tenants": map[string]any{"primary": template(primary), "replicas": []string{template(replica)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// template is a server's DSN for any tenant.
func template(s *testdb.Server) string {
	return strings.Replace(s.DSN("TENANT"), "TENANT", "{tenant}", 1)
}

// prepare makes the table that the documents speak of.
func prepare(t *testing.T, dsn string) {
	t.Helper()
	db, err := sql.Open("multidb", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const orders = `CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, item text, paid boolean NOT NULL DEFAULT false)`
	if _, err := db.ExecContext(t.Context(), orders); err != nil {
		t.Fatal(err)
	}
}
