package sqlscan

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/multidb-go/multidb/internal/sqlcases"
)

// sketch writes the tokens of a text as one letter each, or more where that says
// more: w word, q quoted name, s string, n number, p parameter, @ variable.
func sketch(d Dialect, text string) string {
	letters := map[kind]string{
		word: "w", quoted: "q", str: "s", number: "n", param: "p", question: "?", userVar: "@", systemVar: "@@", bad: "!",
		lparen: "(", rparen: ")", lbracket: "[", rbracket: "]", comma: ",", semicolon: ";", dot: ".", cast: "::", assign: ":=",
	}
	l := newLexer(d, text)
	var parts []string
	for buf := make([]token, 3); ; {
		buf[0], buf[1] = token{}, token{}
		l.fill(buf[:1])
		t := buf[0]
		switch {
		case t.kind == eof:
			return strings.Join(parts, " ")
		case t.kind == op:
			parts = append(parts, text[t.start:t.end])
		case t.kind == bad:
			return strings.Join(append(parts, "!"), " ")
		default:
			parts = append(parts, letters[t.kind])
		}
	}
}

func TestLexer(t *testing.T) {
	for _, c := range []struct {
		dialect    Dialect
		text, want string
	}{
		{Postgres, `SELECT a.b, "c""d" FROM t`, "w w . w , q w w"},
		{Postgres, `'it''s' E'it\'s' U&'x' U&"y" N'z' B'0' X'1'`, "s s s q w s w s w s"},
		{Postgres, `e'\\' abce'x'`, "s w s"},
		{Postgres, "E'a'\n'\\''", "s"},
		{Postgres, "E'a' -- x\n  'b\\''", "s"},
		{Postgres, "E'a' 'b'", "s s"},
		{Postgres, `$$a$$ $x$ $$ $x$ a$$ $1$$b$$`, "s s w p s"},
		{Postgres, `$1abc`, "p w"},
		{Postgres, `a/*b/*c*/d*/e`, "w w"},
		{Postgres, "a--b\rc--d\ne", "w w w"},
		{Postgres, `a+--b` + "\nc", "w + w"},
		{Postgres, `a::b:=c=>d`, "w :: w := w = > w"},
		{Postgres, `1.5e3 .5 1. 1..2 1into 0x1F 1_000`, "n n n n . n n w n n"},
		{Postgres, `a ? b #> c @> d`, "w ? w # > w @ > w"},
		{Postgres, `a[1:2]`, "w [ n : n ]"},
		{Postgres, "a\x00b", "w !"},
		{Postgres, `"open`, "!"},
		{Postgres, "a\u00a0b", "w"}, // no blank there
		{MySQL, "`a``b` \"c\\\"d\" 'e\\'f'", "q s s"},
		{MySQL, `1--1 -- x`, "n - - n"},
		{MySQL, "a # b\nc", "w w"},
		{MySQL, `a /*! b */ c /*!50100 d*/ e /*M!100 f */`, "w w w w w w"},
		{MySQL, `@a @'b c' @@global.x @a:=1`, "@ @ @@ @ := n"},
		{MySQL, "@@global.`a b`.c @@`a`.b @@a.`b", "@@ @@ !"},
		{MySQL, `1a 0x1z 1e5x t.1a 1.5`, "w w n w w . w n"},
		{MySQL, `? \N`, "? n"},
		{MySQL, `$a $1 b$ $`, "w w w w"},
		{MySQL, `$a$`, "!"},
		{MySQL, `$$`, "!"},
		{MySQL, `/* /* */ a`, "w"},
		{MySQL, `/*! a`, "w !"},
		{SQLite, "[a b] `c` \"d\" 'e'", "q q q s"},
		{SQLite, `?1 :a @b $c::d(e) #`, "p p p p !"},
		{SQLite, `a::b :::c`, "w :: w p"},
		{SQLite, "a--b\rc\nd", "w w"},
		{SQLite, "\ufeffa \ufeff b", "w w"},
	} {
		if got := sketch(c.dialect, c.text); got != c.want {
			t.Errorf("dialect %d: %q is %s, want %s", c.dialect, c.text, got, c.want)
		}
	}
}

// checkKeywordAt looks a keyword up where it stands in a text, and all names that differ
// from it in one byte.
func checkKeywordAt(t *testing.T, name string, want keyword) {
	t.Helper()
	const before, behind = "(", ") FROM t"
	at := func(name string) keyword { return keywordAt(before+name+behind, len(before), len(before)+len(name)) }
	if got := at(name); got != want {
		t.Errorf("%s in a text is keyword %d, want %d", name, got, want)
	}
	for i := range name {
		for c := range 256 {
			if !inName[c] {
				continue
			}
			other := name[:i] + string([]byte{byte(c)}) + name[i+1:]
			if got, want := at(other), lookup(other); got != want {
				t.Errorf("%q in a text is keyword %d, want %d", other, got, want)
			}
		}
	}
}

