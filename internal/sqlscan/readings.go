package sqlscan

import (
	"strings"
	"unicode/utf8"
)

// One text may be read in several ways: by another dialect, or by a server with other
// settings. The worst of them counts.

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
