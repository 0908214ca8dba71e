package sqlscan

import (
	"slices"
	"strings"
)

// typeName steps over the name that follows a cast or AS, whatever it spells,
// and opens the parenthesis behind it: it holds the size of a type.
func (s *scanner) typeName() {
	if k := s.peek().kind; k != word && k != quoted {
		return
	}
	s.advance()
	s.readPath()
	for s.peek().kind == word && s.peek().key == notKeyword && s.lex.dialect() == SQLite { // VARYING CHARACTER (255)
		s.advance()
	}
	if s.peek().kind == lparen {
		s.advance()
		s.push(inNames, inTail)
		return
	}
	s.tok().key = notKeyword // an operand ends here: x::timestamp
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
	case f.kind == inNames && s.columnEnds(): // which a type follows
	case key == kSelect:
		s.strange() // where none can be
	case key == kGlobal && s.facts.Verb == "set" && s.prev().kind == comma:
		s.setsMore()
	case key == kIn && (s.peek().kind == word || s.peek().kind == quoted || s.peek().kind == str) && s.lex.dialect() == SQLite:
		s.advance()
		s.inTable()
	case key == kAs:
		s.typeName()
	case s.peek().kind == lparen && !s.isSyntax(f, key):
		s.call(s.single())
		s.arguments()
		s.top().prefix = key == kOperator
	}
}

// inTable reads the table of SQLite's x IN t, or the call of x IN f(y).
func (s *scanner) inTable() {
	p := s.readPath()
	if s.peek().kind == lparen {
		s.tableCall(p)
		return
	}
	s.table(p, false)
}

// columnEnds reports whether the name of a column, or another operand, stands before the
// token in hand, in a list of columns with their types.
func (s *scanner) columnEnds() bool {
	before := s.beforePrev().kind
	return s.operandEnds() || mayEndOperand[s.prev().key] && (before == lparen || before == comma)
}

// operand handles a name in an expression: a column or a call.
func (s *scanner) operand(f *frame) {
	behindColumn := f.kind == inNames && s.columnEnds()
	switch s.peek().kind {
	case lparen:
		s.calls(f, s.single(), behindColumn)
	case dot:
		p := s.readPath()
		switch {
		case s.peek().kind == lparen:
			s.calls(f, p, behindColumn)
		case p.parts > 1:
			s.fieldCall(p)
		}
	}
}

// calls handles a name with a parenthesis behind it. In a list of names, behind that of
// a column, it is a type with its size: a call does not follow an operand.
func (s *scanner) calls(f *frame, p dotted, isType bool) {
	if isType {
		return
	}
	if f.converts && s.prev().kind == comma && p.parts == 1 { // CONVERT(a, DATETIME(6))
		s.advance()
		s.push(inNames, inTail)
		return
	}
	if !s.partOfType(p) {
		s.call(p)
	}
	s.arguments()
	if p.parts == 1 && equalFold(s.spelling(&p.last), "convert") {
		s.top().converts = s.lex.dialect() == MySQL
	}
}

// isSyntax reports whether a keyword before a parenthesis is part of the grammar,
// and not the name of a function. A user may have a function of any name that the
// server does not reserve, and each reserves others: the live test
// TestKeywordsAsFunctions asks them.
func (s *scanner) isSyntax(f *frame, key keyword) bool {
	switch key {
	case kSelect, kValues, kFrom, kWhere, kHaving, kLimit, kOn, kUsing, kAnd, kOr, kNot, kIn, kAs,
		kCase, kWhen, kThen, kElse, kDistinct, kAll, kExists, kUnion, kIntersect, kExcept,
		kBetween, kTo, kGroup, kOrder:
		return true
	case kCast: // to MySQL, with a blank behind it, a name
		return s.opensAt(s.tok().end) || s.lex.dialect() != MySQL
	case kIs, kLike: // a call does not follow an operand
		return s.operandEnds()
	case kOver, kFilter:
		return s.prev().kind == rparen || s.beforePrev().key == kFrom && s.prev().key == kPath || // FROM FIRST OVER ()
			s.prev().kind == word && equalFold(s.spelling(s.prev()), "nulls") // RESPECT NULLS OVER ()
	case kRows: // of a window
		return s.operandEnds()
	case kBy:
		return s.prev().key == kGroup || s.prev().key == kOrder || s.prev().key == kPartition
	case kSets:
		return s.prev().key == kGrouping
	case kSet:
		return s.prev().key == kUpdate
	case kConflict:
		return f.inserts && s.prev().key == kOn && f.clause != onExpr
	}
	switch s.lex.dialect() {
	case Postgres:
		return s.isPostgresSyntax(f, key)
	case MySQL:
		return s.isMySQLSyntax(f, key)
	}
	return s.isSQLiteSyntax(key)
}