// TestKeywords: every keyword is found, in any case, and no longer one is.
func TestKeywords(t *testing.T) {
	for key, texts := range keywordText {
		for text := range strings.FieldsSeq(texts) {
			checkKeywordAt(t, strings.ToUpper(text), keyword(key))
			if got := lookup(strings.ToUpper(text)); got != keyword(key) {
				t.Errorf("%s is keyword %d, want %d", text, got, key)
			}
			if lookup(text+"_") != notKeyword || lookup("_"+text) != notKeyword {
				t.Errorf("%s with more is a keyword", text)
			}
			if len(text) < shortestWord || len(text) > longestWord {
				t.Errorf("%s is too short or too long to be looked up", text)
			}
		}
	}
}

// TestKeywordsAreTriedAsFunctions: the live tests make functions of all of them.
func TestKeywordsAreTriedAsFunctions(t *testing.T) {
	tried := sqlcases.Keywords()
	for _, texts := range keywordText {
		for text := range strings.FieldsSeq(texts) {
			if !slices.Contains(tried, text) {
				t.Errorf("sqlcases.Keywords lacks %s", text)
			}
		}
	}
}

// TestFunctionLists: a list that was not read is a list of functions with effects.
func TestFunctionLists(t *testing.T) {
	for d, want := range map[Dialect]map[string]effect{
		Postgres: {"now": pure, "lower": pure, "coalesce": syntax, "nextval": writes, "currval": asks, "txid_current": primary, "pg_advisory_lock": session,
			"st_within": extension, "similarity": extension, "uuid_generate_v4": extension, "l2_distance": extension, "pg_backup_start": keeps, "query_to_xml": unknown, "dblink": unknown, "setseed": session},
		MySQL:  {"abs": pure, "now": syntax, "row_number": pure, "last_insert_id": asks, "get_lock": session, "load_file": primary, "f": unknown},
		SQLite: {"upper": pure, "json_each": tables, "changes": asks, "load_extension": keeps, "writefile": unknown, "edit": unknown},
	} {
		for name, e := range want {
			if got, _ := known[d]().effect(name); got != e {
				t.Errorf("dialect %d: %s has effect %d, want %d", d, name, got, e)
			}
		}
	}
}

// FuzzGaps: a comment in place of the blanks between two tokens changes nothing.
func FuzzGaps(f *testing.F) {
	for _, c := range sqlcases.All() {
		f.Add(c.Query)
	}
	f.Add("--#0") // two minus signs in MySQL, and a comment
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return
		}
		for d := Postgres; d <= SQLite; d++ {
			var b strings.Builder
			l := newLexer(d, text)
			buf := make([]token, 1)
			tokens := 0
			for end := uint32(0); ; end = buf[0].end {
				buf[0] = token{}
				l.fill(buf)
				if tokens++; tokens > len(text)+1 {
					t.Fatalf("dialect %d: %q has no end", d, text)
				}
				if buf[0].kind == eof {
					if uint32(len(text)) > end && end > 0 {
						b.WriteString("/*;\"*/\n")
					}
					break
				}
				if gap := buf[0].start - end; gap > 0 && end > 0 {
					b.WriteString("/*;\"*/\n")
				} else if gap > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(text[buf[0].start:buf[0].end])
				if buf[0].kind == bad {
					break
				}
			}
			if l.sawExecutable || l.ambiguous {
				continue // the gaps are code, or not the same to all servers
			}
			before, after := Scan(d, text, nil), Scan(d, b.String(), nil)
			if before.Kind != after.Kind || before.TablesKnown != after.TablesKnown || len(before.Reads) != len(after.Reads) || len(before.Writes) != len(after.Writes) {
				t.Errorf("dialect %d:\n%q\n%+v\n%q\n%+v", d, text, before, b.String(), after)
			}
		}
	})
}

// plainNameEnds takes a name in pieces of eight bytes: it says what closeQuote says,
// wherever the quote is.
func TestPlainNamesEndWhereTheyShould(t *testing.T) {
	for length := range 20 {
		name := strings.Repeat("né!#\xa2", 4)[:length] // bytes next to the quote's, and with the high bit
		for _, behind := range []string{"", `"`, `""`, " ", ` "`, `."id"`, ", and a longer end"} {
			for _, text := range []string{name + behind, name + `"` + behind, name + `""` + name + `"` + behind} {
				l := newLexer(SQLite, "x.\""+text)
				end, ok := l.closeQuote(3, '"', false)
				if !ok || strings.Contains(l.text[3:end-1], `"`) {
					end = 0
				}
				if got := plainNameEnds(l.text, 2); got != end {
					t.Errorf("%q ends at %d, want %d", l.text, got, end)
				}
			}
		}
	}
}
