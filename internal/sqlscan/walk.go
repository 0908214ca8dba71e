package sqlscan

// walk reads to the end of the statement.
func (s *scanner) walk() {
	for at := s.at; ; at = s.at + 1 {
		if calm := calmIn[s.top().clause]; calm != nil {
			if s.top().groups {
				calm = calmIn[onExpr] // its commas, brackets and what ends it are looked at
			}
			s.coast(at, calm)
		} else {
			s.goTo(at)
		}
		if s.end() {
			break
		}
		if s.step(); s.end() {
			break
		}
	}
	if c := s.top().clause; c >= atStart && c <= withNext {
		s.strange() // no query behind UNION, or none that was seen behind WITH
	}
	if len(s.frames) > 1 {
		s.facts.giveUp("unbalanced parentheses")
		s.stop()
	}
}

// coast goes to a token of the window, and on from it over what decides nothing
// where no table can be named: literals, operators, columns, and the keywords between
// them. Most of a long text is that.
func (s *scanner) coast(at int, calm *calm) {
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
		case calm.kinds[t.kind]:
			continue
		case (t.kind == word || t.kind == quoted) && (t.key == notKeyword || calm.words[t.key]):
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

// calm is what decides nothing in a clause: kinds of tokens, and keywords unless a
// parenthesis or a dot follows.
type calm struct {
	kinds [op + 1]bool
	words [keywordCount]bool
}

// calmIn has the clauses in which no table can be named.
var calmIn = func() (in [usingNames + 1]*calm) {
	body := calm{
		kinds: [...]bool{number: true, str: true, param: true, question: true, op: true, comma: true, lbracket: true, rbracket: true},
		words: [keywordCount]bool{
			kAnd: true, kOr: true, kNot: true, kIs: true, kNull: true, kTrue: true, kFalse: true,
			kLike: true, kIlike: true, kBetween: true, kCase: true, kThen: true, kElse: true, kEnd: true,
			kBy: true, kDesc: true, kDistinct: true, kCollate: true,
		},
	}
	tail, condition := body, body
	tail.words[kOrder], tail.words[kHaving], tail.words[kLimit] = true, true, true // which lead from tail to tail
	for _, k := range [...]kind{comma, lbracket, rbracket} {                       // behind a comma that is not in brackets is the next table
		condition.kinds[k] = false
	}
	in[inBody], in[inTail], in[onExpr] = &body, &tail, &condition
	return in
}()