func (s *scanner) isPostgresSyntax(f *frame, key keyword) bool {
	switch key {
	case kAny, kSome, kArray, kRow, kGrouping, kInterval, kFor, kOffset, kReturning:
		return true
	case kIlike, kSimilar, kOverlaps, kEscape, kPassing:
		return s.operandEnds()
	case kOperator:
		return s.operandEnds() || s.prev().key == kUsing // ORDER BY a USING OPERATOR(<)
	case kPrefix:
		return s.trims() || s.is("symmetric") || s.is("asymmetric") || s.is("placing") && s.operandEnds()
	case kPath:
		return s.prev().key == kFetch // FETCH FIRST (1) ROWS
	case kRollup:
		p := s.prev()
		return f.groups && f.brackets == 0 && (p.kind == comma && s.lex.text[p.start] == ',' || p.kind == lparen || p.key == kBy || p.key == kDistinct || p.key == kAll)
	case kColumns:
		return s.beginsColumns(s.at)
	case kZone:
		return s.prev().key == kTime
	case kValue: // json_object('a' VALUE (x))
		return s.operandEnds()
	case kInsert:
		return f.verb == kMerge && s.prev().key == kThen && !s.planOnly // as it may be that of a CASE
	}
	return false
}

func (s *scanner) isMySQLSyntax(f *frame, key keyword) bool {
	switch key {
	case kAny, kSome, kRow, kGrouping, kInterval, kFor, kOffset, kXor, kDiv, kRlike, kRegexp, kBinary, kMatch, kStraightJoin:
		return true
	case kEscape:
		return s.operandEnds()
	case kSelectOption: // first in a select list, as nothing but an option is
		return f.kind == inQuery && f.clause == inBody && opensSelectList[s.prev().key] && !s.is("sql_cache") // a name in MySQL 8
	case kAgainst:
		return s.prev().kind == rparen
	case kColumns:
		return s.beginsColumns(s.at)
	case kPrefix:
		return s.trims()
	case kOf:
		return s.prev().kind == word && equalFold(s.spelling(s.prev()), "member")
	}
	return false
}

// beginsColumns reports whether the word at a place is the COLUMNS of JSON_TABLE: behind a
// path, or behind its name or that of an argument.
func (s *scanner) beginsColumns(at int) bool {
	if s.window[at].key != kColumns {
		return false
	}
	before := &s.window[at-1]
	isName := before.kind == quoted || before.kind == word && before.key == notKeyword
	return before.kind == str || isName && s.window[at-2].key == kAs
}

// trims reports whether the word in hand says where TRIM trims. Servers that know such a
// word reserve it.
func (s *scanner) trims() bool { return s.is("both") || s.is("leading") || s.is("trailing") }

func (s *scanner) isSQLiteSyntax(key keyword) bool {
	switch key {
	case kEscape:
		return true
	case kGlob, kMatch, kRegexp, kOffset:
		return s.operandEnds()
	}
	return false
}

// opensSelectList are the words of MySQL that may stand between SELECT and an option.
var opensSelectList = [keywordCount]bool{
	kSelect: true, kDistinct: true, kAll: true, kStraightJoin: true, kModifier: true, kSelectOption: true,
}

