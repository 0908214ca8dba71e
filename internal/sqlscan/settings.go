package sqlscan

func (s *scanner) reset() {
	if s.lex.dialect() == MySQL { // RESET MASTER, RESET REPLICA
		s.anything()
		return
	}
	s.sessionOnly()
}

// set reads SET. What is bound to the transaction (PostgreSQL's SET LOCAL and
// SET TRANSACTION) leaves nothing on the connection; in MySQL both words mean
// the session.
func (s *scanner) set() {
	s.advance()
	if s.lex.dialect() == Postgres {
		if s.peek().kind != dot && (s.is("local") || s.is("transaction") || s.is("constraints")) {
			s.facts.raise(Transaction, "SET "+upper(lower(s.spelling(s.tok()))))
			return
		}
		s.facts.raise(Session, "SET")
		return
	}
	s.facts.raise(Session, "SET")
	if s.tok().key == kGlobal || s.is("password") || s.is("default") || s.is("resource") || s.is("statement") {
		s.setsMore()
	}
	if s.is("statement") && s.setsForTransaction() {
		s.transaction()
		s.alsoVerb(s.facts.Verb)
		s.facts.Verb = "set"
		return
	}
	s.expressions()
}

// setsMore: SET GLOBAL, PERSIST, PASSWORD and the like, which is more than the session.
func (s *scanner) setsMore() {
	s.facts.Mutates = true
	s.facts.TablesKnown = false
}

// setsForTransaction steps over MariaDB's SET STATEMENT x = y up to its FOR, and reports
// whether a statement for transactions is behind it. What is behind it is in hand then, or was
// read if others are in it.
func (s *scanner) setsForTransaction() bool {
	for !s.end() && s.tok().key != kFor {
		s.advance()
	}
	s.advance()
	switch {
	case s.beginsBlock(): // IF ... END IF
		s.compound()
		return false
	case s.tok().key == kReplace: // which elsewhere is mostly a function
		s.alsoVerb("replace")
	}
	for _, verb := range []string{"begin", "start", "commit", "rollback", "savepoint", "release", "xa"} {
		if s.is(verb) {
			s.facts.Verb = verb
			return true
		}
	}
	return false
}
