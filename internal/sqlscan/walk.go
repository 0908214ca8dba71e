package sqlscan

// walk reads to the end of the statement.
func (s *scanner) walk() {
	for at := s.at; ; at = s.at + 1 {
		if s.top().clause > inBody {
			s.goTo(at)
		} else {
			s.coast(at)
		}
		if s.end() {
			break
		}
		if s.step(); s.end() {
			break
		}
	}
	if s.top().clause == atStart {
		s.strange() // no query behind UNION
	}
	if len(s.frames) > 1 {
		s.facts.giveUp("unbalanced parentheses")
		s.stop()
	}
}

// coast goes to a token of the window, and on from it over what decides nothing
// where no table can be named: literals, operators, and columns. Most of a long
// text is that.
func (s *scanner) coast(at int) {
	f := s.top()
	for from := at; ; at++ {
		if at+3 >= windowSize {
			s.at = at
			s.slide()
			from += s.at - at
			at = s.at
		}
		t := &s.window[at]
		switch {
		case inert[t.kind]:
			continue
		case (t.kind == word || t.kind == quoted) && t.key == notKeyword:
			switch s.window[at+1].kind {
			case dot:
				if s.isField(at + 2) {
					at += 2
					continue
				}
			case lparen:
			default:
				continue
			}
		}
		if at > from {
			f.first = false
		}
		s.goTo(at)
		return
	}
}

// isField reports whether a name behind a dot is surely a column: no call, and
// with nothing of a name behind it.
func (s *scanner) isField(at int) bool {
	name, behind := &s.window[at], s.window[at+1].kind
	return (name.kind == word || name.kind == quoted) && behind != dot && behind != lparen && !s.maybeCall(name)
}

// inert are the kinds of tokens that decide nothing where no table can be named.
var inert = [op + 1]bool{number: true, str: true, param: true, question: true, op: true, comma: true, lbracket: true, rbracket: true}
