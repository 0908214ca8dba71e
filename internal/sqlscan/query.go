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
	recursive bool    // WITH RECURSIVE, and any WITH of SQLite: members see themselves and each other
	prefix    bool    // behind it an expression begins: DISTINCT ON (...), OPERATOR(...)
	converts  bool    // the arguments of MySQL's CONVERT: behind the comma stands a type
	groups    bool    // in GROUP BY, or in its GROUPING SETS (...)
	lateWith  bool    // a WITH stands behind INSERT INTO t, and so is not in sight behind its query
	natural   bool    // behind NATURAL: a join without a condition
	joins     uint8   // how many conditions of joins are missing
	brackets  uint8   // of a join condition or GROUP BY: how many [ are open, in which a comma is between values
	ctes      uint8   // how many WITH names were in sight when it opened
	reads     uint8   // how many tables were read before such a WITH
	member    token   // the WITH member that is being read
}

type frameKind uint8

const (
	inQuery  frameKind = iota // a statement, a subquery, a WITH member
	inTables                  // a parenthesis in a FROM clause
	inExpr                    // an expression, or the arguments of a call
	inNames                   // a list of names, perhaps with types: columns of an alias, USING (...)
)

// clause is the part of a query in which the walk is.
type clause uint8

const (
	inTail     clause = iota // where no table is named: WHERE, GROUP BY, ORDER BY, VALUES, ...
	inBody                   // the select list, or SET: FROM begins the tables
	beforeFrom               // DELETE: before FROM
	atStart                  // before the verb

	withName   // WITH: a member's name is next
	withAs     // AS is next
	withBody   // its query is next
	withSearch // behind SEARCH or CYCLE: columns, then SET
	withNext   // a comma or the main query is next

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
		s.facts.mayNotEnd()
		s.stop()
	}
	s.frames = append(s.frames, frame{})
	f := s.top() // filled in place: a frame that is made elsewhere is copied, which takes longer
	f.kind, f.clause, f.first, f.ctes = k, c, true, uint8(len(s.ctes))
	return f
}

// openFirst makes the frame of a statement, or of a part of one that is read on its own.
func (s *scanner) openFirst(k frameKind, c clause) {
	s.frames = s.frames[:0]
	s.forgetMembers(0)
	s.push(k, c)
}

func (s *scanner) pop() {
	if c := s.top().clause; c >= withName && c <= withNext {
		s.strange() // WITH without a query that was seen
	}
	s.forgetMembers(int(s.top().ctes))
	s.frames = s.frames[:len(s.frames)-1]
}

// query reads a query from the token in hand to the end of the statement.
func (s *scanner) query() {
	s.openFirst(inQuery, atStart)
	s.walk()
}

// expressions reads the rest of a statement as expressions: only calls,
// variables and subqueries count.
func (s *scanner) expressions() {
	s.openFirst(inExpr, inTail)
	s.walk()
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
	if f.clause >= tableDone && f.clause <= tableTail && partOfExpression[t.kind] && !s.decoratesTable() {
		s.strange() // this is no list of tables
	}
	switch t.kind {
	case word, quoted:
		switch {
		case t.key != notKeyword:
			s.wordOrName(f, t.key, first)
		case f.clause <= inBody:
			s.operand(f)
		case f.clause == tableNext:
			s.tableReference(f, notKeyword)
		default:
			s.wordOrName(f, notKeyword, first)
		}
	case lparen:
		s.open(f)
	case rparen:
		if len(s.frames) == 1 {
			s.facts.giveUp("unbalanced parentheses")
			s.stop()
			return
		}
		s.pop()
		if f.prefix {
			t.kind = comma // no operand ends here
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
	case lbracket:
		switch {
		case f.clause == tableNext:
			s.bracketed(f)
		case f.clause != onExpr && !f.groups:
		case f.brackets == 255:
			s.strange()
		default:
			f.brackets++
		}
	case rbracket:
		if f.brackets > 0 {
			f.brackets--
		}
	case lbrace: // MySQL: {fn f(x)}, where fn says what follows and is no operand
		if p := s.peek(); (p.kind == word || p.kind == quoted) && s.lex.dialect() == MySQL {
			p.kind, p.key = op, notKeyword
		}
		fallthrough
	default:
		s.notAName(f, t)
	}
}

// notAName handles a token that is no name, where one may be expected.
func (s *scanner) notAName(f *frame, t *token) {
	switch f.clause {
	case tableNext:
		if s.isNamePart(t) {
			s.tableReference(f, notKeyword)
			return
		}
		s.facts.TablesKnown = false
		if t.kind == lbrace { // {OJ ...}
			s.advance()
			return
		}
		f.clause = tableDone
		switch c := s.lex.text[t.start]; {
		case c == '`': // to PostgreSQL an operator: a text of another server
		case c == '"': // the name of a table, if the server runs with ANSI_QUOTES
			s.lex.ambiguous = true
			s.readPath()
		default:
			s.strange()
		}
	case intoTarget:
		if s.isNamePart(t) {
			s.target(f, notKeyword)
			return
		}
		f.clause = afterInto
		s.facts.TablesKnown = false
	case aliasNext: // SQLite takes a string for one
		f.clause = aliasDone
	}
}

// partOfExpression are the tokens that stand in expressions only.
var partOfExpression = [op + 1]bool{
	number: true, param: true, question: true, userVar: true, systemVar: true, dot: true, cast: true, assign: true, op: true,
}

// decoratesTable reports whether the token in hand may stand behind a table, and is not part
// of an expression with a call: the * of PostgreSQL's FROM t *, the @ of CockroachDB's FROM
// t@index, the braces of MySQL's {OJ ...}; and what belongs to a text of another server,
// which the generic dialect reads as well: backticks, and the number behind OFFSET or FIRST.
func (s *scanner) decoratesTable() bool {
	switch s.lex.text[s.tok().start] {
	case '*', '@':
		return s.peek().kind != lparen && s.behindPeek().kind != lparen && s.lex.dialect() == Postgres
	case '}':
		return s.lex.dialect() == MySQL
	case '`': // a text of another server
		return s.lex.dialect() == Postgres
	case '.':
		return s.spelling(s.prev()) == "`" && s.lex.dialect() == Postgres
	}
	return s.prev().kind == lbrace || (s.prev().key == kOffset || s.prev().key == kPath) && s.tok().kind != op
}

// counts reports whether a number follows, or what stands for one.
func (s *scanner) counts() bool {
	k := s.peek().kind
	return k == number || k == param || k == question
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
	case intoTarget: // MERGE INTO ONLY (t)
		f.clause, f.writes = tableDone, true
		s.push(inTables, tableNext).writes = true
	case aliasNext, aliasDone, usingNames:
		if !s.listsNames(f) {
			s.strange()
		}
		f.clause = tableTail
		if k := s.prev().key; k == kUsing || k == kPartition {
			f.clause = tableDone // an alias may follow
		}
		s.push(inNames, inTail)
	default:
		if s.prev().kind == str && s.lex.dialect() == MySQL && s.lex.text[s.prev().start] == '"' {
			s.strange() // a function, if the server runs with ANSI_QUOTES
		}
		if s.prev().kind == rbracket && s.lex.dialect() == MySQL {
			s.strange() // the same in MariaDB's mode MSSQL
		}
		prefix := s.prev().key == kOperator || s.prev().key == kOn && f.kind == inQuery && f.clause == inBody
		holds := inExpr
		if f.kind == inNames || s.beginsColumns(s.at-1) { // JSON_TABLE(x, '$' COLUMNS (...))
			holds = inNames
		}
		groups := f.groups && s.prev().key == kSets
		inner := s.push(holds, inTail)
		inner.prefix, inner.groups = prefix, groups
	}
}

