package sqlscan

// everywhere handles the words that make a query more than a read wherever they
// stand, and reports whether it did.
func (s *scanner) everywhere(f *frame, key keyword) bool {
	switch key {
	case kInto:
		if f.clause == intoTarget {
			return false
		}
		s.into(f)
		return true
	case kFor:
		return s.lockingClause(f)
	case kLock:
		if s.peek().key == kIn && s.lex.dialect() == MySQL {
			s.facts.raise(Write, "LOCK IN SHARE MODE")
			f.clause = inTail
			return true
		}
	case kInsert, kUpdate, kDelete, kMerge:
		return s.modifierWord(f, key)
	case kSelectOption:
		if s.is("sql_calc_found_rows") && s.lex.dialect() == MySQL {
			s.facts.raise(Write, "SQL_CALC_FOUND_ROWS")
		}
	}
	return false
}

// lockingClause handles FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE, and what else
// FOR may say: NEXT VALUE FOR, FOR SYSTEM_TIME.
func (s *scanner) lockingClause(f *frame) bool {
	if s.prev().key == kValue && s.beforePrev().kind == word && (s.beforePrev().key == kPath || equalFold(s.spelling(s.beforePrev()), "previous")) {
		s.facts.mutate("NEXT VALUE FOR")
		s.facts.TablesKnown = false // MariaDB's sequences are tables
	}
	reason := ""
	switch s.peek().key {
	case kUpdate:
		reason = "FOR UPDATE"
	case kShare:
		reason = "FOR SHARE"
	case kNo, kKey: // of PostgreSQL alone; SQLite has names there
		if s.lex.dialect() != Postgres {
			return false
		}
		behind := s.behindPeek().key
		if s.peek().key == kKey && behind != kShare || s.peek().key == kNo && behind != kKey {
			return false // substring(x FOR key)
		}
		reason = "FOR KEY SHARE"
		if s.peek().key == kNo {
			reason = "FOR NO KEY UPDATE"
			s.advance()
		}
		s.advance()
	case kJoin, kOrder, kGroup: // MySQL: USE INDEX FOR JOIN
		if s.lex.dialect() == MySQL && f.clause == usingNames {
			s.advance()
			return true
		}
		return false
	default:
		if s.peekIs("system_time") && f.clause < tableDone && s.lex.dialect() == MySQL {
			s.strange() // its table was not seen
		}
		return false
	}
	s.advance()
	s.facts.raise(Write, reason)
	if s.peek().kind == lparen {
		s.strange() // substring(x FOR update(1))
	}
	if f.kind == inQuery {
		f.clause = inTail
	}
	return true
}

// into handles SELECT ... INTO: a new table in PostgreSQL, a variable or a file
// in MySQL.
func (s *scanner) into(f *frame) {
	if s.lex.dialect() != Postgres {
		if s.peek().kind == userVar {
			s.facts.raise(Session, "INTO")
		}
		s.facts.mutate("INTO")
		if !s.peekIs("outfile") && !s.peekIs("dumpfile") && s.peek().kind != userVar {
			s.facts.TablesKnown = false
		}
		return
	}
	s.facts.mutate("INTO")
	if !s.isName(s.peek()) {
		s.facts.TablesKnown = false
		return
	}
	s.advance()
	for s.isIntoOption() {
		s.advance()
	}
	s.created(s.readPath())
}

// isIntoOption reports whether the word in hand says what kind of table SELECT INTO
// makes: another name follows.
func (s *scanner) isIntoOption() bool {
	switch p := s.peek(); s.tok().key {
	case kTemp, kTemporary, kUnlogged, kLocal, kGlobal, kTable:
		if p.kind != quoted && (p.kind != word || p.key != kTable && (reserved[p.key] || clauses[p.key])) {
			return false
		}
	default:
		return false
	}
	if s.tok().key == kTemp || s.tok().key == kTemporary {
		s.facts.raise(Session, "temporary table")
	}
	return true
}

// clauses are the words besides the reserved ones that PostgreSQL takes for no name
// behind the table of SELECT INTO.
var clauses = [keywordCount]bool{
	kOffset: true, kFetch: true, kWindow: true, kIntersect: true, kExcept: true, kReturning: true,
}
