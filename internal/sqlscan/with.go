package sqlscan

import "slices"

// declareMember brings the name of the WITH member that was just read in sight.
func (s *scanner) declareMember(f *frame) {
	if f.recursive || f.member.end == 0 {
		return
	}
	s.declare(&f.member)
}

// hideMembers: RETURNING and ON CONFLICT of an INSERT do not see a WITH that stands behind its table.
func (s *scanner) hideMembers(f *frame) {
	if f.lateWith {
		s.facts.TablesKnown = false
	}
}

// forwardReference: a member of WITH RECURSIVE may have been read by those
// before it, and taken for a table.
func (s *scanner) forwardReference(f *frame) {
	name, ok := s.part(&f.member)
	switch {
	case !ok:
	case s.planOnly, s.lex.dialect() == MySQL: // it may be what is written; MariaDB looks forward, MySQL does not
		s.facts.TablesKnown = s.facts.TablesKnown && !slices.Contains(s.reads[f.reads:], name)
	default:
		s.reads.remove(name, int(f.reads))
	}
}

// seeEachOther says whether the members of a WITH may see those behind them.
func (s *scanner) seeEachOther(f *frame, recursive bool) {
	f.recursive, f.reads = recursive, uint8(len(s.reads))
}

func (s *scanner) declare(t *token) {
	name, ok := s.part(t)
	if !ok {
		s.facts.TablesKnown = false
		return
	}
	if len(s.ctes) == maxTables {
		s.facts.TablesKnown = false
		return
	}
	s.ctes = append(s.ctes, name)
}

// forgetMembers lets go of the members of WITH that are in sight but for the first n.
func (s *scanner) forgetMembers(n int) {
	if n < len(s.ctes) {
		clear(s.ctes[n:]) // pieces of the text
		s.ctes = s.ctes[:n]
	}
}

// with reads WITH: [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (query)
// [SEARCH ...] [CYCLE ...], and so on, then the main query. A name is in sight
// behind its member, or, if recursive, from its own beginning.
func (s *scanner) with(f *frame, key keyword) {
	switch f.clause {
	case withName:
		if key == kRecursive && s.prev().key == kWith && s.peek().kind != lparen && !s.peekIs("as") {
			s.seeEachOther(f, true)
			return
		}
		f.member = *s.tok()
		if f.recursive {
			s.declare(s.tok())
			s.forwardReference(f)
		}
		f.clause = withAs
	case withAs:
		if key != kAs {
			s.strange()
		}
		f.clause = withBody
	case withBody:
		if key != kNot && key != kMaterialized {
			s.strange()
		}
	case withSearch:
		if modifyReason[key] != "" || reserved[key] {
			s.strange() // the name of a column, or the main query
		}
		if key == kSet && !s.inSearchList() {
			f.clause = withNext
			s.skipName()
		}
		if s.is("restrict") && s.lex.dialect() == MySQL { // MariaDB: CYCLE a RESTRICT
			f.clause = withNext
		}
	case withNext:
		if k := s.prev().key; k == kTo || k == kDefault { // CYCLE ... TO 'a' DEFAULT 'b', perhaps with a type before it
			if key != notKeyword && key != kTrue && key != kFalse && key != kNull {
				s.strange()
			}
			return
		}
		switch key {
		case kSelect, kValues, kTable, kInsert, kReplace, kUpdate, kDelete, kMerge:
			if key == kValues && f.inserts && s.lex.dialect() == SQLite {
				s.facts.TablesKnown = false // SQLite forgets a WITH between INSERT INTO t and VALUES with one row
			}
			s.declareMember(f)
			s.verb(f, key)
		case kSearch, kCycle: // whose commas are between columns
			f.clause = withSearch
		case kUsing:
			s.skipName()
		case kTo, kDefault:
		default:
			s.strange()
		}
	}
}

// inSearchList reports whether SET in hand is a column of SEARCH ... FIRST BY or CYCLE: where
// the list begins, or goes on. BY and CYCLE may be columns, too.
func (s *scanner) inSearchList() bool {
	before := s.beforePrev()
	switch s.prev().key {
	case kBy:
		return before.key == kPath
	case kCycle:
		return before.key != kCycle && before.key != kBy && before.kind != comma
	}
	return s.prev().kind == comma
}

// skipName steps to a name that follows, whatever it spells.
func (s *scanner) skipName() {
	if s.isName(s.peek()) {
		s.advance()
	}
}
