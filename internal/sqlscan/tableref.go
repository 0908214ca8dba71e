package sqlscan

import "strings"

// tableReference reads what stands where a table is expected.
func (s *scanner) tableReference(f *frame, key keyword) {
	switch key {
	case kLateral: // reserved, but in MariaDB, which has no LATERAL, and SQLite
		switch s.lex.dialect() {
		case Postgres:
			return
		case MySQL:
			if s.peek().kind == lparen {
				return
			}
		case SQLite: // in a text of another server
			if s.peek().kind == lparen && sourceWords[s.behindPeek().key] {
				return
			}
		}
	case kOnly:
		if s.lex.dialect() == Postgres {
			return
		}
	case kModifier, kIgnore:
		if s.modifiesVerb() {
			return
		}
	case kOr: // SQLite: UPDATE OR IGNORE t
		if s.prev().key == kUpdate {
			s.advance()
			return
		}
	case kRows:
		if s.peek().key == kFrom && s.lex.dialect() == Postgres { // ROWS FROM (f(), g())
			s.advance()
			return
		}
	case kTable, kWhere, kGroup, kHaving, kOrder, kLimit, kOn, kUsing, kJoin, kSelect, kUnion, kFrom, kInto, kSet:
		s.strange()
		f.clause = inTail
		return
	}
	p := s.readPath()
	f.clause = tableDone
	if s.peek().kind == lparen {
		s.tableCall(p)
		return
	}
	s.table(p, f.writes)
}

// tableCall reads the call of a function that stands where a table may.
func (s *scanner) tableCall(p dotted) {
	if name, ok := s.part(&p.last); ok {
		s.systemTable(p, name, false)
	}
	isJSONTable := p.parts == 1 && s.is("json_table") && s.lex.dialect() != SQLite // which is no function in MariaDB
	switch {
	case isJSONTable, s.asksPragma(p):
	case s.effect(p) == tables:
		s.facts.TablesKnown = s.facts.TablesKnown && p.parts == 1 // else perhaps a table of that name
	default:
		s.call(p)
	}
	s.arguments()
}

// asksPragma reports whether SQLite's FROM pragma_x() only asks: without an argument.
func (s *scanner) asksPragma(p dotted) bool {
	name, ok := s.part(&p.last)
	if !ok || !strings.HasPrefix(name, "pragma_") || s.lex.dialect() != SQLite {
		return false
	}
	return pragmaAsks[strings.TrimPrefix(name, "pragma_")] && s.behindPeek().kind == rparen
}

// modifiesVerb reports whether the word in hand is a modifier of MySQL: directly
// behind the verb. Elsewhere, and in other dialects, it is a name.
func (s *scanner) modifiesVerb() bool {
	switch s.prev().key {
	case kUpdate, kInsert, kReplace, kModifier:
		return s.lex.dialect() == MySQL
	}
	return false
}

// bracketed handles [ where a table is expected. Around one word it is how SQL
// Server quotes a name; around more, CockroachDB runs it as a statement.
func (s *scanner) bracketed(f *frame) {
	f.clause = tableDone
	s.facts.TablesKnown = false
	if s.peek().kind == word {
		s.advance()
		if s.peek().kind == rbracket {
			s.advance()
			return
		}
	}
	s.strange()
}

