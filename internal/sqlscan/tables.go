package sqlscan

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxTables is how many tables of each set are remembered. A text that names
// more is not sure to have named all.
const maxTables = 64

// tableSet is a set of table names in the order of the text.
type tableSet []string

// add reports false if there is no room.
func (t *tableSet) add(name string) bool {
	look(len(*t))
	for _, have := range *t {
		if have == name {
			return true
		}
	}
	if len(*t) == maxTables {
		return false
	}
	*t = append(*t, name)
	return true
}

// remove takes out a name that was added as the from-th or later.
func (t *tableSet) remove(name string, from int) {
	look(len(*t) - from)
	for i := from; i < len(*t); i++ {
		if (*t)[i] == name {
			*t = append((*t)[:i], (*t)[i+1:]...)
			return
		}
	}
}

// take returns a copy of the set, in room if that is large enough, and what is left
// of room.
func (t *tableSet) take(room []string) (list, left []string) {
	n := len(*t)
	switch {
	case n == 0:
		return nil, room
	case n > len(room):
		return append(make([]string, 0, n), *t...), room
	}
	copy(room, *t)
	return room[:n:n], room[n:]
}

func (t *tableSet) clear() {
	if len(*t) > 0 {
		clear(*t)
		*t = (*t)[:0]
	}
}

func appendNew(list []string, name string) []string {
	for _, have := range list {
		if have == name {
			return list
		}
	}
	return append(list, name)
}

// dotted is a name of one or more parts with dots between them.
type dotted struct {
	start uint32 // of the whole name; it ends where its last part ends
	last  token  // its last part
	parts int
	plain bool // no quotes, no blanks and no comments in it
}

// single is the name that is the word in hand, and no more of it.
func (s *scanner) single() dotted {
	t := s.tok()
	return dotted{start: t.start, last: *t, parts: 1, plain: t.kind == word}
}

// readPath reads the name that begins with the token in hand, and stays on its
// last token.
func (s *scanner) readPath() dotted {
	p := s.single()
	for s.peek().kind == dot {
		s.advance()
		p.plain = p.plain && s.glued()
		t := s.peek()
		if !s.isName(t) {
			s.maybeName(t)
			break // t.*, or the end of the text
		}
		p.plain = p.plain && t.kind == word && t.start == s.tok().end
		s.advance()
		p.last = *s.tok()
		p.parts++
	}
	return p
}

// isName reports whether a token is a name where nothing else can stand.
func (s *scanner) isName(t *token) bool { return t.kind == word || t.kind == quoted || s.isNamePart(t) }

// isNamePart reports whether a string is a name or a part of one, as in SQLite.
func (s *scanner) isNamePart(t *token) bool { return t.kind == str && s.lex.dialect() == SQLite }

// table notes that the statement uses the table that p names.
func (s *scanner) table(p dotted, written bool) {
	name, ok := s.name(p)
	if !ok {
		s.facts.TablesKnown = false
		if name, ok := s.part(&p.last); ok {
			s.systemTable(p, name, written) // SQLite finds a PRAGMA in any schema
		}
		if spelling := lower(s.lex.text[p.start:p.last.end]); strings.Contains(spelling, `u&"`) || strings.Contains(spelling, "temp") {
			s.facts.raise(Write, "temporary table")      // perhaps
			s.facts.Session = s.facts.Session || written // or PostgreSQL's pg_settings
		}
		return
	}
	if p.parts == 1 && s.inSight(name) && (!written || s.lex.dialect() == MySQL) { // UPDATE of a table and a WITH member
		return
	}
	if p.plain && p.parts == 1 && s.isNoTable(name) {
		return
	}
	if s.isTemporary(p, name) {
		s.facts.raise(Write, "temporary table") // only its own connection sees it
		if s.facts.Verb == "create" {
			s.facts.raise(Session, "temporary table") // a view of one is one
		}
	}
	first := s.lex.text[p.last.start]
	if p.last.kind != word {
		first = s.lex.text[p.last.start+1]
	}
	switch first | 0x20 {
	case 'd', 'i', 'p':
		s.systemTable(p, name, written)
	}
	if p.parts > 1 && s.isSessionTable(name) {
		s.facts.ask("session variable")
	}
	set := &s.reads
	if written && !s.planOnly {
		set = &s.writes
	}
	if len(*set) == maxTables && !s.facts.TablesKnown {
		return // it may have been one too many already
	}
	if !set.add(name) || len(name) > longestName && s.lex.dialect() == Postgres {
		s.facts.TablesKnown = false
	}
}

// isNoTable reports whether a bare name stands where a table is expected, and is none:
// FROM dual, and PostgreSQL's FROM current_user, which is a value.
func (s *scanner) isNoTable(name string) bool {
	switch name {
	case "current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
		"current_user", "localtime", "localtimestamp", "session_user", "user":
		return s.lex.dialect() == Postgres
	}
	return equalFold(name, "dual") && s.lex.dialect() == MySQL
}

// longestName is how many bytes of a name PostgreSQL looks at.
const longestName = 63

