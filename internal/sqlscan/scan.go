package sqlscan

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Scan finds out what a text may do under a dialect. It is total: any bytes have
// an answer, and the answer for what is not understood is a write that may touch
// anything. user may be nil.
func Scan(d Dialect, text string, user *Functions) (f Facts) {
	ScanInto(&f, nil, d, text, user)
	return f
}

// ScanInto is Scan for those who have a place for the answer, and perhaps room for
// the names of its tables. f is empty.
func ScanInto(f *Facts, room []string, d Dialect, text string, user *Functions) {
	switch {
	case len(text) > longestText:
		f.giveUp("too long")
	case d == SQLite && strings.IndexByte(text, 0) >= 0:
		f.giveUp("NUL") // where SQLite's text ends, wherever that is
	case d == Generic:
		scanGeneric(f, room, text, user)
	case d != SQLite && !utf8.ValidString(text):
		// In some encodings a byte of a letter looks like a quote or a backslash.
		f.giveUp("invalid UTF-8")
	default:
		s := newScanner(d, text, user)
		s.run()
		ambiguous := s.lex.ambiguous
		s.finish(f, room)
		if ambiguous {
			strictest(f, text, d, user)
		}
	}
}

// scanner walks over the tokens of a text.
type scanner struct {
	lex   lexer
	facts Facts
	known *functionTable
	user  *Functions

	naming   int  // the depth at which the word that names the statement is expected
	planOnly bool // inside EXPLAIN without ANALYZE: nothing runs

	frames []frame  // open parentheses
	ctes   []string // names of WITH members that are in sight

	reads, writes tableSet
	verbs         tableSet // besides that of the first statement

	// A window on the tokens: at is the one in hand. The kept ones before it and the
	// one after it are always there. Behind the last there stands an end.
	at     int
	window [windowSize + 1]token
}

const (
	windowSize = 256
	kept       = 4
)

// scanners are used again, for they are too large to make for every statement.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// newScanner returns a scanner for a text; finish or giveBack is to follow.
func newScanner(d Dialect, text string, user *Functions) *scanner {
	s := scanners.Get().(*scanner)
	s.lex, s.user = newLexer(d, text), user
	s.facts.TablesKnown = true // the rest is empty
	return s
}

// run reads the text.
func (s *scanner) run() {
	s.known = known[s.lex.speaks]()
	clear(s.window[:kept]) // before the first token stand ends
	s.lex.fill(s.window[kept:windowSize])
	s.at = kept
	s.arrive()
	s.text()
	if s.lex.sawExecutable {
		s.facts.giveUp("executable comment")
		s.facts.raise(Session, "executable comment")
		s.facts.mayNotEnd()
	}
	if s.lex.sawUnicode && s.changesEscape() {
		s.facts.giveUp("UESCAPE")
	}
}

// changesEscape reports whether UESCAPE may stand in the text: the server takes U&"f"
// UESCAPE '!' for one name, behind which a parenthesis would make a call of it.
func (s *scanner) changesEscape() bool {
	look(len(s.lex.text))
	return strings.Contains(strings.ToLower(s.lex.text), "uescape")
}

// finish writes down what was found out, with the names of the tables in room if
// they have it there.
func (s *scanner) finish(f *Facts, room []string) {
	*f = s.facts
	f.MayLock = s.lex.mayLock
	f.Reads, room = s.reads.take(room)
	f.Writes, room = s.writes.take(room)
	if len(s.verbs) > 0 {
		s.verbs.remove(f.Verb, 0)
		f.OtherVerbs, _ = s.verbs.take(room)
	}
	s.giveBack()
}

// giveBack lets go of the text, which may be huge, and of the scanner.
func (s *scanner) giveBack() {
	s.lex.text, s.lex.problem = "", ""
	s.user, s.facts = nil, Facts{}
	s.reads.clear()
	s.writes.clear()
	s.verbs.clear()
	s.forgetMembers(0)
	s.frames = s.frames[:0]
	scanners.Put(s)
}

