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
		s.showMySQL()
	}
	s.expressions()
}

// showMySQL looks for what shows what the connection did last, or is of the primary.
func (s *scanner) showMySQL() {
	global := s.tok().key == kGlobal
	if global || s.tok().key == kTable || s.is("session") || s.is("local") {
		s.advance()
	}
	switch {
	case s.is("warnings"), s.is("errors"), s.is("count"), s.is("profile"), s.is("profiles"):
		s.facts.ask("SHOW " + upper(lower(s.spelling(s.tok()))))
	case s.is("master"), s.is("binary"), s.is("binlog"), (s.is("slave") || s.is("replica")) && s.peekIs("hosts"), s.is("replicas"),
		s.is("explain"), s.tok().key == kAnalyze: // FOR a connection
		s.facts.raise(Write, "SHOW "+upper(lower(s.spelling(s.tok()))))
	case s.prev().key == kTable: // SHOW TABLE STATUS
	case s.is("variables"), s.is("status"):
		list := sessionVariables
		if s.is("status") {
			list = sessionStatus
		}
		s.advance()
		if s.mayShow(list) && !global {
			s.facts.ask("session variable")
		}
	}
}

// mayShow reports whether LIKE, or WHERE variable_name = ... OR ..., lets something of a list
// through. It steps over what it looks at.
func (s *scanner) mayShow(list []string) bool {
	where := s.tok().key == kWhere
	for {
		if where {
			s.advance()
			if !s.is("variable_name") || s.spelling(s.peek()) != "=" && s.peek().key != kLike {
				return true
			}
			s.advance()
		}
		if !where && s.tok().key != kLike || s.peek().kind != str {
			return true
		}
		s.advance()
		if s.lets(list) {
			return true
		}
		s.advance()
		if !where || s.tok().key != kOr {
			return !s.end()
		}
	}
}

// lets reports whether something of a list begins as the pattern in hand, or the pattern as that.
func (s *scanner) lets(list []string) bool {
	begin := lower(strings.Trim(s.spelling(s.tok()), `'"`))
	if i := strings.IndexAny(begin, `%_\'"`); i >= 0 {
		begin = begin[:i]
	}
	return slices.ContainsFunc(list, func(name string) bool { return strings.HasPrefix(name, begin) || strings.HasPrefix(begin, name) })
}

// What the connection did last is in these variables of MySQL, and in counters that
// begin in these ways.
var (
	sessionVariables = []string{
		"identity", "last_insert_id", "insert_id", "warning_count", "error_count", "last_gtid", "rand_seed1", "rand_seed2",
	}
	// positionVariables are of the primary, as SHOW MASTER STATUS is.
	positionVariables = []string{"gtid_binlog_pos", "gtid_binlog_state", "gtid_current_pos", "gtid_executed", "gtid_purged"}

	sessionStatus = []string{"created", "handler", "last", "select", "sort"}
)
