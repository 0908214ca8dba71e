package sqlscan

// modifies: the query in hand changes rows.
func (s *scanner) modifies() {
	reason := modifyReason[s.tok().key]
	if verb := keywordText[s.tok().key]; verb != s.facts.Verb {
		s.alsoVerb(verb) // in a WITH member, or explained
	}
	if len(s.frames) > 1 {
		reason = "data-modifying CTE"
	}
	if !s.planOnly {
		s.facts.mutate(reason)
	} else if s.lex.dialect() != Postgres {
		// MySQL may refuse it on a replica, SQLite forgets changes().
		s.facts.raise(Write, "EXPLAIN of "+reason)
	}
}

var modifyReason = map[keyword]string{
	kInsert: "INSERT", kReplace: "REPLACE", kUpdate: "UPDATE", kDelete: "DELETE", kMerge: "MERGE",
}

// target reads the table of INSERT, REPLACE and MERGE.
func (s *scanner) target(f *frame, key keyword) {
	switch key {
	case kInto:
		return
	case kModifier, kIgnore:
		if s.modifiesVerb() {
			return
		}
	case kOnly:
		if s.lex.dialect() == Postgres {
			return
		}
	case kOr: // SQLite: INSERT OR REPLACE
		if s.prev().key == kInsert {
			s.advance()
			return
		}
	}
	p := s.readPath()
	s.table(p, true)
	f.clause = afterInto
	if f.verb == kMerge {
		f.clause = tableDone
		f.writes = true
	}
}

// afterTarget reads what follows the table of INSERT and REPLACE.
func (s *scanner) afterTarget(f *frame, key keyword) {
	switch key {
	case kSelect, kTable, kWith:
		f.lateWith = key == kWith
		s.verb(f, key)
	case kValues, kSet, kOn, kReturning, kDefault:
		f.clause = inTail
	case kValue:
		if s.lex.dialect() == MySQL {
			f.clause = inTail
		}
	case kPartition: // whose parenthesis holds names
	default: // behind INSERT INTO t (SELECT 1)
		if !s.clauseBegins(f, key) {
			s.inExpression(f, key)
		}
	}
}

// isPostgresName reports whether INSERT, UPDATE, DELETE or MERGE is a name: these
// words are not reserved in PostgreSQL, and a statement that may stand inside a query
// has them first. What looks like the beginning of one all the same is not believed.
func (s *scanner) isPostgresName(f *frame, key keyword) bool {
	if f.inserts || f.verb == kMerge || s.lex.dialect() != Postgres {
		return false
	}
	switch p := s.peek(); {
	case p.kind != word:
		return p.kind != quoted
	case p.key == kFrom:
		return f.clause == inBody
	default:
		return reserved[p.key] && p.key != kInto
	}
}

// modifierWord handles INSERT, UPDATE, DELETE or MERGE inside a query. At its
// beginning it is the verb; ON CONFLICT DO UPDATE and its like belong to a
// statement that changes rows anyway; else it should not be there.
func (s *scanner) modifierWord(f *frame, key keyword) bool {
	switch {
	case f.clause == atStart || f.clause >= withName && f.clause <= withNext || f.clause == intoTarget:
		return false
	case s.peek().kind == lparen:
		return false // MySQL's insert(), hstore's delete()
	case f.inserts && (s.prev().key == kDo || s.prev().key == kKey && s.beforePrev().key == kDuplicate),
		f.verb == kMerge && s.prev().key == kThen:
		s.hideMembers(f)
		f.clause = inTail
		return true
	case key == kMerge && s.lex.dialect() != Postgres:
		return false // a name there
	case s.isPostgresName(f, key):
		return false
	}
	s.facts.mutate("data-modifying CTE")
	s.facts.TablesKnown = false
	s.alsoVerb(keywordText[key])
	return true
}
