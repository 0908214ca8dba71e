package sqlscan

// walk reads to the end of the statement.
func (s *scanner) walk() {
	for at := s.at; ; at = s.at + 1 {
		switch c := s.top().clause; {
		case c <= inBody:
			s.coast(at, &inert)
		case c == onExpr:
			s.coast(at, &inertInCondition)
		default:
			s.goTo(at)
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
// where no table can be named: literals, operators, columns, and the keywords between
// them. Most of a long text is that.
func (s *scanner) coast(at int, inert *[op + 1]bool) {
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
		case (t.kind == word || t.kind == quoted) && (t.key == notKeyword || betweenOperands[t.key]):
			switch s.window[at+1].kind {
			case dot:
				if t.key == notKeyword && s.isField(at+2) {
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

// inert are the kinds of tokens that decide nothing where no table can be named, and
// inertInCondition those that do not in a join condition, behind which a comma goes on
// with the next table.
var (
	inert            = [op + 1]bool{number: true, str: true, param: true, question: true, op: true, comma: true, lbracket: true, rbracket: true}
	inertInCondition = func() [op + 1]bool {
		kinds := inert
		kinds[comma] = false
		return kinds
	}()
)

// betweenOperands are the keywords that decide nothing there, unless a parenthesis or
// a dot follows.
var betweenOperands = [keywordCount]bool{
	kAnd: true, kOr: true, kNot: true, kIs: true, kNull: true, kTrue: true, kFalse: true,
	kLike: true, kIlike: true, kBetween: true, kCase: true, kThen: true, kElse: true, kEnd: true,
	kBy: true, kDesc: true, kDistinct: true, kCollate: true,
}
