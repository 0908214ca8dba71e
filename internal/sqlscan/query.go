package sqlscan

// A query (SELECT, VALUES, TABLE, WITH, and the statements that change rows) is
// read in one pass over its tokens. Each open parenthesis is a frame, which
// knows in which clause of what it is; nothing more of the grammar is needed to
// tell tables from columns, function calls from syntax, and a keyword from a
// name that is spelled like it.

// frame is an open parenthesis, or the statement itself.
type frame struct {
	kind      frameKind
	clause    clause
	verb      keyword // of a query: kSelect, kInsert, ...
	first     bool    // no token of it was read yet
	inserts   bool    // it inserts, whatever query follows: ON CONFLICT may come
	writes    bool    // the tables of this FROM clause are written
	recursive bool    // WITH RECURSIVE: members see themselves and each other
	distinct  bool    // the list of DISTINCT ON
	ctes      uint8   // how many WITH names were in sight when it opened
	reads     uint8   // how many tables were read before WITH RECURSIVE
	member    token   // the WITH member that is being read
}

type frameKind uint8

const (
	inQuery  frameKind = iota // a statement, a subquery, a WITH member
	inTables                  // a parenthesis in a FROM clause
	inExpr                    // an expression, or the arguments of a call
	inNames                   // a list of names: columns of an alias, USING (...), types
)

// clause is the part of a query in which the walk is.
type clause uint8

const (
	inTail     clause = iota // where no table is named: WHERE, GROUP BY, ORDER BY, VALUES, ...
	inBody                   // the select list, or SET: FROM begins the tables
	beforeFrom               // DELETE: before FROM
	atStart                  // before the verb

	withName // WITH: a member's name is next
	withAs   // AS is next
	withBody // its query is next
	withNext // a comma or the main query is next

	intoTarget // INSERT: before the table
	afterInto  // behind the table

	tableNext  // FROM: a table is next
	tableDone  // behind a table: an alias may follow
	aliasNext  // behind AS
	aliasDone  // behind the alias: column names may follow
	tableTail  // behind all of that
	onExpr     // in a join condition
	usingNames // behind USING
)

// maxDepth is how deep parentheses may nest. Servers give up earlier, or later
// with settings that nobody has.
const maxDepth = 1000

func (s *scanner) top() *frame { return &s.frames[len(s.frames)-1] }

func (s *scanner) push(k frameKind, c clause) *frame {
	if len(s.frames) == maxDepth {
		s.facts.giveUp("too many parentheses")
		s.stop()
	}
	s.frames = append(s.frames, frame{kind: k, clause: c, first: true, ctes: uint8(len(s.ctes))})
	return s.top()
}

func (s *scanner) pop() {
	s.ctes = s.ctes[:s.top().ctes]
	s.frames = s.frames[:len(s.frames)-1]
}

// query reads a query from the token in hand to the end of the statement.
func (s *scanner) query() {
	s.frames, s.ctes = s.frames[:0], s.ctes[:0]
	s.push(inQuery, atStart)
	s.walk()
}

// expressions reads the rest of a statement as expressions: only calls,
// variables and subqueries count.
func (s *scanner) expressions() {
	s.frames, s.ctes = s.frames[:0], s.ctes[:0]
	s.push(inExpr, inTail)
	s.walk()
}

// walk reads to the end of the statement.
func (s *scanner) walk() {
	for !s.end() {
		s.step()
		s.advance()
	}
	if len(s.frames) > 1 {
		s.facts.giveUp("unbalanced parentheses")
		s.stop()
	}
}

// step handles the token in hand.
func (s *scanner) step() {
	f := s.top()
	first := f.first
	f.first = false
	t := s.tok()
	if f.clause == atStart && t.kind != word && t.kind != lparen {
		s.strange()
		f.clause = inTail
	}
	switch t.kind {
	case word, quoted:
		if t.key == notKeyword && f.clause <= inBody {
			s.operand(f)
			return
		}
		s.wordOrName(f, t.key, first)
	case lparen:
		s.open(f)
	case rparen:
		if len(s.frames) == 1 {
			s.facts.giveUp("unbalanced parentheses")
			s.stop()
			return
		}
		s.pop()
		if f.distinct {
			t.kind = comma // what follows is an expression of the select list
		}
	case comma:
		s.separate(f)
	case dot:
		s.fieldOf()
	case cast:
		s.typeName()
	case userVar, assign:
		s.userVariable()
	case systemVar:
		s.systemVariable()
	default:
		switch f.clause {
		case tableNext:
			s.oddTable(f.writes)
			f.clause = tableDone
		case intoTarget:
			s.oddTable(true)
			f.clause = afterInto
		}
	}
}

