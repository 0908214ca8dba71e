package sqlscan

import (
	_ "embed"
	"fmt"
	"path"
	"strings"
	"sync"
)

// effect is what calling a function does.
type effect uint8

const (
	unknown   effect = iota // anything
	pure                    // nothing
	writes                  // changes data, but no table
	primary                 // changes no data, and needs the primary
	asks                    // depends on the state of the connection
	session                 // changes the state of the connection
	keeps                   // anything, and it changes the state of the connection
	extension               // nothing; it lives where extensions are installed
	syntax                  // nothing, as part of the grammar, which a name in quotes is not
	tables                  // nothing, where a table may stand; elsewhere anything
)

// acts reports whether a function has an effect.
func (e effect) acts() bool { return e != pure && e != extension && e != syntax }

var effectNames = map[string]effect{"": pure, "writes": writes, "primary": primary, "asks": asks, "session": session, "unknown": unknown,
	"keeps": keeps, "extension": extension, "syntax": syntax, "tables": tables}

// The functions that are known, one a line; the others are unknown, which is as
// good as writes. See functions/README.md for how the lists are made.
var (
	//go:embed functions/postgres.txt
	postgresFunctions string
	//go:embed functions/mysql.txt
	mysqlFunctions string
	//go:embed functions/sqlite.txt
	sqliteFunctions string
)

// known has the functions of each dialect. A table is made for the first text.
var known = [...]func() *functionTable{
	Postgres: sync.OnceValue(func() *functionTable { return parseFunctions(Postgres, postgresFunctions) }),
	MySQL:    sync.OnceValue(func() *functionTable { return parseFunctions(MySQL, mysqlFunctions) }),
	SQLite:   sync.OnceValue(func() *functionTable { return parseFunctions(SQLite, sqliteFunctions) }),
}

type functionTable struct {
	names   *wordTable
	effects []effect
	fields  [64][32]uint32 // by length, first and last letter: names to look at in x.name
}

// effect returns what a function does, and whether it is in the table.
func (t *functionTable) effect(name string) (e effect, ok bool) {
	if i := t.names.find(name); i >= 0 {
		return t.effects[i], true
	}
	return unknown, false
}

// parseFunctions reads a list: a name, its effect unless it is pure, and after
// a # a remark.
func parseFunctions(d Dialect, list string) *functionTable {
	var names []string
	t := &functionTable{}
	for line := range strings.Lines(list) {
		line, _, _ = strings.Cut(line, "#")
		name, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		e := effectNames[strings.TrimSpace(what)]
		names, t.effects = append(names, name), append(t.effects, e)
		if e.acts() && calledAsField(d, name) {
			t.fields[len(name)][name[0]&31] |= 1 << (name[len(name)-1] & 31)
		}
	}
	t.names = newWordTable(names)
	return t
}

// pureEverywhere says which of PostgreSQL's functions have no effect in any dialect.
var pureEverywhere = sync.OnceValue(func() []bool {
	list := known[Postgres]()
	pureToAll := make([]bool, len(list.effects))
	for i, name := range list.names.words {
		pureToAll[i] = true
		for _, d := range []Dialect{Postgres, MySQL, SQLite} {
			e, ok := known[d]().effect(name)
			pureToAll[i] = pureToAll[i] && ok && (e == pure || e == syntax)
		}
	}
	return pureToAll
})

// calledAsField reports whether x.name may be a call of that function: of any in
// PostgreSQL, where x can be a row or a value, and of MariaDB's sequence x.
func calledAsField(d Dialect, name string) bool {
	switch d {
	case Postgres:
		return true
	case MySQL:
		return name == "nextval" || name == "currval" || name == "lastval"
	}
	return false
}

// Functions is what a user says about functions: names, or patterns with *,
// ? and [] as in path.Match. A name without a dot is that function in any
// schema; one with a dot is that function as it is written with its schema.
// Letters match in any case.
type Functions struct {
	names    map[string]effect
	patterns []pattern
}