// text reads all the statements of a text.
func (s *scanner) text() {
	for n := 0; ; n++ {
		for s.tok().kind == semicolon {
			s.pass()
		}
		if s.done() {
			if n == 0 && s.facts.Kind == Read {
				s.facts.raise(Write, "empty statement")
			}
			return
		}
		first, kind := s.facts.Verb, s.facts.Kind
		s.facts.Verb, s.planOnly = "", false
		s.statement()
		if n > 0 {
			if s.facts.Verb != first {
				s.alsoVerb(s.facts.Verb)
			}
			s.facts.Verb = first
			if s.facts.Kind > kind && kind == Read {
				s.facts.Reason = "second statement"
			}
		}
	}
}

// alsoVerb notes a verb besides that of the first statement.
func (s *scanner) alsoVerb(verb string) {
	if verb != "" {
		s.verbs.add(verb)
	}
}

func (s *scanner) tok() *token  { return &s.window[s.at] }
func (s *scanner) prev() *token { return &s.window[s.at-1] }
func (s *scanner) peek() *token { return &s.window[s.at+1] }

func (s *scanner) beforePrev() *token { return &s.window[s.at-2] }

// glued reports whether nothing, not even a comment, stands before the token in hand.
func (s *scanner) glued() bool { return s.prev().end == s.tok().start }

// advance steps to the next token of the statement, and stays at its end.
func (s *scanner) advance() {
	if !s.end() {
		s.pass()
	}
}

// pass steps to the next token of the text, and stays at its end.
func (s *scanner) pass() {
	if !s.done() {
		s.goTo(s.at + 1)
	}
}

// goTo steps to a token of the window.
func (s *scanner) goTo(at int) {
	s.at = at
	if s.window[at+1].kind == eof { // of the text, or of the window
		s.arrive()
	}
}

// arrive moves the window on if the token in hand is its last, and takes note of
// a bad token, behind which nothing is known.
func (s *scanner) arrive() {
	if s.at+1 == windowSize {
		s.slide()
	}
	if s.tok().kind == bad {
		s.facts.giveUp(s.lex.problem)
		s.facts.mayNotEnd()
	}
}

// slide moves the window on, so that it begins with the tokens that are kept.
func (s *scanner) slide() {
	n := copy(s.window[:windowSize], s.window[s.at-kept:windowSize])
	s.lex.fill(s.window[n:windowSize])
	s.at = kept
}

// stop makes the token in hand the last one.
func (s *scanner) stop() {
	s.lex.pos = len(s.lex.text)
	s.lex.executable = false
	s.window[s.at], s.window[s.at+1] = token{}, token{}
}

// done reports whether there is nothing left to read in the text.
func (s *scanner) done() bool { return s.tok().kind <= bad }

// end reports whether there is nothing left to read in the statement.
func (s *scanner) end() bool { return s.tok().kind.ends() }

func (s *scanner) spelling(t *token) string { return s.lex.text[t.start:t.end] }

// is reports whether the token in hand is the given word, in lower case.
func (s *scanner) is(lower string) bool {
	t := s.tok()
	return t.kind == word && equalFold(s.spelling(t), lower)
}

// peekIs does the same for the token after it.
func (s *scanner) peekIs(lower string) bool {
	t := s.peek()
	return t.kind == word && equalFold(s.spelling(t), lower)
}

// behindPeek returns the token behind the one that peek does.
func (s *scanner) behindPeek() token {
	var t [1]token
	s.readBehindPeek(t[:])
	return t[0]
}

// readBehindPeek reads the tokens there once more.
func (s *scanner) readBehindPeek(buf []token) {
	l := s.lex
	l.pos, l.last = int(s.peek().end), s.peek().kind
	l.fill(buf)
}

// accept steps over the given word if it is in hand.
func (s *scanner) accept(lower string) bool {
	if s.is(lower) {
		s.advance()
		return true
	}
	return false
}

// skip steps to the end of the statement.
func (s *scanner) skip() {
	for !s.end() {
		s.advance()
	}
}
