package sqlscan

import (
	"path"
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

// show: PostgreSQL's settings, MySQL's everything.
func (s *scanner) show() {
	s.advance()
	if s.lex.dialect() == MySQL {
		s.facts.TablesKnown = false // SHOW COLUMNS FROM t, SHOW TABLE STATUS, ...
		s.showMySQL()
	}
	s.expressions()
}

// showMySQL looks for what shows what the connection did last, or is of the primary. The counters
// of SHOW STATUS and the positions of a replica are what people ask a replica for.
func (s *scanner) showMySQL() {
	global := s.tok().key == kGlobal
	if global || s.tok().key == kTable || s.is("session") || s.is("local") {
		s.advance()
	}
	switch {
	case s.prev().key == kTable: // SHOW TABLE STATUS
	case s.is("warnings"), s.is("errors"), s.is("count"), s.is("profile"), s.is("profiles"):
		s.facts.ask("SHOW " + upper(lower(s.spelling(s.tok()))))
	case s.is("master"), s.is("binary"), s.is("binlog"), (s.is("slave") || s.is("replica")) && s.peekIs("hosts"), s.is("replicas"),
		s.is("explain"), s.tok().key == kAnalyze: // FOR a connection
		s.facts.raise(Write, "SHOW "+upper(lower(s.spelling(s.tok()))))
	case s.is("variables") && !global:
		s.advance()
		if s.showsSession() {
			s.facts.ask("session variable")
		}
	}
}

// showsSession reports whether LIKE, or WHERE variable_name = ... OR ..., lets a variable through
// that tells what the connection did last. Who asks for all that there are does not ask for that.
// It steps over what it looks at.
func (s *scanner) showsSession() bool {
	where := s.tok().key == kWhere
	for !s.end() {
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
		pattern := lower(strings.Trim(s.spelling(s.tok()), `'"`))
		if slices.ContainsFunc(sessionVariables, func(name string) bool { return mayMatch(pattern, name) }) {
			return true
		}
		s.advance()
		if !where || s.tok().key != kOr {
			return !s.end()
		}
	}
	return false
}

// mayMatch reports whether a pattern of LIKE may match a name, and not just any.
func mayMatch(pattern, name string) bool {
	pattern = strings.TrimRight(strings.ReplaceAll(pattern, `\_`, "_"), " ")
	if strings.Trim(pattern, "%") == "" {
		return false // as without a pattern
	}
	if !isASCII(pattern) || strings.ContainsAny(pattern, `\'"*?[`) {
		return true // nobody writes that
	}
	matches, _ := path.Match(strings.NewReplacer("%", "*", "_", "?").Replace(pattern), name)
	return matches
}

// sessionVariables are those of MySQL that tell what the connection did last.
var sessionVariables = []string{
	"identity", "last_insert_id", "insert_id", "warning_count", "error_count", "last_gtid", "rand_seed1", "rand_seed2",
}
