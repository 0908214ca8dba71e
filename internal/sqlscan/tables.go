package sqlscan

import "strings"

// maxTables is how many tables of each set are remembered. A text that names
// more is not sure to have named all.
const maxTables = 64

// tableSet is a set of table names in the order of the text.
type tableSet struct {
	list  []string
	space [4]string
}

func (t *tableSet) add(name string) bool {
	if t.list == nil {
		t.list = t.space[:0]
	}
	for _, have := range t.list {
		if have == name {
			return true
		}
	}
	if len(t.list) == maxTables {
		return false
	}
	t.list = append(t.list, name)
	return true
}

// names returns a copy that does not live in the scanner.
func (t *tableSet) names() []string {
	if len(t.list) == 0 {
		return nil
	}
	return append(make([]string, 0, len(t.list)), t.list...)
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
	first, last token // the first part and the last
	parts       int
	plain       bool // no quotes, no blanks and no comments in it
}

// readPath reads the name that begins with the token in hand, and stays on its
// last token.
func (s *scanner) readPath() dotted {
	p := dotted{first: s.tok, last: s.tok, parts: 1, plain: s.tok.kind == word}
	for s.peek().kind == dot {
		s.advance()
		p.plain = p.plain && s.tok.glued
		switch t := s.peek(); t.kind {
		case word, quoted:
			p.plain = p.plain && t.kind == word && t.glued
		default:
			return p // t.*, or the end of the text
		}
		s.advance()
		p.last = s.tok
		p.parts++
	}
	return p
}

// table notes that the statement uses the table that p names.
func (s *scanner) table(p dotted, written bool) {
	name, ok := s.name(p)
	if !ok {
		s.facts.TablesKnown = false
		return
	}
	if p.parts == 1 && !written && s.inSight(name) {
		return
	}
	if s.lex.dialect == MySQL && name == "dual" {
		return
	}
	if isTemporary(s.lex.dialect, name) {
		s.facts.raise(Write, "temporary table") // only its own connection sees it
	}
	set := &s.reads
	if written && !s.planOnly {
		set = &s.writes
	}
	if !set.add(name) {
		s.facts.TablesKnown = false
	}
}

func isTemporary(d Dialect, name string) bool {
	switch d {
	case Postgres:
		return strings.HasPrefix(name, "pg_temp")
	case SQLite:
		return strings.HasPrefix(name, "temp.") || strings.HasPrefix(name, "sqlite_temp_")
	}
	return false
}

// name spells p as the server does: without quotes, and in the case to which
// the server folds it. PostgreSQL folds what is not quoted, SQLite everything,
// MySQL nothing (whether it does is a setting). It is not ok if p is no plain
// name, or if a part of it has a dot within.
func (s *scanner) name(p dotted) (string, bool) {
	fold := s.lex.dialect != MySQL
	text := s.lex.text[p.first.start:p.last.end]
	if p.plain {
		if fold {
			text = lower(text)
		}
		return text, true
	}
	if p.parts == 1 {
		return s.part(p.first)
	}
	l := s.lex // read its tokens again
	l.pos = p.first.start
	var b strings.Builder
	for l.pos < p.last.end {
		switch t := l.next(); t.kind {
		case dot:
			b.WriteByte('.')
		default:
			name, ok := s.part(t)
			if !ok || strings.IndexByte(name, '.') >= 0 {
				return "", false
			}
			b.WriteString(name)
		}
	}
	return b.String(), true
}

// part spells one part of a name.
func (s *scanner) part(t token) (string, bool) {
	text := s.spelling(t)
	if t.kind == word {
		if s.lex.dialect == MySQL {
			return text, true
		}
		return lower(text), true
	}
	if t.kind != quoted || text[0] == 'u' || text[0] == 'U' {
		return "", false // U&"..." may spell anything
	}
	name := text[1 : len(text)-1]
	if q := text[len(text)-1:]; q != "]" && strings.Contains(name, q) {
		name = strings.ReplaceAll(name, q+q, q)
	}
	if s.lex.dialect == SQLite {
		name = lower(name)
	}
	return name, name != "" && strings.IndexByte(name, '.') < 0
}

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

// cte is the name of a WITH member.
type cte struct {
	name string
}

func (s *scanner) inSight(name string) bool {
	for i := len(s.ctes) - 1; i >= 0; i-- {
		if s.ctes[i].name == name {
			return true
		}
	}
	return false
}