// oddTable handles what is no name where a table is expected. SQLite takes a
// string for one.
func (s *scanner) oddTable(written bool) {
	if s.lex.dialect == SQLite && s.tok().kind == str && s.peek().kind != dot {
		s.table(s.single(), written)
		return
	}
	s.facts.TablesKnown = false
}

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

// strange: a query is not built in a way that is known here.
func (s *scanner) strange() {
	s.facts.mutate("unknown statement")
	s.facts.TablesKnown = false
}

// open opens the parenthesis in hand.
func (s *scanner) open(f *frame) {
	switch f.clause {
	case atStart:
		f.clause = inTail
		if s.naming == len(s.frames) {
			s.naming++
		}
		s.push(inQuery, atStart)
	case withAs:
		s.push(inNames, inTail)
	case withBody:
		f.clause = withNext
		s.push(inQuery, atStart)
	case withNext: // the main query begins
		s.declareMember(f)
		f.clause = atStart
		s.open(f)
	case tableNext:
		f.clause = tableDone
		writes := f.writes
		s.push(inTables, tableNext).writes = writes
	case aliasNext, aliasDone, usingNames:
		f.clause = tableTail
		if k := s.prev().key; k == kUsing || k == kPartition {
			f.clause = tableDone // an alias may follow
		}
		s.push(inNames, inTail)
	default:
		if f.kind == inNames {
			s.push(inNames, inTail)
			return
		}
		if s.prev().kind == str && s.lex.dialect == MySQL && s.lex.text[s.prev().start] == '"' {
			s.strange() // a function, if the server runs with ANSI_QUOTES
		}
		distinct := s.prev().key == kOn && f.kind == inQuery && f.clause == inBody
		s.push(inExpr, inTail).distinct = distinct
	}
}

// separate handles the comma in hand.
func (s *scanner) separate(f *frame) {
	switch f.clause {
	case tableDone, aliasDone, tableTail, onExpr:
		f.clause = tableNext
	case withNext:
		s.declareMember(f)
		f.clause = withName
	}
}

// declareMember brings the name of the WITH member that was just read in sight.
func (s *scanner) declareMember(f *frame) {
	if f.recursive || f.member.end == 0 {
		return
	}
	s.declare(&f.member)
}

// forwardReference: a member of WITH RECURSIVE may have been read by those
// before it, and taken for a table.
func (s *scanner) forwardReference(f *frame) {
	if name, ok := s.part(&f.member); ok {
		s.reads.remove(name, int(f.reads))
	}
}

func (s *scanner) declare(t *token) {
	name, ok := s.part(t)
	if !ok {
		s.facts.TablesKnown = false
		return
	}
	if len(s.ctes) == maxTables {
		s.facts.TablesKnown = false
		return
	}
	s.ctes = append(s.ctes, name)
}

// wordOrName handles the word or quoted name in hand, wherever it stands.
func (s *scanner) wordOrName(f *frame, key keyword, first bool) {
	if key != notKeyword && !reserved[key] && s.peek().kind == dot {
		key = notKeyword
	}
	if s.everywhere(f, key) {
		return
	}
	if f.kind != inQuery && first && s.beginsQuery(f, key) {
		f.kind, f.clause = inQuery, atStart
	}
	switch f.clause {
	case atStart:
		s.verb(f, key)
		return
	case withName, withAs, withBody, withNext:
		s.with(f, key)
		return
	case intoTarget:
		s.target(f, key)
		return
	case afterInto:
		s.afterTarget(f, key)
		return
	case tableNext:
		s.tableReference(f, key)
		return
	case tableDone, aliasNext, aliasDone, tableTail, usingNames, onExpr:
		if s.tableSuffix(f, key) {
			return
		}
	}
	if s.clauseBegins(f, key) {
		return
	}
	s.inExpression(f, key)
}

// beginsQuery reports whether a parenthesis whose first token is key holds a query.
func (s *scanner) beginsQuery(f *frame, key keyword) bool {
	switch key {
	case kSelect, kWith:
		return true
	case kValues:
		return f.kind == inTables || s.prev().kind == lparen && s.peek().kind == lparen && s.lex.dialect != MySQL
	case kTable:
		return s.peek().kind != lparen
	}
	return false
}