// tableSuffix handles a word behind a table: an alias, a join, a hint. It
// reports false for what it does not know.
func (s *scanner) tableSuffix(f *frame, key keyword) bool {
	if f.clause == aliasNext {
		f.clause = aliasDone
		return true
	}
	if key == kStraightJoin && s.lex.dialect() != MySQL {
		key = notKeyword
	}
	if s.peek().kind == lparen && key != kUsing && key != kIn && f.clause == onExpr &&
		(key != kJoin && key != kStraightJoin || !s.operandEnds() && s.lex.dialect() == Postgres) {
		return false // a call in the join condition: left(x, 2)
	}
	switch key {
	case kJoin, kStraightJoin:
		f.clause = tableNext
		switch {
		case f.natural, s.prev().key == kCross && s.lex.dialect() != MySQL: // there it may have one
		case f.joins == 255:
			s.strange()
		default:
			f.joins++
		}
		f.natural = false
		if f.verb == kDelete || f.verb == kUpdate || f.verb == kMerge {
			f.writes = f.writes && s.lex.dialect() == MySQL
		}
	case kOn:
		f.clause = onExpr
		switch {
		case f.inserts && s.endsInsert(f):
			f.clause = inTail
		case f.joins > 0:
			f.joins--
		}
	case kUsing:
		if f.writes && (f.verb == kDelete || f.verb == kMerge) && f.kind == inQuery && f.joins == 0 {
			f.clause = tableNext
			f.writes = s.lex.dialect() == MySQL
			if f.verb == kMerge {
				f.joins = 1
			}
			return true
		}
		f.clause = usingNames
		if f.joins > 0 {
			f.joins--
		}
	case kSet:
		if f.verb != kUpdate || !f.writes {
			return false
		}
		f.clause, f.writes = inBody, false
	case kWhen:
		if f.verb != kMerge || f.joins > 0 || s.prev().key == kCase || s.peek().key != kMatched && (s.peek().key != kNot || s.behindPeek().key != kMatched) {
			return false
		}
		f.clause = inTail
	case kLeft, kRight, kFull, kInner, kOuter, kCross, kNatural:
		if s.peek().kind != word { // full(1), right = 1, natural 'x': JOIN or another of these is next
			return false
		}
		f.clause = tableTail
		f.natural = f.natural || key == kNatural
	default:
		if f.clause == onExpr {
			return false
		}
		return s.tableDecoration(f, key)
	}
	return true
}

// endsInsert reports whether ON in hand, behind the tables of INSERT ... SELECT, begins ON
// CONFLICT or ON DUPLICATE KEY. SQLite takes it for the condition of a join, as PostgreSQL
// does if one is missing.
func (s *scanner) endsInsert(f *frame) bool {
	switch s.peek().key {
	case kConflict:
		return s.lex.dialect() == Postgres && f.joins == 0
	case kDuplicate:
		return s.lex.dialect() == MySQL && s.behindPeek().key == kKey
	}
	return false
}

// temporal handles MariaDB's FOR SYSTEM_TIME: expressions follow, and then what may stand
// behind a table.
func (s *scanner) temporal(f *frame) {
	s.advance()
	if s.peek().key == kAs {
		s.advance()
		s.advance() // OF
	}
	f.clause = onExpr
	s.facts.TablesKnown = false
}

// tableDecoration handles what may stand between a table and the next one,
// besides joins.
func (s *scanner) tableDecoration(f *frame, key keyword) bool {
	switch key {
	case kAs:
		f.clause = aliasNext
		return true
	case kTablesample:
		if s.lex.dialect() != Postgres {
			break
		}
		s.advance()
		if !s.is("system") && !s.is("bernoulli") && !s.is("system_rows") && !s.is("system_time") {
			s.strange() // a sampling method is code
		}
		f.clause = tableTail
		return true
	case kRepeatable:
		if s.lex.dialect() != Postgres {
			break
		}
		f.clause = tableTail
		return true
	case kWith:
		if s.peek().key == kOrdinality {
			s.advance()
			f.clause = tableDone
			return true
		}
	case kUse, kForce, kIgnore, kPartition, kKey, kIndex:
		if s.lex.dialect() == MySQL { // hints, whose lists are names
			f.clause = usingNames
			return true
		}
	case kFor:
		if s.lex.dialect() == MySQL {
			if s.peekIs("system_time") {
				s.temporal(f)
			}
			return true // USE INDEX FOR ORDER BY
		}
	case kBy:
		return f.clause == usingNames || f.clause == tableTail
	case kNot, kIndexed:
		if s.lex.dialect() == SQLite {
			if key == kIndexed && s.peek().key == kBy {
				s.advance()
				s.advance() // the name of the index
			}
			f.clause = tableTail
			return true
		}
	}
	if s.clauseBegins(f, key) {
		return true
	}
	if f.clause == tableDone && (key == notKeyword || !reserved[key]) {
		f.clause = aliasDone
		return true
	}
	if f.clause == usingNames {
		return true
	}
	s.facts.TablesKnown = false
	return false
}
