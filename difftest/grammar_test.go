//go:build difftest

package difftest

import (
	"cmp"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/pingcap/tidb/pkg/parser"
)

var (
	sentences = flag.Int("sentences", 20_000, "how many sentences to make of a grammar")
	seed      = flag.Uint64("seed", 1, "what the sentences depend on")
)

// grammar is a yacc grammar, and makes sentences. Each production is used about as
// often as its siblings, so that what nobody writes is there as often as what all do.
type grammar struct {
	rules map[string][]*production
	spell map[string]string // of terminals

	// names are what stands for an identifier, calls the symbols that are the name of a
	// function. leaves stand for a symbol where the tree would grow too large.
	names  []string
	calls  map[string]bool
	leaves map[string][]string
	rare   map[string]bool // the first symbols of productions that make any statement a write

	rnd      *rand.Rand
	sentence []leaf
}

type production struct {
	symbols []string
	depth   int // of the shallowest tree; 0 if there is none
	used    int
}

// leaf is a word of a sentence.
type leaf struct {
	text string
	call bool // it is the name of a function
}

// harmless is the function that sentences call, and canary one that does anything.
const harmless, canary = "abs", "second"

// longestSentence is how many words a sentence has when it begins to come to an end.
const longestSentence = 60

var (
	declared = regexp.MustCompile(`(?m)^\s+(\w+)\s+"([^"]+)"`)
	symbols  = regexp.MustCompile(`"[^"\n]*"|'[^'\n]*'|\w+|[:|;{]|%prec\s+(?:\w+|'.')|%empty|//[^\n]*|/\*(?s:.*?)\*/`)
	quotes   = regexp.MustCompile("\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)+'|`[^`]*`|//[^\n]*|/\\*(?s:.*?)\\*/")
)

// readGrammar reads a yacc file, whose actions it leaves out.
func readGrammar(t *testing.T, path string) *grammar {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "\n%%")
	g := &grammar{rules: map[string][]*production{}, spell: map[string]string{}, rnd: rand.New(rand.NewPCG(*seed, 0))}
	for _, m := range declared.FindAllStringSubmatch(parts[0], -1) {
		g.spell[m[1]] = m[2]
	}
	g.parse(rulesOf(parts[1]))
	g.measure()
	return g
}

// rulesOf returns the symbols of the rules: without comments, actions and precedence.
func rulesOf(text string) (list []string) {
	for len(text) > 0 {
		at := symbols.FindStringIndex(text)
		if at == nil {
			break
		}
		symbol := text[at[0]:at[1]]
		text = text[at[1]:]
		switch {
		case symbol == "{":
			text = behindAction(text)
		case symbol[0] == '%', symbol[0] == '/':
		default:
			list = append(list, symbol)
		}
	}
	return list
}

