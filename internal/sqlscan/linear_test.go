package sqlscan

import (
	"strings"
	"testing"
)

// FuzzLinear: a text in which a part stands eight times as often takes at most
// some eight times the work, whatever the part is and whatever stands around it.
// What counts as work are bytes that the lexer goes over, in each reading and
// again where it searches or looks ahead, and entries of lists that are searched.
func FuzzLinear(f *testing.F) {
	for _, s := range []struct{ before, part, after string }{
		{"SELECT ", "a, ", "1"},
		{"SELECT ", "f(g), ", "1"},
		{"SELECT ", "(", ")"},
		{"SELECT ", "(1)+", "1"},
		{"SELECT 1", ",(SELECT a FROM t)", ""},
		{"SELECT * FROM t", " JOIN u USING (id)", " WHERE a = 1"},
		{"SELECT * FROM t", ", a.b", ""},
		{"", "SELECT a FROM t; ", ""},
		{"", "BEGIN;", "COMMIT"},
		{"SELECT 1", "/*", "*/"},
		{"SELECT 1", "/**/ ", ""},
		{"SELECT 1", "-- \r", "\n"},
		{"SELECT 1 ", "--\r", ""},
		{"SELECT 1 ", "--\r,1", ""},
		{"SELECT 1 ", "-- \r", ""},
		{"SELECT ", "E'a'--\r,", "1"},
		{"SELECT ", "E'a'\r,", "1"},
		{"SELECT 1 ", "/*/**/*/", ""},
		{"SELECT 1 ", "/*", ""},
		{"SELECT ", "$a$x$a$,", "1"},
		{"SELECT ", "$a(b),", "1"},
		{"SELECT ", "$a(", "1"},
		{"SELECT ", `'\',`, "1"},
		{"SELECT ", `"a`, ""},
		{"SELECT ", "/*!1,*/", "1"},
		{"SELECT ", "/*!11111", "1"},
		{"CREATE FUNCTION f() BEGIN ", ";", "END"},
		{"EXPLAIN (", "ANALYZE off,", "VERBOSE) SELECT 1"},
		{"SELECT ", "@@a.", "1"},
		{"SELECT ", `U&"a",`, "1"},
		{"SELECT ", "[a],", "1"},
		{"SELECT 1", "/*! ", "*/"},
		{"SELECT '", "''", "'"},
		{"SELECT E'", `\\`, "'"},
		{"SELECT ", `'\', `, "1"},
		{"SELECT ", `'it\'s', "\"", `, "1"},
		{"SELECT ", "$a$ $b$ ", ""},
		{"SELECT ", "$a", "$"},
		{"SELECT E'a'", "\n'a'", ""},
		{"SELECT ", "E'a'\n\n\n\n ", ""},
		{"SELECT E'a' ", "-- a\n", ""},
		{"WITH ", "a AS (SELECT 1), ", "z AS (SELECT 2) SELECT 3"},
		{"WITH RECURSIVE ", "a AS (SELECT * FROM b), ", "z AS (SELECT 2) SELECT 3"},
		{"SELECT ", "a.", "a"},
		{"SELECT * FROM ", `"a" . `, "a"},
		{"SELECT ", "a.", "a()"},
		{"SELECT set_config(", "'a', ", "true)"},
		{"SELECT ", "set_config(", ""},
		{"SELECT 1", ",$a::b(c)", ""},
		{"SELECT 1", ",@a:=1", ""},
		{"CREATE TRIGGER t AFTER INSERT ON u BEGIN ", "SELECT 1; ", "END"},
		{"TRUNCATE a", ",b", ""},
		{"COPY (", "SELECT ", ") TO STDOUT"},
	} {
		f.Add(s.before, s.part, s.after)
	}
	f.Fuzz(func(t *testing.T, before, part, after string) {
		const n, longest = 512, 64 // of the part, so that it matters most
		if part == "" || len(part) > longest || len(before)+len(after) > longest {
			return
		}
		text := func(n int) string { return before + strings.Repeat(part, n) + after }
		for d := Generic; d <= SQLite; d++ {
			once, often := work(d, text(n)), work(d, text(8*n))
			if often > 10*once+1<<12 {
				t.Errorf("dialect %d: %q, %d times %q, %q is %d work, %d times is %d", d, before, n, part, after, once, 8*n, often)
			}
		}
	})
}

// work counts what a scan looks at.
func work(d Dialect, text string) (n int) {
	looked = func(more int) { n += more }
	defer func() { looked = nil }()
	Scan(d, text, nil)
	return n
}
