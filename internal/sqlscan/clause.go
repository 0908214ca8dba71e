package sqlscan

// Which words begin a clause of a query, and which are names: not every server reserves all
// of them.

// clauseBegins handles the words that begin another clause of a query.
func (s *scanner) clauseBegins(f *frame, key keyword) bool {
	switch key {
	case kUnion, kIntersect, kExcept, kMinus:
		if f.kind == inNames || key == kMinus && !s.subtracts() {
			return false
		}
		if key != kUnion && s.peek().key != kSelect && s.lex.dialect() == MySQL && !s.operandEnds() {
			s.strange() // to some versions a name
		}
		f.kind, f.clause, f.groups = inQuery, atStart, false
		return true
	}
	if f.kind == inExpr || f.kind == inNames {
		return false
	}
	switch key {
	case kFrom:
		switch {
		case s.prev().key == kDistinct && (s.beforePrev().key == kIs || s.beforePrev().key == kNot): // IS DISTINCT FROM
		case s.prev().kind == rparen && s.saysWhere():
			s.facts.TablesKnown = false
		case f.clause == inBody:
			f.clause, f.writes = tableNext, false
		case f.clause == beforeFrom:
			f.clause, f.writes = tableNext, true
		default:
			s.facts.TablesKnown = false
		}
		return true
	case kWhere, kGroup, kHaving, kOrder, kLimit, kReturning, kFetch, kWindow, kOffset:
		if !s.isClause(f, key) {
			return false
		}
		if key == kReturning {
			s.hideMembers(f)
		}
		if f.kind == inTables {
			f.kind = inQuery // (SELECT ...) ORDER BY in parentheses
		}
		if f.clause != beforeFrom {
			f.clause = inTail
		}
		f.groups, f.brackets = key == kGroup, 0
		return true
	}
	return false
}

// returns reports whether RETURNING in hand, which some versions of MySQL and SQLite do not
// reserve, is the clause: of a statement that changes rows, and with an expression behind it.
func (s *scanner) returns(f *frame) bool {
	if f.verb == kSelect && !f.inserts || f.kind == inTables {
		return false
	}
	switch p := s.peek(); p.kind {
	case lparen:
		if s.behindPeek().key == kSelect {
			return true
		}
		if f.clause >= tableDone && f.clause <= tableTail && s.lex.dialect() == MySQL {
			s.facts.TablesKnown = false // an alias with its columns, or RETURNING (a), b
		}
		return s.lex.dialect() == SQLite
	case comma, rparen, semicolon, eof:
		return false
	default:
		return !followsTable[p.key] || (p.key == kLeft || p.key == kRight) && s.behindPeek().kind == lparen // left(a, 1)
	}
}

// followsTable are the reserved words that may stand behind a table.
var followsTable = [keywordCount]bool{
	kJoin: true, kStraightJoin: true, kInner: true, kCross: true, kLeft: true, kRight: true, kNatural: true, kOn: true, kUsing: true,
	kUse: true, kForce: true, kIgnore: true, kSet: true, kWhere: true, kGroup: true, kHaving: true, kOrder: true, kLimit: true,
	kUnion: true, kIntersect: true, kExcept: true, kFor: true, kLock: true, kInto: true,
}

// namesWindow reports whether WINDOW in hand is the clause: a name and AS ( follow. Not
// every server reserves the word.
func (s *scanner) namesWindow() bool {
	if !s.isName(s.peek()) {
		return false
	}
	var behind [2]token
	s.readBehindPeek(behind[:])
	return behind[0].key == kAs && behind[1].kind == lparen
}

// saysWhere reports whether FROM in hand is that of MySQL's nth_value(a, 1) FROM FIRST.
func (s *scanner) saysWhere() bool {
	if !s.peekIs("first") && !s.peekIs("last") || s.lex.dialect() != MySQL {
		return false
	}
	behind := s.behindPeek()
	return behind.key == kOver || equalFold(s.spelling(&behind), "respect") || equalFold(s.spelling(&behind), "ignore")
}

// subtracts reports whether MINUS in hand is MariaDB's word for EXCEPT, which it is in
// one mode of that server, and no name.
func (s *scanner) subtracts() bool {
	switch p := s.peek(); p.key {
	case kSelect, kAll, kDistinct, kSelectOption, kTable, kValues:
		return s.lex.dialect() == MySQL
	default:
		return p.kind == lparen && s.lex.dialect() == MySQL && s.operandEnds()
	}
}

// isClause reports whether a word begins a clause of a query, and is no name: not every
// server reserves it.
func (s *scanner) isClause(f *frame, key keyword) bool {
	calls := s.peek().kind == lparen
	switch key {
	case kGroup:
		return !calls || s.prev().key != kWithin
	case kFetch: // FETCH FIRST
		return !calls && s.lex.dialect() != SQLite
	case kWindow:
		return s.namesWindow()
	case kReturning:
		return s.lex.dialect() == Postgres || s.returns(f)
	case kOffset:
		if f.clause == inTail && f.kind == inQuery && !calls && s.peek().kind != dot { // LIMIT 1 OFFSET 2
			return true
		}
		switch s.lex.dialect() {
		case SQLite:
			return false
		case MySQL:
			return s.counts()
		}
	}
	return true
}