// verb handles the first word of a query.
func (s *scanner) verb(f *frame, key keyword) {
	f.verb = key
	if s.naming == len(s.frames) && key != kWith {
		s.facts.Verb, s.naming = keywordText[key], 0
	}
	switch key {
	case kSelect:
		f.clause = inBody
	case kValues:
		f.clause = inTail
	case kTable:
		if s.lex.dialect == SQLite {
			s.strange()
		}
		f.clause = tableNext
	case kWith:
		f.clause = withName
	case kInsert, kReplace:
		s.modifies()
		f.clause, f.inserts = intoTarget, true
	case kUpdate:
		s.modifies()
		f.clause, f.writes = tableNext, true
	case kDelete:
		s.modifies()
		f.clause = beforeFrom
	case kMerge:
		s.modifies()
		f.clause = intoTarget
	case kAll, kDistinct: // UNION ALL
		f.verb = kSelect
	default:
		f.clause = inTail
		s.strange()
		s.inExpression(f, key)
	}
}

// modifies: the query in hand changes rows.
func (s *scanner) modifies() {
	reason := modifyReason[s.tok().key]
	if len(s.frames) > 1 {
		reason = "data-modifying CTE"
	}
	if !s.planOnly {
		s.facts.mutate(reason)
	} else if s.lex.dialect != Postgres {
		// MySQL may refuse it on a replica, SQLite forgets changes().
		s.facts.raise(Write, "EXPLAIN of "+reason)
	}
}

var modifyReason = map[keyword]string{
	kInsert: "INSERT", kReplace: "REPLACE", kUpdate: "UPDATE", kDelete: "DELETE", kMerge: "MERGE",
}

// with reads WITH: [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (query)
// [SEARCH ...] [CYCLE ...], and so on, then the main query. A name is in sight
// behind its member, or, if recursive, from its own beginning.
func (s *scanner) with(f *frame, key keyword) {
	switch f.clause {
	case withName:
		if key == kRecursive && s.prev().key == kWith && s.peek().kind != lparen && !s.peekIs("as") {
			f.recursive = true
			f.reads = uint8(len(s.reads))
			return
		}
		f.member = *s.tok()
		if f.recursive {
			s.declare(s.tok())
			s.forwardReference(f)
		}
		f.clause = withAs
	case withAs:
		if key == kAs {
			f.clause = withBody
		}
	case withBody: // NOT MATERIALIZED
	case withNext:
		switch key {
		case kSelect, kValues, kTable, kInsert, kReplace, kUpdate, kDelete, kMerge:
			s.declareMember(f)
			s.verb(f, key)
		}
	}
}

