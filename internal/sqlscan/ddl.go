package sqlscan

import "strings"

// create reads CREATE ...: it writes the thing that it creates, and reads what
// the query behind AS reads. What is temporary belongs to the session.
func (s *scanner) create() {
	s.facts.mutate("CREATE")
	s.advance()
	for s.createOption() {
		s.advance()
	}
	switch {
	case s.tok().key == kTable, s.is("view"):
		s.advance()
		s.ifExists()
		if s.isName(s.tok()) {
			s.created(s.readPath())
			s.tableSource()
			return
		}
	case s.tok().key == kIndex:
		s.index()
		return
	case s.is("virtual") && s.lex.dialect() == SQLite:
		s.facts.TablesKnown = false
		s.withParentheses()
		return
	case s.is("trigger"), s.is("procedure"), s.is("function"), s.is("package"):
		s.facts.TablesKnown = false
		s.body(s.is("trigger"))
		return
	case s.is("event"):
		s.facts.TablesKnown = false
		s.schedule()
		s.body(false)
		return
	case s.is("rule") && s.lex.dialect() == Postgres: // DO (a; b)
		s.facts.TablesKnown = false
		s.withParentheses()
		return
	}
	s.facts.TablesKnown = false
	s.rest()
}

// createOption reports whether the word in hand stands between CREATE and what
// is created, and steps to the end of what belongs to it.
func (s *scanner) createOption() bool {
	switch s.tok().key {
	case kTemp, kTemporary:
		s.facts.raise(Session, "temporary table")
		return true
	case kOr, kReplace, kGlobal, kLocal, kUnlogged, kMaterialized, kRecursive:
		return true
	}
	switch {
	case s.is("definer"), s.is("algorithm"): // = user@host
		if s.peek().kind == op {
			s.advance()
			s.advance()
		}
		for k := s.peek().kind; k == userVar || k == lparen || k == rparen; k = s.peek().kind {
			s.advance()
		}
		return true
	case s.is("sql"): // SQL SECURITY INVOKER
		s.advance()
		s.advance()
		return true
	}
	return s.is("unique") || s.is("fulltext") || s.is("spatial") || s.is("aggregate")
}

// index reads CREATE INDEX ... ON t.
func (s *scanner) index() {
	for !s.end() && s.tok().key != kOn {
		s.noteTemporary()
		s.advance()
	}
	s.advance()
	if s.tok().key == kOnly {
		s.advance()
	}
	if s.isName(s.tok()) {
		s.table(s.readPath(), true)
	} else {
		s.facts.TablesKnown = false
	}
	s.rest()
}

// created notes the table that CREATE TABLE makes. One in a schema of temporary
// tables belongs to the session, too.
func (s *scanner) created(p dotted) {
	if name, ok := s.name(p); !ok || s.isTemporary(p, name) {
		s.facts.raise(Session, "temporary table")
	}
	s.table(p, true)
}

// tableSource reads what follows the name of a new table: its columns, which
// may refer to other tables, or a query.
func (s *scanner) tableSource() {
	depth := 0 // of parentheses
	for s.advance(); !s.end(); s.advance() {
		if depth == 0 && s.beginsSource() {
			s.query()
			return
		}
		switch s.tok().kind {
		case lparen:
			depth++
		case rparen:
			depth--
		}
		if s.is("execute") && s.prev().key == kAs {
			s.execute()
			return
		}
		if s.is("references") || s.is("inherits") || s.is("like") || s.is("using") || s.is("default") || s.is("check") || s.is("of") || s.is("union") {
			s.facts.TablesKnown = false
		}
	}
}

// beginsSource reports whether a query begins with the token in hand: behind CREATE TABLE,
// and in parentheses, where options may stand instead, behind EXPLAIN.
func (s *scanner) beginsSource() bool {
	t := s.tok()
	if t.kind != lparen {
		return sourceWords[t.key] && (t.key != kWith || s.prev().key == kAs)
	}
	switch p := s.peek(); {
	case s.prev().key == kAs, p.kind == lparen:
		return true
	case p.key == kValues: // or the first of the columns
		return s.behindPeek().kind == lparen || s.lex.dialect() == MySQL
	case p.key == kTable: // or an option
		k := s.behindPeek().kind
		return k == word || k == quoted
	default:
		return sourceWords[p.key]
	}
}

// sourceWords are the words that such a query begins with.
var sourceWords = [keywordCount]bool{kSelect: true, kWith: true, kValues: true, kTable: true}

// withParentheses reads a statement in whose parentheses semicolons may stand: the arguments
// of SQLite's CREATE VIRTUAL TABLE may be anything.
func (s *scanner) withParentheses() {
	for depth := 0; !s.done() && (depth > 0 || !s.end()); s.pass() {
		s.noteTemporary()
		switch s.tok().kind {
		case lparen:
			depth++
		case rparen:
			depth--
		}
	}
}

// rest reads the remainder of a statement of which only calls matter.
func (s *scanner) rest() {
	for !s.end() {
		s.noteTemporary()
		s.advance()
	}
}

// noteTemporary: what is created in the schema of temporary things belongs to the session.
func (s *scanner) noteTemporary() {
	t := s.tok()
	if s.peek().kind != dot || !s.isName(t) {
		return
	}
	name, ok := s.part(t)
	if s.lex.dialect() == SQLite && name == "temp" || s.lex.dialect() == Postgres && (!ok || strings.HasPrefix(name, "pg_temp")) {
		s.facts.raise(Session, "temporary table")
	}
}

// ifExists steps over IF [NOT] EXISTS.
func (s *scanner) ifExists() {
	if s.tok().key != kIf || s.peek().key != kNot && s.peek().key != kExists {
		return
	}
	s.advance()
	if s.tok().key == kNot {
		s.advance()
	}
	if s.tok().key == kExists {
		s.advance()
	}
}

// dropOrAlter reads DROP TABLE a, b and ALTER TABLE a; of other things it only
// says that they write.
func (s *scanner) dropOrAlter() {
	if s.peekIs("prepare") && s.lex.dialect() == MySQL {
		s.sessionOnly()
		return
	}
	alter := s.is("alter")
	s.facts.mutate(s.verbReason())
	s.advance()
	if s.tok().key == kTemporary {
		s.facts.raise(Session, "temporary table")
		s.advance()
	}
	if s.lex.dialect() == MySQL && (s.is("event") || s.is("definer")) {
		s.facts.TablesKnown = false
		s.schedule()
		s.body(false)
		return
	}
	if s.tok().key != kTable && !s.is("view") {
		s.facts.TablesKnown = false
		s.rest()
		return
	}
	s.advance()
	s.ifExists()
	s.nameList(true)
	if alter {
		s.facts.TablesKnown = s.facts.TablesKnown && s.end()
		s.rest()
	}
}

// truncate reads TRUNCATE [TABLE] a, b.
func (s *scanner) truncate() {
	s.facts.mutate("TRUNCATE")
	s.advance()
	if s.tok().key == kTable {
		s.advance()
	}
	s.nameList(true)
}

// nameList reads a list of tables.
func (s *scanner) nameList(written bool) {
	for !s.end() {
		if s.tok().key == kOnly {
			s.advance()
		}
		if !s.isName(s.tok()) {
			s.facts.TablesKnown = false
			return
		}
		s.table(s.readPath(), written)
		s.advance()
		if s.tok().kind == op { // PostgreSQL: t *
			s.advance()
		}
		if s.tok().kind != comma {
			return
		}
		s.advance()
	}
}
