package sqlscan

import (
	"path"
	"slices"
	"strings"
)

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
		if asksSession(lower(strings.Trim(s.spelling(s.tok()), `'"`))) {
			return true
		}
		s.advance()
		if !where || s.tok().key != kOr {
			return !s.end()
		}
	}
	return false
}

// asksSession reports whether a pattern of LIKE may match one of sessionVariables, and not just
// any variable.
func asksSession(pattern string) bool {
	pattern = strings.TrimRight(strings.ReplaceAll(pattern, `\_`, "_"), " ")
	if strings.Trim(pattern, "%") == "" {
		return false // as without a pattern
	}
	if hasOtherLetters(pattern) || strings.ContainsAny(pattern, `\'"*?[`) {
		return true // nobody writes that
	}
	glob := likeToGlob.Replace(pattern)
	return slices.ContainsFunc(sessionVariables, func(name string) bool {
		matches, _ := path.Match(glob, name)
		return matches
	})
}

var likeToGlob = strings.NewReplacer("%", "*", "_", "?")

// sessionVariables are those of MySQL that tell what the connection did last.
var sessionVariables = []string{
	"identity", "last_insert_id", "insert_id", "warning_count", "error_count", "last_gtid", "rand_seed1", "rand_seed2",
}
