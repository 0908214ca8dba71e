package sqlscan

import (
	"sync"
	"unicode/utf8"
)

// Scan finds out what a text may do under a dialect. It is total: any bytes have
// an answer, and the answer for what is not understood is a write that may touch
// anything. user may be nil.
func Scan(d Dialect, text string, user *Functions) Facts {
	if len(text) > longestText {
		f := Facts{}
		f.giveUp("too long")
		return f
	}
	if d == Generic {
		return scanGeneric(text, user)
	}
	if d != SQLite && !utf8.ValidString(text) {
		// In some encodings a byte of a letter looks like a quote or a backslash.
		f := Facts{}
		f.giveUp("invalid UTF-8")
		return f
	}
	f, end := scanAs(newLexer(d, text), user)
	if end.ambiguous {
		f = strictest(f, text, d, user)
	}
	return f
}

// scanGeneric reads the text by the rules of every dialect and keeps the worst. Of
// a text in which no dialect has rules of its own, one reading is all of them.
func scanGeneric(text string, user *Functions) Facts {
	if utf8.ValidString(text) {
		l := newLexer(Postgres, text)
		l.generic = true
		if f, end := scanAs(l, user); !end.chosen {
			return f
		}
	}
	return scanEach(text, user)
}

func scanEach(text string, user *Functions) Facts {
	f := Scan(Postgres, text, user)
	for _, d := range []Dialect{MySQL, SQLite} {
		f = worse(f, Scan(d, text, user))
	}
	return f
}

// strictest looks also at the other readings of an ambiguous text, those that
// a server with other settings would take. A reading in which the literals do
// not come out is none: such a server would reject the text.
func strictest(f Facts, text string, d Dialect, user *Functions) Facts {
	readings := []lexer{newLexer(d, text)}
	readings[0].backslash = !readings[0].backslash
	if d == MySQL {
		ansi := newLexer(d, text)
		ansi.ansiQuotes = true
		readings = append(readings, ansi)
	}
	for _, l := range readings {
		if l.readable() {
			other, _ := scanAs(l, user)
			f = worse(f, other)
		}
	}
	return f
}

// readable reports whether a text has only good tokens. l is a copy.
func (l lexer) readable() bool {
	var buf [64]token
	for {
		l.fill(buf[:])
		for i := range buf {
			switch buf[i].kind {
			case eof:
				return true
			case bad:
				return false
			}
		}
	}
}

// worse joins two readings of one text.
func worse(a, b Facts) Facts {
	a.raise(b.Kind, b.Reason)
	a.Mutates = a.Mutates || b.Mutates
	a.Session = a.Session || b.Session
	a.Asks = a.Asks || b.Asks
	a.TablesKnown = a.TablesKnown && b.TablesKnown && a.Verb == b.Verb
	if a.Tx != b.Tx {
		a.Tx = TxBegin // the careful one: the connection is kept until it is known
	}
	for _, v := range append([]string{b.Verb}, b.OtherVerbs...) {
		if v != "" && v != a.Verb {
			a.OtherVerbs = appendNew(a.OtherVerbs, v)
		}
	}
	for _, t := range b.Reads {
		a.Reads = appendNew(a.Reads, t)
	}
	for _, t := range b.Writes {
		a.Writes = appendNew(a.Writes, t)
	}
	return a
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

	// A window on the tokens: at is the one in hand. The two before it and the
	// one after it are always there. Behind the last there stands an end.
	at     int
	window [windowSize + 1]token
}

const windowSize = 256

// scanners are used again, for they are too large to make for every statement.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// scanAs reads a text with a lexer, and returns that as it is at the end.
func scanAs(l lexer, user *Functions) (f Facts, end lexer) {
	s := scanners.Get().(*scanner)
	s.lex, s.known, s.user = l, known[l.speaks](), user
	s.facts = Facts{TablesKnown: true}
	s.window[0], s.window[1] = token{}, token{} // before the first token stand ends
	s.lex.fill(s.window[2:windowSize])
	s.at = 2
	s.arrive()
	s.text()
	if s.lex.sawExecutable {
		s.facts.giveUp("executable comment")
		s.facts.raise(Session, "executable comment")
	}
	f, end = s.facts, s.lex
	f.Reads, f.Writes = s.reads.take(), s.writes.take()
	if len(s.verbs) > 0 {
		s.verbs.remove(f.Verb, 0)
		f.OtherVerbs = s.verbs.take()
	}
	s.forget()
	scanners.Put(s)
	return f, end
}

// forget lets go of the text, which may be huge.
func (s *scanner) forget() {
	s.lex, s.user, s.facts = lexer{}, nil, Facts{}
	clear(s.ctes[:cap(s.ctes)])
	s.ctes = s.ctes[:0]
	s.frames = s.frames[:0]
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
	}
}

// slide moves the window on, so that the token in hand is its third.
func (s *scanner) slide() {
	kept := copy(s.window[:windowSize], s.window[s.at-2:windowSize])
	s.lex.fill(s.window[kept:windowSize])
	s.at = 2
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

// operandEnds reports whether an operand ends right before the token in hand,
// or before a NOT that stands there, so that a word here is an infix operator
// and no function: a NOT LIKE (b), but NOT like(a, b).
func (s *scanner) operandEnds() bool {
	p := s.prev()
	if p.key == kNot {
		p = &s.window[s.at-2]
	}
	switch p.kind {
	case word:
		return endsOperand[p.key]
	case question:
		return s.lex.dialect() != Postgres
	case quoted, str, number, param, userVar, systemVar, rparen, rbracket:
		return true
	}
	return false
}