// systemTable looks for tables that are none: an UPDATE of PostgreSQL's pg_settings is
// a SET, SQLite runs a PRAGMA for a table of its name, some of which read all others, and to
// read INNODB_CMP_RESET sets its counters to zero.
func (s *scanner) systemTable(p dotted, name string, written bool) {
	name = name[strings.LastIndexByte(name, '.')+1:]
	pragma, isPragma := strings.CutPrefix(name, "pragma_")
	switch {
	case name == "pg_settings" && written && !s.planOnly && s.lex.dialect() == Postgres:
		s.facts.raise(Session, "SET")
	case strings.HasPrefix(lower(name), "innodb_cmp") && strings.HasSuffix(lower(name), "_reset") && s.lex.dialect() == MySQL:
		s.facts.mutate("resets counters")
	case (name == "dbstat" && !written || isPragma && strings.HasSuffix(name, "_check")) && s.lex.dialect() == SQLite:
		s.facts.TablesKnown = false // they read other tables
	case isPragma && !pragmaReads[pragma] && !pragmaAsks[pragma] && s.lex.dialect() == SQLite:
		s.call(p)
	}
}

// isSessionTable reports whether a table with its schema is one in which MySQL shows what the
// connection did last.
func (s *scanner) isSessionTable(name string) bool {
	schema, table, _ := strings.Cut(lower(name), ".")
	switch {
	case !strings.HasSuffix(schema, "_schema"):
		return false
	case !hasOtherLetters(name) && !slices.Contains(sessionTables, table):
		return false
	}
	return s.lex.dialect() == MySQL
}

// hasOtherLetters reports whether a name has letters besides those of ASCII in it, some of which
// MySQL takes for these: İ is an i.
func hasOtherLetters(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf })
}

var sessionTables = []string{
	"optimizer_trace", "profiling", "user_variables", "user_variables_by_thread",
}

// isTemporary reports whether a table is in a schema of temporary ones.
func (s *scanner) isTemporary(p dotted, name string) bool {
	if p.parts == 3 { // database.schema.table
		name = name[strings.IndexByte(name, '.')+1:]
	}
	if c := name[0]; c != 'p' && c != 't' && c != 's' {
		return false
	}
	switch {
	case strings.HasPrefix(name, "pg_temp.") || strings.HasPrefix(name, "pg_temp_") && p.parts > 1:
		return s.lex.dialect() == Postgres
	case strings.HasPrefix(name, "temp."), strings.HasPrefix(name, "sqlite_temp_"):
		return s.lex.dialect() == SQLite
	}
	return false
}

// name spells p as the server does: without quotes, and in the case to which
// the server folds it. PostgreSQL folds what is not quoted, SQLite everything,
// MySQL nothing (whether it does is a setting). It is not ok if p is no plain
// name, or if a part of it has a dot within.
func (s *scanner) name(p dotted) (string, bool) {
	text := s.lex.text[p.start:p.last.end]
	if p.plain {
		if small := lower(text); small != text && s.lex.dialect() != MySQL {
			text = small
		}
		return text, true
	}
	if p.parts == 1 {
		return s.part(&p.last)
	}
	var b strings.Builder
	for rest := (lexer{text: text, speaks: s.lex.dialect(), ansiQuotes: s.lex.ansiQuotes}); ; {
		var t [1]token
		switch rest.fill(t[:]); t[0].kind {
		case eof:
			return b.String(), true
		case dot:
			b.WriteByte('.')
		case word, quoted, str:
			name, ok := s.spell(text[t[0].start:t[0].end], t[0].kind)
			if !ok {
				return "", false
			}
			b.WriteString(name)
		default:
			return "", false
		}
	}
}

func (s *scanner) part(t *token) (string, bool) {
	return s.spell(s.spelling(t), t.kind)
}

// spell spells one part of a name. It is not ok if that would have a dot in it,
// and so could be taken for two.
func (s *scanner) spell(text string, k kind) (string, bool) {
	var quote byte
	if k != word {
		if text[0] == 'u' || text[0] == 'U' {
			return "", false // U&"..." may spell anything
		}
		quote = text[len(text)-1]
		text = text[1 : len(text)-1]
	}
	i := 0
	for i < len(text) && !spelledApart[text[i]] {
		i++
	}
	if i == len(text) {
		return text, text != ""
	}
	dots, quotes, capitals := false, false, false
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.':
			dots = true
		case c == quote:
			quotes = true
		case c-'A' < 26:
			capitals = true
		}
	}
	if quotes && quote != ']' {
		one := string(rune(quote))
		text = strings.ReplaceAll(text, one+one, one)
	}
	if capitals {
		if d := s.lex.dialect(); d == SQLite || d == Postgres && k == word {
			text = lower(text)
		}
	}
	return text, text != "" && !dots
}

// spelledApart are the bytes of a name that may not stand for themselves.
var spelledApart = func() (t [256]bool) {
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = true
	}
	for _, c := range ".'\"`" {
		t[c] = true
	}
	return t
}()

// lower folds ASCII letters, as all the servers do with plain names. It
// allocates only if there is something to fold.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c-'A' < 26 {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i]-'A' < 26 {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

// inSight reports whether name is that of a WITH member that is in sight.
func (s *scanner) inSight(name string) bool {
	look(len(s.ctes))
	for _, cte := range s.ctes {
		if cte == name {
			return true
		}
	}
	return false
}