type pattern struct {
	glob   string
	effect effect
}

// NewFunctions makes one of the functions that are known to only read, and of
// those that are known not to, which come first.
func NewFunctions(read, write []string) (*Functions, error) {
	f := &Functions{names: map[string]effect{}}
	add := func(list string, names []string, e effect) error {
		for _, name := range names {
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "" {
				return fmt.Errorf("multidb: %s: an empty name", list)
			}
			if strings.ContainsAny(name, `*?[\`) {
				if _, err := path.Match(name, ""); err != nil {
					return fmt.Errorf("multidb: %s: %q is not a pattern: a [ without its ], or a \\ at the end", list, name)
				}
				f.patterns = append(f.patterns, pattern{name, e})
				continue
			}
			if have, ok := f.names[name]; ok && have != e {
				return fmt.Errorf("multidb: %q is in both read_functions and write_functions: take it out of one", name)
			}
			f.names[name] = e
		}
		return nil
	}
	if err := add("write_functions", write, unknown); err != nil {
		return nil, err
	}
	if err := add("read_functions", read, pure); err != nil {
		return nil, err
	}
	return f, nil
}

// find looks a function up by its name with and without its schema.
func (f *Functions) find(name, qualified string) (effect, bool) {
	for _, n := range [2]string{qualified, name} {
		if e, ok := f.names[n]; ok {
			return e, true
		}
	}
	for _, p := range f.patterns {
		subject := name
		if strings.Contains(p.glob, ".") {
			subject = qualified
		}
		if ok, _ := path.Match(p.glob, subject); ok {
			return p.effect, true
		}
	}
	return unknown, false
}

// call notes that the statement calls the function that p names.
func (s *scanner) call(p dotted) {
	e := s.effect(p)
	if e == asks && p.parts == 1 && s.harmlessPath(p) {
		e = pure
	}
	if e != pure && s.lex.dialect() == MySQL {
		s.facts.TablesKnown = false // MariaDB's sequences are tables
	}
	if p.parts > 1 && e.acts() && !s.livesIn(p, pure) { // somebody else's, of that name
		s.facts.mutate(s.because(p))
		s.facts.TablesKnown = false
	}
	switch e {
	case pure:
	case writes:
		s.facts.mutate(s.because(p))
	case primary:
		s.facts.raise(Write, s.because(p))
	case asks:
		s.facts.ask(s.because(p))
	case session:
		if s.untilCommit(p) {
			s.facts.raise(Write, s.because(p))
			return
		}
		s.facts.raise(Session, s.because(p))
	case keeps:
		reason := s.because(p)
		s.facts.mutate(reason)
		s.facts.raise(Session, reason)
		s.facts.TablesKnown = false
	default:
		s.facts.mutate(s.because(p))
		s.facts.TablesKnown = false
	}
}

// untilCommit reports whether a call is set_config(name, value, true), whose
// setting ends with the transaction. The name is in hand.
func (s *scanner) untilCommit(p dotted) bool {
	if !equalFold(s.spelling(&p.last), "set_config") {
		return false
	}
	local, arguments := s.argument(p, 3)
	return local.key == kTrue && arguments == 3
}

// harmlessPath reports whether a call is MySQL's extractvalue(xml, path) or updatexml(xml,
// path, new), whose path is a literal without a variable in it.
func (s *scanner) harmlessPath(p dotted) bool {
	if !equalFold(s.spelling(&p.last), "extractvalue") && !equalFold(s.spelling(&p.last), "updatexml") {
		return false
	}
	path, _ := s.argument(p, 2)
	return path.kind == str && s.lex.text[path.start] == '\'' && !strings.Contains(s.spelling(&path), "$")
}

// argument returns an argument of the call whose name is in hand, if that is a single token, and
// how many there are. It does not look further than a few tokens.
func (s *scanner) argument(p dotted, number int) (only token, arguments int) {
	var next [32]token // behind the name
	l := s.lex
	l.pos, l.last = int(p.last.end), word
	l.fill(next[:])
	depth, size := 0, 0
	for i, t := range next {
		switch t.kind {
		case lparen:
			if depth++; depth == 1 {
				arguments = 1
				continue
			}
		case rparen:
			if depth--; depth == 0 {
				if size != 1 {
					only = token{}
				}
				return only, arguments
			}
		case comma:
			if depth == 1 {
				arguments++
				continue
			}
		case eof, bad, semicolon:
			return token{}, 0
		}
		if arguments == number {
			only = next[i]
			size++
		}
	}
	return token{}, 0
}

func (s *scanner) because(p dotted) string {
	if s.facts.Kind != Read {
		return s.facts.Reason // it has a reason already, of this kind or a stricter one
	}
	return "function " + lower(s.lex.text[p.start:p.last.end])
}

// effect looks up what the function p does. It allocates nothing, unless the
// user has named functions.
func (s *scanner) effect(p dotted) effect {
	name, ok := s.functionName(&p.last)
	if !ok {
		return unknown
	}
	if s.user != nil {
		if e, ok := s.user.find(lower(name), s.qualified(p)); ok {
			return e
		}
	}
	i := s.known.names.find(name)
	if s.lex.generic && (i < 0 || !pureEverywhere()[i] || !s.opensAt(p.last.end)) {
		s.lex.chosen = true
	}
	if i < 0 {
		return s.schemaEffect(p)
	}
	e := s.known.effects[i]
	if !e.acts() {
		if p.parts > 1 && !s.livesIn(p, e) || s.isStored(p, e) {
			return unknown // a function of the user's own schema
		}
		return pure
	}
	return e
}

// isStored reports whether a known name is that of a user's function: in quotes, where the
// grammar's own words are not meant, or in MySQL with a blank before the parenthesis.
func (s *scanner) isStored(p dotted, e effect) bool {
	switch {
	case p.last.kind == quoted:
		return e == syntax || s.lex.dialect() == MySQL
	case e == syntax && !s.opensAt(p.last.end):
		return s.lex.dialect() == MySQL
	}
	return false
}

// opensAt reports whether the next token stands at a place of the text.
func (s *scanner) opensAt(place uint32) bool { return s.peek().start == place }

func (s *scanner) qualified(p dotted) string {
	name, ok := s.name(p)
	if !ok {
		return ""
	}
	return lower(name)
}

// livesIn reports whether the schema of p is one in which such known functions
// live: pg_catalog has PostgreSQL's own and no others; those of extensions are where
// people install these. A public.log is not the server's log.
func (s *scanner) livesIn(p dotted, e effect) bool {
	if s.lex.dialect() != Postgres || p.parts != 2 {
		return false
	}
	name, _ := s.name(p)
	switch schema, _, _ := strings.Cut(name, "."); schema {
	case "pg_catalog":
		return e == pure
	case "public", "extensions", "postgis":
		return e == extension
	}
	return false
}

// schemaEffect: the functions of PostgreSQL's own information_schema are known only
// with it, as nobody else may make functions there.
func (s *scanner) schemaEffect(p dotted) effect {
	if p.parts == 2 && s.lex.dialect() == Postgres && strings.HasPrefix(s.qualified(p), "information_schema._pg_") {
		return pure
	}
	return unknown
}

// functionName returns the name that a token spells, in letters of any case. It
// is not ok if it has a quote in it, or a letter that matters: PostgreSQL does not
// fold what is quoted.
func (s *scanner) functionName(t *token) (name string, ok bool) {
	text := s.spelling(t)
	if t.kind != quoted {
		return text, true
	}
	if text[0] == 'u' || text[0] == 'U' || strings.ContainsAny(text[1:len(text)-1], "\"`") {
		return "", false // U&"...", or a quote in it
	}
	text = text[1 : len(text)-1]
	return text, text != "" && (s.lex.dialect() != Postgres || lower(text) == text)
}
