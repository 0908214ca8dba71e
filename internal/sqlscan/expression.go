package sqlscan

// typeName steps over the name that follows a cast or AS, whatever it spells,
// and opens the parenthesis behind it: it holds the size of a type.
func (s *scanner) typeName() {
	if k := s.peek().kind; k != word && k != quoted {
		return
	}
	s.advance()
	s.readPath()
	if s.peek().kind == lparen {
		s.advance()
		s.push(inNames, inTail)
	}
}

// arguments opens the parenthesis behind the name of a function.
func (s *scanner) arguments() {
	s.advance()
	s.push(inExpr, inTail)
}

// inExpression handles a word in an expression: a column, a call, an operator.
func (s *scanner) inExpression(f *frame, key keyword) {
	switch {
	case key == notKeyword:
		s.operand(f)
	case s.peek().kind == dot: // behind a reserved word
		s.facts.TablesKnown = false
		s.operand(f)
	case f.kind == inNames:
	case key == kSelect:
		s.strange() // where none can be
	case key == kAs:
		s.typeName()
	case s.peek().kind == lparen && !s.isSyntax(f, key):
		s.call(s.single())
		s.arguments()
	}
}

// operand handles a name in an expression: a column or a call.
func (s *scanner) operand(f *frame) {
	switch s.peek().kind {
	case lparen:
		s.calls(f, s.single())
	case dot:
		p := s.readPath()
		switch {
		case s.peek().kind == lparen:
			s.calls(f, p)
		case p.parts > 1 && f.kind != inNames:
			s.fieldCall(p)
		}
	}
}

// calls handles a name with a parenthesis behind it.
func (s *scanner) calls(f *frame, p dotted) {
	if f.kind == inNames {
		return
	}
	if !s.partOfType(p) {
		s.call(p)
	}
	s.arguments()
}

// isSyntax reports whether a keyword before a parenthesis is part of the
// grammar, and not the name of a function.
func (s *scanner) isSyntax(f *frame, key keyword) bool {
	switch key {
	case kSelect, kValues, kFrom, kWhere, kHaving, kLimit, kOn, kUsing, kAnd, kOr, kNot, kIn, kAs,
		kCase, kWhen, kThen, kElse, kDistinct, kAny, kAll, kExists, kUnion, kIntersect, kExcept,
		kBetween, kCast, kGrouping, kFor, kRow, kTo, kReturning, kInterval, kGroup, kOrder:
		return true
	case kArray:
		return s.lex.dialect() == Postgres
	case kSome, kOffset: // words of its grammar are no functions in MySQL
		return s.lex.dialect() != SQLite
	case kPrefix:
		return s.lex.dialect() == MySQL && (s.is("escape") || s.is("sql_no_cache") || s.is("sql_cache"))
	case kRows: // of a window: a call does not follow an operand
		return s.operandEnds()
	case kXor, kDiv, kRlike, kRegexp, kBinary, kStraightJoin:
		return s.lex.dialect() == MySQL
	case kLike, kIlike, kIs, kGlob, kSimilar, kOverlaps, kOperator, kColumns, kMatch:
		return s.operandEnds() || key == kOperator && s.prev().kind == op || key == kMatch && s.lex.dialect() == MySQL
	case kOver, kFilter, kAgainst:
		return s.prev().kind == rparen
	case kBy:
		return s.prev().key == kGroup || s.prev().key == kOrder || s.prev().key == kPartition
	case kSets:
		return s.prev().key == kGrouping
	case kConflict:
		return s.prev().key == kOn
	case kZone:
		return s.prev().key == kTime
	case kSet:
		return f.verb == kUpdate || f.inserts || f.verb == kMerge
	case kInsert:
		return f.verb == kMerge && s.prev().key == kThen
	}
	return false
}

// partOfType reports whether a word before a parenthesis is the second word of
// a type: character varying (20), interval day to second (3).
func (s *scanner) partOfType(p dotted) bool {
	if second := equalFold(s.spelling(&p.last), "second"); p.parts > 1 || !second && !equalFold(s.spelling(&p.last), "varying") || s.lex.dialect() != Postgres {
		return false
	}
	if s.prev().kind == str { // interval '1' second (2)
		return equalFold(s.spelling(&p.last), "second")
	}
	if s.prev().kind != word {
		return false
	}
	before := s.spelling(s.prev())
	switch {
	case equalFold(s.spelling(&p.last), "varying"):
		return equalFold(before, "character") || equalFold(before, "char") || equalFold(before, "bit") || equalFold(before, "nchar")
	case equalFold(s.spelling(&p.last), "second"):
		return s.prev().key == kTo
	}
	return false
}

// fieldOf handles a dot behind a parenthesis, a bracket or a parameter. In
// PostgreSQL (x).f is a field of x, or a call of f(x).
func (s *scanner) fieldOf() {
	if k := s.peek().kind; k != word && k != quoted || s.lex.dialect() != Postgres {
		return
	}
	s.advance()
	p := s.single()
	if s.peek().kind == lparen {
		s.call(p)
		s.arguments()
		return
	}
	s.fieldCall(p)
}

// maybeCall reports whether a token behind a dot may spell a function that x.name
// calls. It looks at its length and first letter only.
func (s *scanner) maybeCall(t *token) bool {
	n, first := t.end-t.start, t.start
	if t.kind == quoted {
		n, first = n-2, first+1
	}
	return n < 64 && s.known.fields[n]>>(s.lex.text[first]&31)&1 != 0
}

// fieldCall: x.nextval may be a field of x, and may be a call. It is taken for a
// call if the function is one that is known to do something.
func (s *scanner) fieldCall(p dotted) {
	if !s.maybeCall(&p.last) {
		return
	}
	name, ok := s.functionName(&p.last)
	if !ok || !calledAsField(s.lex.dialect(), lower(name)) {
		return
	}
	if e, ok := s.known.effect(name); ok && e != pure {
		p.start, p.parts = p.last.start, 1
		s.call(p)
	}
}

// userVariable handles MySQL's @name and its assignment.
func (s *scanner) userVariable() {
	if s.lex.dialect() != MySQL || s.facts.Verb == "show" && s.glued() { // 'user'@'host'
		return
	}
	if s.tok().kind == assign || s.peek().kind == assign {
		s.facts.raise(Session, "user variable")
		return
	}
	s.facts.ask("user variable")
}

// systemVariable handles MySQL's @@name: a read, but for those that tell what
// the connection did last.
func (s *scanner) systemVariable() {
	name := s.spelling(s.tok())
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' || name[i] == '@' {
			name = name[i+1:]
			break
		}
	}
	switch {
	case equalFold(name, "identity"), equalFold(name, "last_insert_id"), equalFold(name, "insert_id"),
		equalFold(name, "warning_count"), equalFold(name, "error_count"), equalFold(name, "last_gtid"),
		equalFold(name, "rand_seed1"), equalFold(name, "rand_seed2"), name == "", name[len(name)-1] == '`':
		s.facts.ask("session variable")
	}
	if s.peek().kind == assign {
		s.facts.raise(Session, "SET")
	}
}