// target reads the table of INSERT, REPLACE and MERGE.
func (s *scanner) target(f *frame, key keyword) {
	switch key {
	case kInto:
		return
	case kModifier, kIgnore, kOnly:
		if s.prev().key != kInto || key == kOnly {
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
		s.verb(f, key)
	case kValues, kSet, kOn, kReturning, kDefault:
		f.clause = inTail
	case kValue:
		if s.lex.dialect == MySQL {
			f.clause = inTail
		}
	}
}

// tableReference reads what stands where a table is expected.
func (s *scanner) tableReference(f *frame, key keyword) {
	switch key {
	case kLateral, kOnly, kModifier:
		return
	case kIgnore:
		if s.prev().key == kUpdate || s.prev().key == kModifier {
			return
		}
	case kOr: // SQLite: UPDATE OR IGNORE t
		if s.prev().key == kUpdate {
			s.advance()
			return
		}
	case kRows:
		if s.peek().key == kFrom { // ROWS FROM (f(), g())
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
		s.call(p)
		s.arguments()
		return
	}
	s.table(p, f.writes)
}

// arguments opens the parenthesis behind the name of a function.
func (s *scanner) arguments() {
	s.advance()
	s.push(inExpr, inTail)
}

// tableSuffix handles a word behind a table: an alias, a join, a hint. It
// reports false for what it does not know.
func (s *scanner) tableSuffix(f *frame, key keyword) bool {
	if f.clause == aliasNext {
		f.clause = aliasDone
		return true
	}
	if s.peek().kind == lparen && key != kUsing && key != kIn && f.clause == onExpr &&
		(key != kJoin && key != kStraightJoin || !s.operandEnds()) {
		return false // a call in the join condition: left(x, 2)
	}
	switch key {
	case kJoin, kStraightJoin:
		f.clause = tableNext
		if f.verb == kDelete || f.verb == kUpdate || f.verb == kMerge {
			f.writes = f.writes && s.lex.dialect == MySQL
		}
	case kOn:
		f.clause = onExpr
		if s.peek().key == kConflict || s.peek().key == kDuplicate {
			f.clause = inTail
		}
	case kUsing:
		if f.writes && (f.verb == kDelete || f.verb == kMerge) && f.kind == inQuery {
			f.clause = tableNext
			f.writes = s.lex.dialect == MySQL
			return true
		}
		f.clause = usingNames
	case kSet:
		if f.verb != kUpdate {
			return false
		}
		f.clause, f.writes = inBody, false
	case kWhen:
		if f.verb != kMerge || s.peek().key != kMatched && s.peek().key != kNot {
			return false
		}
		f.clause = inTail
	case kLeft, kRight, kFull, kInner, kOuter, kCross, kNatural:
		f.clause = tableTail
	default:
		if f.clause == onExpr {
			return false
		}
		return s.tableDecoration(f, key)
	}
	return true
}

// tableDecoration handles what may stand between a table and the next one,
// besides joins.
func (s *scanner) tableDecoration(f *frame, key keyword) bool {
	d := s.lex.dialect
	switch key {
	case kAs:
		f.clause = aliasNext
		return true
	case kTablesample:
		if d != Postgres {
			break
		}
		s.advance()
		if !s.is("system") && !s.is("bernoulli") && !s.is("system_rows") && !s.is("system_time") {
			s.strange() // a sampling method is code
		}
		f.clause = tableTail
		return true
	case kRepeatable:
		if d != Postgres {
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
		if d == MySQL { // hints, whose lists are names
			f.clause = usingNames
			return true
		}
	case kFor:
		if d == MySQL { // USE INDEX FOR ORDER BY
			return true
		}
	case kBy:
		return f.clause == usingNames || f.clause == tableTail
	case kNot, kIndexed:
		if d == SQLite {
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
	if (f.clause == tableDone) && (key == notKeyword || !reserved[key]) {
		f.clause = aliasDone
		return true
	}
	if f.clause == usingNames {
		return true
	}
	s.facts.TablesKnown = false
	return false
}

// clauseBegins handles the words that begin another clause of a query.
func (s *scanner) clauseBegins(f *frame, key keyword) bool {
	switch key {
	case kUnion, kIntersect, kExcept, kMinus:
		if key == kMinus && s.lex.dialect != MySQL || s.lex.dialect == MySQL && key != kUnion && s.peek().key != kSelect &&
			s.peek().key != kAll && s.peek().key != kDistinct && s.peek().kind != lparen && s.peek().key != kTable && s.peek().key != kValues {
			return false
		}
		if f.kind == inNames {
			return false
		}
		f.kind, f.clause = inQuery, atStart
		return true
	}
	if f.kind == inExpr || f.kind == inNames {
		return false
	}
	switch key {
	case kFrom:
		switch {
		case s.prev().key == kDistinct: // IS DISTINCT FROM
		case f.clause == inBody:
			f.clause, f.writes = tableNext, false
		case f.clause == beforeFrom:
			f.clause, f.writes = tableNext, true
		default:
			s.facts.TablesKnown = false
		}
		return true
	case kWhere, kGroup, kHaving, kOrder, kLimit, kReturning, kFetch, kWindow, kOffset:
		if key == kOffset && s.lex.dialect == MySQL || key == kGroup && s.prev().key == kWithin {
			return false
		}
		if f.kind == inTables {
			f.kind = inQuery // (SELECT ...) ORDER BY in parentheses
		}
		if f.clause != beforeFrom {
			f.clause = inTail
		}
		return true
	}
	return false
}

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
		if s.peek().key == kIn {
			s.facts.raise(Write, "LOCK IN SHARE MODE")
			f.clause = inTail
			return true
		}
	case kInsert, kUpdate, kDelete, kMerge:
		return s.modifierWord(f, key)
	case kPrefix:
		if s.lex.dialect == MySQL && s.is("sql_calc_found_rows") {
			s.facts.raise(Write, "SQL_CALC_FOUND_ROWS")
		}
	}
	return false
}

// modifierWord handles INSERT, UPDATE, DELETE or MERGE inside a query. At its
// beginning it is the verb; ON CONFLICT DO UPDATE and its like belong to a
// statement that changes rows anyway; else it should not be there.
func (s *scanner) modifierWord(f *frame, key keyword) bool {
	switch {
	case f.clause == atStart || f.clause == withNext || f.clause == withName:
		return false
	case s.peek().kind == lparen:
		return false // MySQL's insert(), hstore's delete()
	case f.inserts && (s.prev().key == kDo || s.prev().key == kKey),
		f.verb == kMerge && s.prev().key == kThen:
		f.clause = inTail
		return true
	case key == kMerge && s.lex.dialect != Postgres:
		return false // a name there
	}
	s.facts.mutate("data-modifying CTE")
	s.facts.TablesKnown = false
	return true
}

// lockingClause handles FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE.
func (s *scanner) lockingClause(f *frame) bool {
	reason := ""
	switch s.peek().key {
	case kUpdate:
		reason = "FOR UPDATE"
	case kShare:
		reason = "FOR SHARE"
	case kNo:
		reason = "FOR NO KEY UPDATE"
		s.advance() // FOR
		s.advance() // NO
	case kKey:
		reason = "FOR KEY SHARE"
		s.advance()
	case kJoin, kOrder, kGroup: // MySQL: USE INDEX FOR JOIN
		if s.lex.dialect == MySQL && f.clause == usingNames {
			s.advance()
			return true
		}
		return false
	default:
		if s.prev().key == kValue {
			s.facts.mutate("NEXT VALUE FOR")
		}
		return false
	}
	s.advance()
	s.facts.raise(Write, reason)
	if f.kind == inQuery {
		f.clause = inTail
	}
	return true
}

// into handles SELECT ... INTO: a new table in PostgreSQL, a variable or a file
// in MySQL.
func (s *scanner) into(f *frame) {
	if s.lex.dialect != Postgres {
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
	for {
		switch s.peek().key {
		case kTemp, kTemporary:
			s.facts.raise(Session, "temporary table")
			s.advance()
			continue
		case kUnlogged, kLocal, kGlobal, kTable:
			s.advance()
			continue
		}
		break
	}
	if k := s.peek().kind; k == word || k == quoted {
		s.advance()
		s.table(s.readPath(), true)
		return
	}
	s.facts.TablesKnown = false
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
	if k := s.peek().kind; k != dot && k != lparen {
		return
	}
	p := s.readPath()
	switch {
	case f.kind == inNames:
	case s.peek().kind == lparen:
		if !s.partOfType(p) {
			s.call(p)
		}
		s.arguments()
	case p.parts > 1:
		s.fieldCall(p)
	}
}

// isSyntax reports whether a keyword before a parenthesis is part of the
// grammar, and not the name of a function.
func (s *scanner) isSyntax(f *frame, key keyword) bool {
	d := s.lex.dialect
	switch key {
	case kSelect, kValues, kFrom, kWhere, kHaving, kLimit, kOn, kUsing, kAnd, kOr, kNot, kIn, kAs,
		kCase, kWhen, kThen, kElse, kDistinct, kAny, kAll, kExists, kUnion, kIntersect, kExcept,
		kBetween, kCast, kGrouping, kFor, kRow, kTo, kReturning, kInterval, kGroup, kOrder:
		return true
	case kArray:
		return d == Postgres
	case kSome, kOffset: // words of its grammar are no functions in MySQL
		return d != SQLite
	case kPrefix:
		return d == MySQL && s.is("escape")
	case kXor, kDiv, kRlike, kRegexp, kBinary, kStraightJoin:
		return d == MySQL
	case kLike, kIlike, kIs, kGlob, kSimilar, kOverlaps, kOperator, kColumns, kMatch:
		return s.operandEnds() || key == kMatch && d == MySQL || key == kOperator && s.prev().kind == op
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
	if s.lex.dialect != Postgres || p.parts > 1 || s.prev().kind != word {
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
	if k := s.peek().kind; s.lex.dialect != Postgres || k != word && k != quoted {
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

// fieldCall: x.nextval may be a field of x, and may be a call. It is taken for a
// call if the function is one that is known to do something.
func (s *scanner) fieldCall(p dotted) {
	if s.lex.dialect == SQLite || p.parts > 1 && !s.sequenceWord(&p.last) {
		return
	}
	p.start, p.parts = p.last.start, 1
	switch s.effect(p) {
	case writes, primary, asks, session:
		s.call(p)
	}
}

func (s *scanner) sequenceWord(t *token) bool {
	text := s.spelling(t)
	return equalFold(text, "nextval") || equalFold(text, "currval") || equalFold(text, "lastval")
}

// userVariable handles MySQL's @name and its assignment.
func (s *scanner) userVariable() {
	if s.lex.dialect != MySQL || s.facts.Verb == "show" && s.tok().glued { // 'user'@'host'
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
