package sqlscan

// Scan finds out what a text may do under a dialect. It is total: any bytes have
// an answer, and the answer for what is not understood is a write that may touch
// anything. user may be nil.
func Scan(d Dialect, text string, user *Functions) Facts {
	if d == Generic {
		return scanGeneric(text, user)
	}
	f, ambiguous := scanAs(newLexer(d, text), user)
	if ambiguous {
		f = strictest(f, text, d, user)
	}
	return f
}

// scanGeneric reads the text by the rules of every dialect and keeps the worst.
func scanGeneric(text string, user *Functions) Facts {
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
	for {
		switch l.next().kind {
		case eof:
			return true
		case bad:
			return false
		}
	}
}

// worse joins two readings of one text.
func worse(a, b Facts) Facts {
	a.raise(b.Kind, b.Reason)
	a.Mutates = a.Mutates || b.Mutates
	a.Session = a.Session || b.Session
	a.TablesKnown = a.TablesKnown && b.TablesKnown && a.Verb == b.Verb
	if a.Tx != b.Tx {
		a.Tx = TxBegin // the careful one: the connection is kept until it is known
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
	user  *Functions

	tok, ahead token // in hand, and the one after it if hasAhead
	hasAhead   bool
	prev       token // the one before
	done       bool  // the end of the text, or of what can be read of it
	broken     bool  // the server would reject the text

	naming   int  // the depth at which the word that names the statement is expected
	planOnly bool // inside EXPLAIN without ANALYZE: nothing runs

	frames []frame // open parentheses
	ctes   []cte   // names of WITH members that may be in sight

	reads, writes tableSet

	frameSpace [16]frame
	cteSpace   [4]cte
}

func scanAs(l lexer, user *Functions) (f Facts, ambiguous bool) {
	s := scanner{lex: l, user: user}
	s.facts.TablesKnown = true
	s.frames, s.ctes = s.frameSpace[:0], s.cteSpace[:0]
	s.text()
	if s.lex.sawExecutable {
		s.facts.giveUp("executable comment")
		s.facts.raise(Session, "executable comment")
	}
	s.facts.Reads, s.facts.Writes = s.reads.names(), s.writes.names()
	return s.facts, s.lex.ambiguous
}

// text reads all the statements of a text.
func (s *scanner) text() {
	s.advance()
	for n := 0; ; n++ {
		for s.tok.kind == semicolon {
			s.advance()
		}
		if s.done {
			if n == 0 && s.facts.Kind == Read {
				s.facts.raise(Write, "empty statement")
			}
			return
		}
		verb, kind := s.facts.Verb, s.facts.Kind
		s.planOnly = false
		s.statement()
		if n > 0 {
			s.facts.Verb = verb
			if s.facts.Kind > kind && kind == Read {
				s.facts.Reason = "second statement"
			}
		}
	}
}

// advance steps to the next token.
func (s *scanner) advance() {
	s.prev = s.tok
	if s.hasAhead {
		s.tok, s.hasAhead = s.ahead, false
	} else {
		s.tok = s.read(s.tok.kind)
	}
	switch s.tok.kind {
	case eof:
		s.done = true
	case bad:
		s.facts.giveUp(s.lex.problem)
		s.done = true
	}
}

// peek returns the token after the one in hand.
func (s *scanner) peek() token {
	if !s.hasAhead {
		s.ahead, s.hasAhead = s.read(s.tok.kind), true
	}
	return s.ahead
}

// read lexes one token. What stands directly after a dot is a name, whatever it spells.
func (s *scanner) read(before kind) token {
	t := s.lex.next()
	if before == dot && t.glued {
		t.key = notKeyword
	}
	return t
}

func (s *scanner) spelling(t token) string { return s.lex.text[t.start:t.end] }

// is reports whether the token in hand is the given word, in lower case.
func (s *scanner) is(lower string) bool {
	return s.tok.kind == word && equalFold(s.spelling(s.tok), lower)
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

// end reports whether the statement is over.
func (s *scanner) end() bool { return s.done || s.tok.kind == semicolon }

// skip steps to the end of the statement.
func (s *scanner) skip() {
	for !s.end() {
		s.advance()
	}
}

// operandEnds reports whether an operand ends right before the token in hand,
// so that a word here is an infix operator and no function.
func (s *scanner) operandEnds() bool {
	switch s.prev.kind {
	case word:
		return endsOperand[s.prev.key]
	case quoted, str, number, param, userVar, systemVar, rparen, rbracket:
		return true
	}
	return false
}
