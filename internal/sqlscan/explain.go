package sqlscan

// analyze: MariaDB's ANALYZE SELECT runs the statement; all else updates statistics.
func (s *scanner) analyze() {
	s.advance()
	if s.lex.dialect() == MySQL {
		s.mysqlExplainOptions()
		switch s.tok().key {
		case kSelect, kInsert, kUpdate, kDelete, kReplace, kWith:
			s.query()
			return
		}
	}
	s.anything()
}

// explain reads EXPLAIN. It runs its statement only with ANALYZE; while planning
// it may call functions all the same, so these count.
func (s *scanner) explain() {
	s.advance()
	runs := false
	switch s.lex.dialect() {
	case Postgres:
		runs = s.explainOptions()
	case SQLite:
		if s.accept("query") {
			s.accept("plan")
		}
	case MySQL:
		runs = s.mysqlExplainOptions()
	}
	switch {
	case s.tok().kind == lparen, explained[s.tok().key]:
		s.planOnly = !runs
		s.naming = 0
		s.query()
	case s.lex.dialect() == MySQL && (s.tok().kind == word || s.tok().kind == quoted) && s.tok().key != kFor:
		s.describe()
	case s.lex.dialect() == MySQL && s.tok().key == kFor:
		s.facts.raise(Write, "EXPLAIN FOR CONNECTION")
		s.facts.TablesKnown = false
	case s.lex.dialect() == SQLite && s.is("pragma"): // which sets what it sets all the same
		s.pragma()
	default:
		s.facts.mutate("EXPLAIN")
		s.facts.TablesKnown = false
		switch {
		case s.is("execute"):
			s.execute()
		case s.is("create") && (runs || s.lex.dialect() == SQLite): // which may have a body with semicolons
			s.alsoVerb("create")
			s.create()
		}
		s.expressions()
	}
}

// explained are the words that the queries begin with which EXPLAIN takes.
var explained = [keywordCount]bool{
	kSelect: true, kValues: true, kWith: true, kInsert: true, kUpdate: true, kDelete: true, kTable: true, kReplace: true, kMerge: true,
}

// describe reads EXPLAIN t and EXPLAIN t column.
func (s *scanner) describe() {
	s.table(s.readPath(), false)
	s.advance()
	if k := s.tok().kind; k == word || k == quoted || k == str {
		s.advance()
	}
	if !s.end() {
		s.strange()
	}
}

// explainOptions steps over PostgreSQL's options and reports whether the
// statement is run. Of an option that is given twice the last counts; what is
// not surely off is on.
func (s *scanner) explainOptions() (runs bool) {
	if s.tok().kind == lparen {
		if s.beginsSource() {
			return false
		}
		for s.advance(); !s.end() && s.tok().kind != rparen; {
			analyze, perhaps := s.analyzes()
			s.advance()
			off := s.is("off") || s.is("false") || s.tok().kind == number && s.spelling(s.tok()) == "0"
			if analyze || perhaps && !off {
				runs = !off
			}
			for !s.end() && s.tok().kind != comma && s.tok().kind != rparen {
				s.advance()
			}
			if s.tok().kind == comma {
				s.advance()
			}
		}
		s.advance()
		return runs
	}
	for {
		switch {
		case s.tok().key == kAnalyze, s.tok().key == kAnalyse:
			runs = true
		case s.is("verbose"):
		default:
			return runs
		}
		s.advance()
	}
}

// analyzes reports whether the option in hand is ANALYZE, or may be.
func (s *scanner) analyzes() (does, perhaps bool) {
	switch t := s.tok(); {
	case t.kind != quoted:
		return t.key == kAnalyze || t.key == kAnalyse, false
	case s.spelling(t)[0] == '"':
		return s.spelling(t) == `"analyze"`, false
	}
	return false, true // U&"..." may spell anything
}

func (s *scanner) mysqlExplainOptions() (runs bool) {
	for {
		switch {
		case s.tok().key == kAnalyze:
			runs = true
		case (s.is("extended") || s.is("partitions")) && (s.peek().kind == lparen || explained[s.peek().key]):
		case s.tok().key == kInto && s.peek().kind == userVar: // FORMAT=JSON INTO @x
			s.facts.raise(Session, "user variable")
			s.advance()
		case s.is("format") && s.peek().kind == op:
			s.advance()
			s.advance()
		default:
			return runs
		}
		s.advance()
	}
}
