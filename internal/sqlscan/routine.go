package sqlscan

// body reads a routine or a trigger, whose statements have semicolons of their
// own. It ends with END directly behind one of them.
func (s *scanner) body(isTrigger bool) {
	begun, more, begins, depth := false, false, false, 0
	for ; !s.done(); s.pass() {
		s.noteTemporary()
		switch {
		case s.tok().kind == lparen:
			depth++
		case s.tok().kind == rparen:
			depth--
		case depth == 0 && s.is("begin") && (s.beginsBody() || !isTrigger && s.lex.dialect() == SQLite): // of another server
			begun, begins = true, begun
		case !begun && s.beginsBlock() && s.lex.dialect() == MySQL:
			begun = true
		case s.tok().kind == semicolon:
			if !begun {
				return
			}
			more = true
		case begun && s.is("end"):
			if s.endsBody() {
				s.advance()
				return
			}
			begins = begins && !s.endsBlock()
		case s.is("begin"), s.is("start"), s.is("xa"), s.is("chain"):
			begins = true // unless another END follows
		}
	}
	if more && s.lex.dialect() == MySQL {
		s.facts.Session = true // another statement may stand behind the body
		s.facts.mayNotEnd()
		if begins {
			s.facts.Tx = TxBegin
		}
	}
}

// schedule reads what stands before the DO of an event of MySQL, which is worked out at once.
func (s *scanner) schedule() {
	for ; !s.end() && s.tok().key != kDo; s.advance() {
		switch t := s.tok(); {
		case t.kind == assign:
			s.facts.raise(Session, "user variable")
		case t.kind == word && t.key == notKeyword && s.peek().kind == lparen:
			s.call(s.single())
		}
	}
}

// beginsBody reports whether BEGIN in hand begins a body, and is no name.
func (s *scanner) beginsBody() bool {
	switch p := s.prev(); {
	case p.kind == dot:
		return false
	case s.peekIs("atomic"): // PostgreSQL
		return p.kind != lparen && p.kind != comma
	}
	switch s.peek().key {
	case kSelect, kInsert, kUpdate, kDelete, kReplace, kWith, kValues:
		return true
	}
	return s.lex.dialect() == MySQL // which has more statements in them
}

// beginsBlock reports whether the word in hand begins a statement of MySQL that has others
// in it, and not an expression or IF [NOT] EXISTS.
func (s *scanner) beginsBlock() bool {
	p := s.prev()
	if p.kind == op || p.kind == comma || p.kind == lparen || equalFold(s.spelling(p), "return") {
		return false
	}
	switch s.tok().key {
	case kCase:
		return true
	case kIf:
		for _, thing := range []string{"procedure", "function", "trigger", "event", "package", "body"} {
			if equalFold(s.spelling(p), thing) {
				return false
			}
		}
		return true
	case kFor:
		return !s.peekIs("each") && s.peek().key != kUpdate && s.peek().key != kShare
	}
	return s.is("while") || s.is("loop") || s.is("repeat")
}

// endsBody reports whether END in hand, behind the BEGIN of a body, ends it. Where a body
// of MySQL ends is not known.
func (s *scanner) endsBody() bool {
	switch s.lex.dialect() {
	case Postgres:
		return s.prev().kind == semicolon || equalFold(s.spelling(s.prev()), "atomic") && equalFold(s.spelling(s.beforePrev()), "begin")
	case SQLite:
		return s.prev().kind == semicolon
	}
	return false
}

// endsBlock reports whether END in hand ends a block of statements: not CASE ... END, nor END IF
// and the like.
func (s *scanner) endsBlock() bool {
	switch s.peek().key {
	case kIf, kCase, kFor:
		return false
	}
	return (s.prev().kind == semicolon || equalFold(s.spelling(s.prev()), "begin")) && !s.peekIs("loop") && !s.peekIs("while") && !s.peekIs("repeat")
}

// compound reads a statement of MariaDB that has others in it, and all of the text behind it.
func (s *scanner) compound() {
	s.facts.giveUp("compound statement")
	s.facts.mayNotEnd()
	for s.pass(); !s.done(); s.pass() {
		switch {
		case modifyReason[s.tok().key] != "":
			s.alsoVerb(keywordText[s.tok().key])
		case s.is("begin"), s.is("start"), s.is("commit"), s.is("rollback"), s.is("xa"):
			s.facts.Tx = TxBegin // perhaps
		}
	}
}
