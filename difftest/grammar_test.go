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
	// function. leaves stand for a symbol where the tree would grow too large. What rare
	// productions begin with makes any statement a write, and hides all else in it.
	names  []string
	calls  map[string]bool
	leaves map[string][]string
	rare   map[string]bool

	// canary is a function that may do anything, for the server in question.
	canary string

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

// harmless is the function that sentences call.
const harmless = "abs"

// aCall among the leaves is a call.
const aCall = "f()"

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
		switch text := g.pick(g.leaves[symbol]); text {
		case aCall:
			g.sentence = append(g.sentence, leaf{harmless, true}, leaf{text: "("}, leaf{text: "1"}, leaf{text: ")"})
		default:
			g.sentence = append(g.sentence, leaf{text: text})
		}
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
func (g *grammar) each(s []leaf, do func(query string)) {
	do(join(s))
	for i := range s {
		if s[i].call {
			s[i].text = g.canary
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

// compare makes sentences from each of the start symbols, which stand behind the given
// words, and compares what we say about them with their trees. Reads that are lost are
// not looked at.
func (g *grammar) compare(t *testing.T, d multidb.Dialect, starts []start, tree func(query string) (*facts, bool)) {
	t.Helper()
	for name, read := range map[string]bool{harmless: true, g.canary: false} {
		if s := multidb.Classify(d, "SELECT "+name+"(1)"); (s.Kind == multidb.KindRead) != read {
			t.Fatalf("%s(1) is a %s", name, s.Kind)
		}
	}
	c, made, compared := newCount(), 0, 0
	for i := range *sentences {
		from := starts[i%len(starts)]
		if g.rules[from.symbol] == nil {
			t.Fatalf("the grammar has no %s", from.symbol)
		}
		g.each(g.make(from.symbol), func(query string) {
			query = from.behind + query
			made++
			s := multidb.Classify(d, query)
			if s.Kind != multidb.KindRead && !s.TablesKnown {
				return // whatever the tree says
			}
			if f, ok := tree(query); ok {
				compared++
				c.compare(t, d, query, s, f)
			}
		})
	}
	used, of := 0, 0
	for _, rule := range g.rules {
		for _, p := range rule {
			if of++; p.used > 0 {
				used++
			}
		}
	}
	t.Logf("%d texts; the parser takes %d of those that we are sure of; %d of %d productions", made, compared, used, of)
	if made < *sentences*11/10 || compared < made/10 || *sentences >= 20_000 && used < of/2 {
		t.Error("these are too few to say something")
	}
}

// start is a symbol to begin with, and the words before it.
type start struct{ behind, symbol string }

// TestPostgresGrammar compares sentences of PostgreSQL's own grammar, whose file in the
// source tree MULTIDB_GRAMMAR names, with their trees.
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
	g.names = []string{"a", "b", "t", "u", "x", `"Q"`, `"select"`, `"analyze"`, `"coalesce"`, "value", "path", "straight_join", "minus", "div", "use", "ignore",
		"lock", "e", `U&"u"`, `U&"u" UESCAPE '!'`}
	g.canary = "second"
	g.calls = map[string]bool{"func_name": true}
	g.leaves = map[string][]string{
		"c_expr": {"a", "1", "x.b", "'s'", "$1", aCall}, "relation_expr": {"t", "s.t", `"T"`},
		"SCONST": {"'x'", `E'\''`, "U&'x'", "$$x$$", "$a$'$a$", "'a''b'"}, "BCONST": {"B'01'"}, "XCONST": {"x'1F'"},
		"ICONST": {"1", "0"}, "FCONST": {"1.5", ".5", "1e3"}, "PARAM": {"$1"}, "Op": {"||", "@>", "?", "->", "#", "~*"},
	}
	g.rare = map[string]bool{"for_locking_items": true, "for_locking_clause": true, "INTO": true, "InsertStmt": true, "UpdateStmt": true,
		"DeleteStmt": true, "MergeStmt": true}
	starts := []start{{"", "SelectStmt"}, {"", "SelectStmt"}, {"select ", "a_expr"}, {"select * from ", "table_ref"},
		{"", "ExplainStmt"}, {"", "CopyStmt"}, {"", "stmt"}}
	g.compare(t, multidb.Postgres, starts, func(query string) (*facts, bool) {
		f, ok := postgresFacts(query)
		return &f, ok
	})
}

// TestMySQLGrammar does the same with TiDB's grammar of MySQL.
func TestMySQLGrammar(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pingcap/tidb/pkg/parser").Output()
	if err != nil {
		t.Fatal(err)
	}
	g := readGrammar(t, filepath.Join(strings.TrimSpace(string(dir)), "parser.y"))
	g.names = []string{"a", "b", "t", "u", "x", "`Q`", "`select`", "value", "path", "first", "content", "returning", "minus", "ref", "escape"}
	g.canary = "my_function"
	g.calls = map[string]bool{"genericFunction": true}
	for _, p := range g.rules["FunctionCallGeneric"] {
		if p.symbols[0] == "identifier" {
			p.symbols[0] = "genericFunction"
		}
	}
	g.leaves = map[string][]string{
		"SimpleExpr": {"a", "1", "x.b", "'s'", "?", aCall}, "TableName": {"t", "s.t", "`T`"},
		"stringLit": {"'x'", `'\''`, "'a''b'", `"x"`}, "intLit": {"1", "0"}, "floatLit": {"1e3"}, "decLit": {"1.5", ".5"},
		"hexLit": {"x'1F'", "0x1F"}, "bitLit": {"b'01'"}, "paramMarker": {"?"}, "underscoreCS": {"_utf8mb4"},
		"singleAtIdentifier": {"@a"}, "doubleAtIdentifier": {"@@sql_mode", "@@session.`sql_mode`"}, "hintComment": {"/*+ BKA(t) */"},
		"jss": {"->"}, "juss": {"->>"}, "asof": {"as of"}, "toTimestamp": {"to timestamp"}, "toTSO": {"to tso"},
	}
	g.rare = map[string]bool{"SelectLockOpt": true, `"FOR"`: true, `"INTO"`: true, "singleAtIdentifier": true}
	starts := []start{{"", "SelectStmt"}, {"", "SelectStmt"}, {"", "SetOprStmt"}, {"", "SelectStmtWithClause"}, {"select ", "Expression"},
		{"select * from ", "TableRefs"}, {"", "ExplainStmt"}, {"", "ShowStmt"}, {"", "Statement"}}
	p := parser.New()
	g.compare(t, multidb.MySQL, starts, func(query string) (*facts, bool) { return mysqlFacts(p, query) })
}
