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
	case d != SQLite && !isASCII(text) && !utf8.ValidString(text):
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

// isASCII is quicker than to ask for valid UTF-8, and nearly every text is.
func isASCII(s string) bool {
	const highs = 0x8080808080808080
	for len(s) >= 32 {
		if (load8(s)|load8(s[8:])|load8(s[16:])|load8(s[24:]))&highs != 0 {
			return false
		}
		s = s[32:]
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// scanGeneric reads the text by the rules of every dialect and keeps the worst. Of
// a text in which no dialect has rules of its own, one reading is all of them.
func scanGeneric(f *Facts, room []string, text string, user *Functions) {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		*f = scanEach(text, user)
		return
	}
	s := newScanner(Postgres, text, user)
	s.lex.generic = true
	s.run()
	chosen, ambiguous := s.lex.chosen, s.lex.ambiguous
	s.finish(f, room)
	if !chosen {
		return
	}
	if ambiguous {
		strictest(f, text, Postgres, user)
	}
	f.worsenByOthers(text, user)
}

func scanEach(text string, user *Functions) Facts {
	f := Scan(Postgres, text, user)
	f.worsenByOthers(text, user)
	return f
}

// worsenByOthers adds the readings of all dialects but PostgreSQL's.
func (f *Facts) worsenByOthers(text string, user *Functions) {
	f.worsen(Scan(MySQL, text, user))
	f.worsen(Scan(SQLite, text, user))
}

// strictest looks also at the other readings of an ambiguous text, those that
// a server with other settings would take. A reading in which the literals do
// not come out is none, as such a server would reject the text, or a part of it.
func strictest(f *Facts, text string, d Dialect, user *Functions) {
	backslashes, quotes := strings.Contains(text, `\`), strings.Contains(text, `"`) && d == MySQL
	for _, other := range [...]struct{ backslash, ansiQuotes bool }{{true, false}, {false, true}, {true, true}} {
		if other.backslash && !backslashes || other.ansiQuotes && !quotes {
			continue // the same reading
		}
		l := newLexer(d, text)
		l.backslash = l.backslash != other.backslash
		l.ansiQuotes = other.ansiQuotes
		if l.text = text[:l.taken()]; l.text != "" {
			s := newScanner(d, text, user)
			s.lex = l
			s.run()
			var facts Facts
			s.finish(&facts, nil)
			f.worsen(facts)
		}
	}
}

// taken returns how much of the text a server does not reject for its literals: all, or in MySQL,
// which reads one statement after the other, those before. l is a copy.
func (l lexer) taken() (end int) {
	var buf [64]token
	depth := 0
	for begun := false; ; {
		l.fill(buf[:])
		for i := range buf {
			switch t := &buf[i]; {
			case t.kind == eof, t.kind == bad && l.isDisputed:
				return len(l.text)
			case t.kind == bad:
				return end
			case t.kind == lparen:
				depth++
			case t.kind == rparen:
				depth--
			case t.kind != semicolon:
				begun = true
			case depth != 0: // which is no end of a statement, so that this one is rejected
				return end
			case begun && l.dialect() == MySQL:
				end = int(t.end)
			}
		}
	}
}

// worsen adds another reading of the same text.
func (f *Facts) worsen(other Facts) {
	f.raise(other.Kind, other.Reason)
	f.Mutates = f.Mutates || other.Mutates
	f.Session = f.Session || other.Session
	f.Asks = f.Asks || other.Asks
	f.MayLock = f.MayLock || other.MayLock
	f.TablesKnown = f.TablesKnown && other.TablesKnown && f.Verb == other.Verb
	if f.Tx != other.Tx {
		f.Tx = TxBegin // the careful one: the connection is kept until it is known
	}
	for _, v := range append([]string{other.Verb}, other.OtherVerbs...) {
		if v != "" && v != f.Verb {
			f.OtherVerbs = appendNew(f.OtherVerbs, v)
		}
	}
	for _, t := range other.Reads {
		f.Reads = appendNew(f.Reads, t)
	}
	for _, t := range other.Writes {
		f.Writes = appendNew(f.Writes, t)
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
	t, _ := s.twoBehindPeek()
	return t
}

// twoBehindPeek returns the two tokens there. It reads them again.
func (s *scanner) twoBehindPeek() (first, second token) {
	var t [2]token
	l := s.lex
	l.pos, l.last = int(s.peek().end), s.peek().kind
	l.fill(t[:])
	return t[0], t[1]
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
	if s.prev().key == kNot {
		return s.endsAt(s.at - 2)
	}
	return s.endsAt(s.at - 1)
}

// endsAt reports whether an operand ends with that token of the window.
func (s *scanner) endsAt(at int) bool {
	switch p := &s.window[at]; p.kind {
	case word:
		return endsOperand[p.key] || mayEndOperand[p.key] && s.isColumn(at) || p.key == kZone && (s.window[at-1].key != kTime || s.endsType(at))
	case question:
		return s.lex.dialect() != Postgres
	case quoted, str, number, param, userVar, systemVar, rparen, rbracket:
		return true
	}
	return false
}

// endsType reports whether ZONE is that of timestamp with time zone, and not of AT TIME ZONE.
func (s *scanner) endsType(at int) bool {
	with := &s.window[at-2]
	return with.key == kWith || equalFold(s.spelling(with), "without")
}

// isColumn reports whether a word that may stand before an expression is a name, by what
// stands before it: not so XMLPARSE(CONTENT x), XMLROOT(x, VERSION y), PASSING BY REF x and
// json_objectagg(t.* VALUE x).
func (s *scanner) isColumn(at int) bool {
	if s.lex.dialect() == MySQL { // where the words in question are reserved, but for ESCAPE
		return false
	}
	before := &s.window[at-1]
	if beginsOperand[before.key] {
		return true
	}
	word := s.spelling(&s.window[at])
	switch before.kind {
	case dot:
		return true
	case lparen:
		function := s.spelling(&s.window[at-2])
		return !equalFold(function, "xmlparse") && !equalFold(function, "xmlserialize")
	case comma:
		return !equalFold(word, "version")
	case op:
		return s.lex.text[before.start] != '*'
	}
	behind := s.window[at-2].key
	return before.key == kBy && (behind == kOrder || behind == kGroup) // which are reserved
}