// partOfType reports whether a word before a parenthesis is the second word of
// a type: character varying (20), interval day to second (3).
func (s *scanner) partOfType(p dotted) bool {
	last := s.spelling(&p.last)
	second, varying := equalFold(last, "second"), equalFold(last, "varying")
	if p.parts > 1 || !second && !varying || s.lex.dialect() != Postgres {
		return false
	}
	before, behind := s.spelling(s.prev()), s.beforePrev()
	switch {
	case varying:
		return equalFold(before, "character") || equalFold(before, "char") || equalFold(before, "bit") || equalFold(before, "nchar")
	case equalFold(before, "interval"): // x::interval second (3)
		return behind.kind == cast || behind.key == kAs
	case s.prev().key == kTo: // interval day to second
		unit := s.spelling(behind)
		return equalFold(unit, "day") || equalFold(unit, "hour") || equalFold(unit, "minute")
	}
	return s.prev().kind == str // interval '1' second (2)
}

// fieldOf handles a dot behind a parenthesis, a bracket or a parameter. In
// PostgreSQL (x).f is a field of x, or a call of f(x).
func (s *scanner) fieldOf() {
	s.maybeName(s.prev())
	s.maybeName(s.peek())
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

// maybeName: next to a dot, MySQL's "..." is a name if it is anything. So the text is
// read with ANSI_QUOTES, too.
func (s *scanner) maybeName(t *token) {
	if t.kind == str && s.lex.text[t.start] == '"' {
		s.lex.ambiguous = true
	}
}

// maybeCall reports whether a token behind a dot may spell a function that x.name
// calls. It looks at its length, its first and its last letter only. What is written as
// U&"..." may spell anything.
func (s *scanner) maybeCall(t *token) bool {
	text, first, end := s.lex.text, t.start, t.end
	if t.kind == quoted {
		if text[first]|0x20 == 'u' {
			return true
		}
		first, end = first+1, end-1
	}
	n := end - first
	return n-1 < 63 && s.known.fields[n][text[first]&31]>>(text[end-1]&31)&1 != 0
}

// fieldCall: x.nextval may be a field of x, and may be a call. It is taken for a
// call if the function is one that is known to do something.
func (s *scanner) fieldCall(p dotted) {
	if !s.maybeCall(&p.last) {
		return
	}
	name, ok := s.functionName(&p.last)
	if !ok && s.lex.text[p.last.start]|0x20 != 'u' || ok && !calledAsField(s.lex.dialect(), lower(name)) {
		return
	}
	if e, known := s.known.effect(name); !ok || known && e.acts() {
		p.start, p.parts = p.last.start, 1
		s.call(p)
	}
}

// userVariable handles MySQL's @name and its assignment.
func (s *scanner) userVariable() {
	if s.lex.dialect() != MySQL || s.isHost() {
		return
	}
	sets := s.facts.Verb == "call" || s.facts.Verb == "load" // an OUT parameter, a column of the file
	if s.tok().kind == assign || s.peek().kind == assign || sets {
		s.facts.raise(Session, "user variable")
		return
	}
	s.facts.ask("user variable")
}

// isHost reports whether the token in hand is the second part of SHOW ... 'user'@'host'.
func (s *scanner) isHost() bool {
	if s.facts.Verb != "show" || s.tok().kind != userVar || !s.glued() {
		return false
	}
	p := s.prev()
	return p.kind == str || p.kind == quoted || p.kind == word && p.key == notKeyword
}

// systemVariable handles MySQL's @@name: a read, but for those that tell what
// the connection did last.
func (s *scanner) systemVariable() {
	name := strings.TrimSuffix(s.spelling(s.tok()), "`")
	if whose, _, _ := strings.Cut(name[2:], "."); lookup(whose) == kGlobal && (s.prev().key == kSet || s.prev().kind == comma) && s.facts.Verb == "set" {
		s.setsMore()
	}
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' || name[i] == '@' || name[i] == '`' {
			name = name[i+1:]
			break
		}
	}
	if s.peek().kind == dot || name == "" || slices.Contains(sessionVariables, lower(name)) { // a dot: @@session . identity
		s.facts.ask("session variable")
	}
	if s.peek().kind == assign {
		s.facts.raise(Session, "SET")
	}
}
