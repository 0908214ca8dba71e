package sqlscan

import (
	"slices"
	"strings"
)

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
// whether a statement for transactions is behind it, which then is in hand.
func (s *scanner) setsForTransaction() bool {
	for !s.end() && s.tok().key != kFor {
		s.advance()
	}
	for _, verb := range []string{"begin", "start", "commit", "rollback", "savepoint", "release", "xa"} {
		if s.peekIs(verb) {
			s.advance()
			s.facts.Verb = verb
			return true
		}
	}
	return false
}

// show: PostgreSQL's settings, MySQL's everything.
func (s *scanner) show() {
	s.advance()
	if s.lex.dialect() == MySQL {
		s.facts.TablesKnown = false // SHOW COLUMNS FROM t, SHOW TABLE STATUS, ...
		if s.is("session") || s.is("local") {
			s.advance()
		}
		switch {
		case s.is("warnings"), s.is("errors"), s.is("count"), s.is("profile"), s.is("profiles"):
			s.facts.ask("SHOW " + upper(lower(s.spelling(s.tok()))))
		case s.is("variables") && s.showsSession():
			s.facts.ask("session variable")
		case s.is("master"), s.is("binary"), s.is("binlog"), (s.is("slave") || s.is("replica")) && s.peekIs("hosts"), s.is("replicas"):
			s.facts.raise(Write, "SHOW "+upper(lower(s.spelling(s.tok())))) // of the primary
		}
	}
	s.expressions()
}

// showsSession reports whether SHOW VARIABLES may show one that tells what the connection
// did last: unless LIKE says how others begin.
func (s *scanner) showsSession() bool {
	pattern := s.behindPeek()
	if s.peek().key != kLike || pattern.kind != str {
		return true
	}
	begin := lower(strings.Trim(s.spelling(&pattern), `'"`))
	if i := strings.IndexAny(begin, `%_\'"`); i >= 0 {
		begin = begin[:i]
	}
	return slices.ContainsFunc(sessionVariables, func(name string) bool { return strings.HasPrefix(name, begin) })
}

// sessionVariables are those of MySQL that tell what the connection did last.
var sessionVariables = []string{
	"identity", "last_insert_id", "insert_id", "warning_count", "error_count", "last_gtid", "rand_seed1", "rand_seed2",
}
