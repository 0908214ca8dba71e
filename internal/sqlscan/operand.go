package sqlscan

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