// behindAction returns what follows the brace that closes an action.
func behindAction(text string) string {
	for depth := 1; depth > 0; {
		i := strings.IndexAny(text, "{}\"'`/")
		if at := quotes.FindStringIndex(text[i:]); at != nil && at[0] == 0 {
			text = text[i+at[1]:]
			continue
		}
		switch text[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		text = text[i+1:]
	}
	return text
}

// parse makes productions of "a : b c | d ;", where the semicolon may be missing.
func (g *grammar) parse(list []string) {
	for len(list) > 1 {
		name := list[0]
		p := &production{}
		list = list[2:]
		for len(list) > 0 && list[0] != ";" && (len(list) == 1 || list[1] != ":") {
			if list[0] == "|" {
				g.rules[name] = append(g.rules[name], p)
				p = &production{}
			} else {
				p.symbols = append(p.symbols, list[0])
			}
			list = list[1:]
		}
		g.rules[name] = append(g.rules[name], p)
		if len(list) > 0 && list[0] == ";" {
			list = list[1:]
		}
	}
}

// measure finds out how deep the shallowest tree of each production is.
func (g *grammar) measure() {
	for changed := true; changed; {
		changed = false
		for _, rule := range g.rules {
			for _, p := range rule {
				depth := 1
				for _, symbol := range p.symbols {
					if d := g.depthOf(symbol); d == 0 || depth == 0 {
						depth = 0
					} else {
						depth = max(depth, d+1)
					}
				}
				if depth > 0 && (p.depth == 0 || depth < p.depth) {
					p.depth, changed = depth, true
				}
			}
		}
	}
}

// depthOf returns 0 for what makes no sentence: the error of yacc, and the modes in
// which PostgreSQL parses what is none.
func (g *grammar) depthOf(symbol string) (depth int) {
	rule, ok := g.rules[symbol]
	if !ok {
		if symbol == "error" || strings.HasPrefix(symbol, "MODE_") {
			return 0
		}
		return 1
	}
	for _, p := range rule {
		if p.depth > 0 && (depth == 0 || p.depth < depth) {
			depth = p.depth
		}
	}
	return depth
}

// make makes a sentence.
func (g *grammar) make(start string) []leaf {
	g.sentence = nil
	g.expand(start, 12+g.rnd.IntN(12))
	return g.sentence
}

func (g *grammar) expand(symbol string, depth int) {
	rule, ok := g.rules[symbol]
	end := depth <= g.depthOf(symbol) || len(g.sentence) > longestSentence
	switch {
	case g.calls[symbol]:
		g.sentence = append(g.sentence, leaf{harmless, true})
	case !ok:
		g.sentence = append(g.sentence, leaf{text: g.terminal(symbol)})
	case len(g.leaves[symbol]) > 0 && (end || g.rnd.IntN(2) == 0):
		g.sentence = append(g.sentence, leaf{text: g.pick(g.leaves[symbol])})
	default:
		p := g.choose(rule, depth, end)
		p.used++
		for _, s := range p.symbols {
			g.expand(s, depth-1)
		}
	}
}

// choose returns a production that ends in time: most often the one that was used least.
func (g *grammar) choose(rule []*production, depth int, end bool) *production {
	fits := slices.DeleteFunc(slices.Clone(rule), func(p *production) bool {
		return p.depth == 0 || p.depth > depth || len(p.symbols) > 0 && g.rare[p.symbols[0]] && g.rnd.IntN(50) > 0
	})
	byDepth := func(a, b *production) int { return cmp.Compare(a.depth, b.depth) }
	switch {
	case len(fits) == 0 || end:
		return slices.MinFunc(slices.DeleteFunc(slices.Clone(rule), func(p *production) bool { return p.depth == 0 }), byDepth)
	case g.rnd.IntN(5) < 2:
		return fits[g.rnd.IntN(len(fits))]
	}
	return slices.MinFunc(fits, func(a, b *production) int { return cmp.Compare(a.used, b.used) })
}

func (g *grammar) terminal(symbol string) string {
	if symbol[0] == '"' || symbol[0] == '\'' {
		return strings.ToLower(symbol[1 : len(symbol)-1])
	}
	if list := g.leaves[symbol]; len(list) > 0 {
		return g.pick(list)
	}
	if text, ok := g.spell[symbol]; ok {
		return strings.ToLower(text)
	}
	return g.pick(g.names)
}

func (g *grammar) pick(list []string) string { return list[g.rnd.IntN(len(list))] }

// each calls do for the sentence, and for it with the canary in the place of each call.
func each(s []leaf, do func(query string)) {
	do(join(s))
	for i := range s {
		if s[i].call {
			s[i].text = canary
			do(join(s))
			s[i].text = harmless
		}
	}
}

func join(s []leaf) string {
	var b strings.Builder
	for i, l := range s {
		if i > 0 && !(l.text == "(" && s[i-1].call) { // a blank before a parenthesis matters to MySQL
			b.WriteByte(' ')
		}
		b.WriteString(l.text)
	}
	return b.String()
}

// used tells how much of a grammar the sentences had in them.
func (g *grammar) report(t *testing.T, made, compared int) {
	t.Helper()
	n, of := 0, 0
	for _, rule := range g.rules {
		for _, p := range rule {
			if of++; p.used > 0 {
				n++
			}
		}
	}
	t.Logf("%d texts, of which the parser takes %d of those that matter; %d of %d productions", made, compared, n, of)
}

// TestPostgresGrammar compares sentences of PostgreSQL's own grammar, whose file
// MULTIDB_GRAMMAR names, with their trees.
func TestPostgresGrammar(t *testing.T) {
	path := os.Getenv("MULTIDB_GRAMMAR")
	if path == "" {
		t.Skip("MULTIDB_GRAMMAR is not set to the gram.y of PostgreSQL")
	}
	g := readGrammar(t, path)
	words, err := os.ReadFile(filepath.Join(filepath.Dir(path), "../../include/parser/kwlist.h"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`PG_KEYWORD\("(\w+)", (\w+)`).FindAllStringSubmatch(string(words), -1) {
		g.spell[m[2]] = m[1]
	}
	for symbol, text := range map[string]string{"NOT_LA": "not", "NULLS_LA": "nulls", "WITH_LA": "with", "TYPECAST": "::", "DOT_DOT": "..",
		"COLON_EQUALS": ":=", "EQUALS_GREATER": "=>", "LESS_EQUALS": "<=", "GREATER_EQUALS": ">=", "NOT_EQUALS": "<>"} {
		g.spell[symbol] = text
	}
	g.names = []string{"a", "b", "t", "u", "x", `"Q"`, `"select"`, "value", "path", "straight_join", "minus", "div", "use", "ignore", "lock", "e", `U&"u"`}
	g.calls = map[string]bool{"func_name": true}
	g.leaves = map[string][]string{
		"c_expr": {"a", "1", "x.b", "'s'", "$1"}, "relation_expr": {"t", "s.t", `"T"`},
		"SCONST": {"'x'", `E'\''`, "U&'x'", "$$x$$", "$a$'$a$", "'a''b'"}, "BCONST": {"B'01'"}, "XCONST": {"x'1F'"},
		"ICONST": {"1", "0"}, "FCONST": {"1.5", ".5", "1e3"}, "PARAM": {"$1"}, "Op": {"||", "@>", "?", "->", "#", "~*"},
	}
	g.rare = map[string]bool{"for_locking_items": true, "for_locking_clause": true, "INTO": true, "InsertStmt": true, "UpdateStmt": true,
		"DeleteStmt": true, "MergeStmt": true}
	c, made, compared := newCount(), 0, 0
	for i := range *sentences {
		start := []string{"SelectStmt", "SelectStmt", "a_expr", "table_ref", "ExplainStmt", "CopyStmt", "stmt"}[i%7]
		each(g.make(start), func(query string) {
			switch start {
			case "a_expr":
				query = "select " + query
			case "table_ref":
				query = "select * from " + query
			}
			made++
			s := multidb.Classify(multidb.Postgres, query)
			if s.Kind != multidb.KindRead && !s.TablesKnown {
				return // whatever the tree says
			}
			if f, ok := postgresFacts(query); ok {
				compared++
				c.compare(t, multidb.Postgres, query, s, &f)
			}
		})
	}
	g.report(t, made, compared)
}

// TestMySQLGrammar does the same with TiDB's grammar of MySQL.
func TestMySQLGrammar(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pingcap/tidb/pkg/parser").Output()
	if err != nil {
		t.Fatal(err)
	}
	g := readGrammar(t, filepath.Join(strings.TrimSpace(string(dir)), "parser.y"))
	g.names = []string{"a", "b", "t", "u", "x", "`Q`", "`select`", "value", "path", "first", "content", "returning", "minus", "ref", "escape"}
	g.calls = map[string]bool{"genericFunction": true}
	for _, p := range g.rules["FunctionCallGeneric"] {
		if p.symbols[0] == "identifier" {
			p.symbols[0] = "genericFunction"
		}
	}
	g.leaves = map[string][]string{
		"SimpleExpr": {"a", "1", "x.b", "'s'", "?"}, "TableName": {"t", "s.t", "`T`"},
		"stringLit": {"'x'", `'\''`, "'a''b'", `"x"`}, "intLit": {"1", "0"}, "floatLit": {"1e3"}, "decLit": {"1.5", ".5"},
		"hexLit": {"x'1F'", "0x1F"}, "bitLit": {"b'01'"}, "paramMarker": {"?"}, "underscoreCS": {"_utf8mb4"},
		"singleAtIdentifier": {"@a"}, "doubleAtIdentifier": {"@@sql_mode", "@@session.`sql_mode`"}, "hintComment": {"/*+ BKA(t) */"},
		"jss": {"->"}, "juss": {"->>"}, "asof": {"as of"}, "toTimestamp": {"to timestamp"}, "toTSO": {"to tso"},
	}
	g.rare = map[string]bool{"SelectLockOpt": true, "\"FOR\"": true, "\"INTO\"": true, "singleAtIdentifier": true}
	p, c, made, compared := parser.New(), newCount(), 0, 0
	for i := range *sentences {
		start := []string{"SelectStmt", "SelectStmt", "SetOprStmt", "SelectStmtWithClause", "Expression", "TableRefs", "ExplainStmt", "ShowStmt", "Statement"}[i%9]
		each(g.make(start), func(query string) {
			switch start {
			case "Expression":
				query = "select " + query
			case "TableRefs":
				query = "select * from " + query
			}
			made++
			s := multidb.Classify(multidb.MySQL, query)
			if s.Kind != multidb.KindRead && !s.TablesKnown {
				return
			}
			if f, ok := mysqlFacts(p, query); ok {
				compared++
				c.compare(t, multidb.MySQL, query, s, f)
			}
		})
	}
	g.report(t, made, compared)
}
