package sqlscan

// transaction reads the statements that begin, mark and end transactions.
func (s *scanner) transaction() {
	switch s.facts.Verb {
	case "begin":
		s.begin()
	case "start":
		s.start()
	case "savepoint", "release":
		s.savepoint()
	case "xa":
		s.xa()
	default:
		s.commit()
	}
}

// begin: BEGIN. MariaDB's BEGIN NOT ATOMIC is a block of statements.
func (s *scanner) begin() {
	s.advance()
	if s.tok().key == kNot && s.lex.dialect() == MySQL {
		s.compound()
		return
	}
	s.facts.raise(Transaction, "BEGIN")
	s.facts.Tx = TxBegin
}

// start: START TRANSACTION; MySQL starts other things as well.
func (s *scanner) start() {
	s.advance()
	if !s.is("transaction") {
		s.anything()
		return
	}
	s.facts.raise(Transaction, "START TRANSACTION")
	s.facts.Tx = TxBegin
}

// commit: COMMIT, END, ROLLBACK, ABORT. ROLLBACK TO a savepoint ends nothing,
// AND CHAIN begins the next transaction, and the second half of two-phase
// commit is about another transaction.
func (s *scanner) commit() {
	s.facts.raise(Transaction, upper(lower(s.spelling(s.tok()))))
	s.advance()
	if s.is("prepared") {
		s.facts.Mutates = true
		return
	}
	effect := TxEnd
	for ; !s.end(); s.advance() {
		switch {
		case s.tok().key == kTo:
			effect = TxNone
		case s.is("chain"):
			if s.prev().key != kNo {
				effect = TxBegin
			}
		}
		if effect == TxNone {
			return
		}
	}
	s.facts.Tx = effect
	if s.tok().kind == bad { // behind which CHAIN or TO may stand
		s.facts.mayNotEnd()
	}
}

// savepoint: SAVEPOINT and RELEASE. SQLite's SAVEPOINT opens a transaction if
// there is none.
func (s *scanner) savepoint() {
	s.facts.raise(Transaction, upper(s.facts.Verb))
	if s.is("savepoint") && s.lex.dialect() == SQLite {
		s.facts.Tx = TxBegin
	}
}

// xa reads MySQL's XA statements.
func (s *scanner) xa() {
	s.advance()
	s.facts.raise(Transaction, "XA")
	switch {
	case s.is("start"), s.is("begin"):
		s.facts.Tx = TxBegin
	case s.is("commit"), s.is("rollback"):
		s.facts.Mutates = true
		s.facts.Tx = TxEnd
	}
}