// listsNames reports whether the parenthesis in hand surely holds names: behind AS, USING
// and the like, or behind an alias that can be no function, as no call follows what stands
// before it.
func (s *scanner) listsNames(f *frame) bool {
	switch k := s.prev().key; {
	case k == kAs, f.clause == usingNames && beforeNames[k]:
		return true
	case f.clause != aliasDone:
		return false
	}
	switch s.window[s.at-3].key {
	case kFrom, kJoin: // and a table, whatever it spells
		return true
	}
	k := s.beforePrev().key
	return k == kAs || k == kOrdinality || s.endsAt(s.at-2)
}

// beforeNames are the words of joins and hints before a list of names.
var beforeNames = [keywordCount]bool{
	kUsing: true, kPartition: true, kIndex: true, kKey: true, kJoin: true, kBy: true,
}

// separate handles the comma in hand.
func (s *scanner) separate(f *frame) {
	switch f.clause {
	case tableDone, aliasDone, tableTail, onExpr:
		if f.clause != onExpr || f.brackets == 0 {
			f.clause = tableNext
		}
	case withNext:
		s.declareMember(f)
		f.clause = withName
	}
}

// wordOrName handles the word or quoted name in hand, wherever it stands.
func (s *scanner) wordOrName(f *frame, key keyword, first bool) {
	if key != notKeyword && s.peek().kind == dot && s.isQualifier(key) {
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
	case withName, withAs, withBody, withSearch, withNext:
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

// isQualifier reports whether a keyword before a dot is a name. MySQL takes any word for
// one if nothing stands between it, the dot and the next name: FROM a STRAIGHT_JOIN .b is
// a join.
func (s *scanner) isQualifier(key keyword) bool {
	switch {
	case key == kStraightJoin, key == kModifier && !s.is("quick"), key == kIgnore:
		if s.lex.dialect() != MySQL {
			return true
		}
	case !reserved[key]:
		return true
	}
	p := s.peek()
	return p.start == s.tok().end && int(p.end) < len(s.lex.text) && inName[s.lex.text[p.end]] && s.lex.dialect() == MySQL
}

// beginsQuery reports whether a parenthesis whose first token is key holds a query.
func (s *scanner) beginsQuery(f *frame, key keyword) bool {
	switch key {
	case kSelect:
		return true
	case kWith:
		return s.peek().kind != lparen // SQLite takes it for a function
	case kValues:
		if f.kind == inTables {
			return s.peek().kind == lparen || s.lex.dialect() == MySQL // which has VALUES ROW(1)
		}
		return s.prev().kind == lparen && s.peek().kind == lparen && s.lex.dialect() != MySQL
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
		if s.lex.dialect() == SQLite {
			s.strange()
		}
		f.clause = tableNext
	case kWith:
		f.clause = withName
		s.seeEachOther(f, s.lex.dialect() == SQLite) // there, always
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
	case kAll, kDistinct, kSelectOption: // UNION ALL
		f.verb = kSelect
		switch s.prev().key {
		case kUnion, kIntersect, kExcept, kMinus:
		default:
			s.strange()
		}
	default:
		f.clause = inTail
		s.strange()
		s.inExpression(f, key)
	}
}
