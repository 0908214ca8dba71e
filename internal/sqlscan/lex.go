package sqlscan

import "math/bits"

// longestText is how long a text may be. Positions in it are 32 bits.
const longestText = 1 << 31

// lexer cuts a text into tokens by the rules of one dialect. It allocates
// nothing and never goes back further than the token in hand.
type lexer struct {
	text       string
	pos        int
	speaks     Dialect // asked for through dialect()
	chosen     bool    // whether it was asked for
	generic    bool    // what is read is to hold for all dialects, if none is chosen
	last       kind    // of the token before
	executable bool    // inside a MySQL executable comment: /*! ... */

	// The settings under which the server reads literals: the default of the
	// dialect, or an alternative that is tried when the text is ambiguous.
	backslash  bool // a backslash escapes in '...' (and in MySQL's "...")
	ansiQuotes bool // MySQL: "..." is a name

	// Findings about the text so far.
	sawExecutable bool   // it has an executable comment
	sawUnicode    bool   // it has a name U&"..."
	ambiguous     bool   // a server setting decides where one of its literals ends
	mayLock       bool   // it has a word that a lock begins with, or a token that others may read as one
	problem       string // why the last bad token is bad
	isDisputed    bool   // and that servers do not all reject it
}

func newLexer(d Dialect, text string) lexer {
	return lexer{text: text, speaks: d, backslash: d == MySQL}
}

// dialect returns the dialect where the text is read in another way by another one,
// and notes that it did: a text that never gets here is the same to all.
func (l *lexer) dialect() Dialect {
	l.chosen = true
	return l.speaks
}

// Classes of bytes. Every byte of 0x80 and above belongs to a name in all
// dialects, a Unicode blank and a byte order mark included.
const (
	illegal = iota
	blank
	letter
	digit
	single // a token of its own, in all dialects
	quotation
	other // looked at one by one
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\n\v\f\r" {
		t[c] = blank
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = digit
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = letter, letter
	}
	t['_'] = letter
	for c := 0x80; c <= 0xff; c++ {
		t[c] = letter
	}
	for _, c := range "(),;]+<>=!%&|^~{}" {
		t[c] = single
	}
	for _, c := range "'\"`[" {
		t[c] = quotation
	}
	for _, c := range "$.:?@#-/*\\" {
		t[c] = other
	}
	return t
}()

// inName are the bytes that a name may go on with, prefixed those that make a
// literal of the name before them in some dialect: e'...', u&"...".
var (
	inName = func() (t [256]bool) {
		for c := range t {
			t[c] = class[c] == letter || class[c] == digit || c == '$'
		}
		return t
	}()
	prefixed = [256]bool{'\'': true, '&': true}
)

// singleKind is the kind of the tokens of one byte, where that is what they are.
var singleKind = func() (t [256]kind) {
	for c := range t {
		t[c] = op
	}
	t['('], t[')'], t[']'], t['{'], t[','], t[';'], t['?'] = lparen, rparen, rbracket, lbrace, comma, semicolon, question
	return t
}()

// fill reads the next tokens into buf. At the end of the text it writes two
// ends, so that there is one to peek at, and leaves the rest of buf as it was.
// A bad token is followed by an end.
func (l *lexer) fill(buf []token) {
	text, pos, last, from := l.text, l.pos, l.last, l.pos
	ended := false
	for i := range buf {
		t := &buf[i]
		start := pos
	again:
		if pos >= len(text) {
			l.pos = pos
			l.atEnd(t)
			if ended {
				look(pos - from)
				return
			}
			pos, ended = l.pos, t.kind == eof
			continue
		}
		c := text[pos]
		switch class[c] {
		case blank:
			pos++
			goto again
		case letter:
			end := pos + 1
			for end < len(text) && inName[text[end]] {
				end++
			}
			if end < len(text) && prefixed[text[end]] || c == 0xef {
				break
			}
			*t = token{start: uint32(pos), end: uint32(end), kind: word}
			// What stands after a dot is a name, whatever it spells.
			switch {
			case last == dot:
				l.mayLock = l.mayLock || pos != start // others read a keyword behind a blank
			case end-pos >= shortestWord:
				if t.key = keywordAt(text, pos, end); t.key >= firstOfLocks {
					l.mayLock = true
				}
			}
			pos, last = end, word
			continue
		case single:
			k := singleKind[c]
			*t = token{start: uint32(pos), end: uint32(pos + 1), kind: k}
			pos++
			last = k
			continue
		case digit:
			end := pos + 1
			for end < len(text) && class[text[end]] == digit {
				end++
			}
			if end < len(text) && (inName[text[end]] || text[end] == '.') || last == dot {
				break
			}
			*t = token{start: uint32(pos), end: uint32(end), kind: number}
			pos, last = end, number
			continue
		case quotation:
			if c == '"' && l.dialect() != MySQL || c == '`' && l.dialect() != Postgres { // what ORMs write: "users"."id"
				if end := plainNameEnds(text, pos); end > 0 {
					*t = token{start: uint32(pos), end: uint32(end), kind: quoted}
					pos, last = end, quoted
					continue
				}
			}
			l.pos = pos
			l.symbol(t, c, pos == start)
			pos, last = l.pos, t.kind
			continue
		case other:
			if c == '.' && pos+1 < len(text) && (class[text[pos+1]] != digit || l.qualifies(last, pos == start)) {
				*t = token{start: uint32(pos), end: uint32(pos + 1), kind: dot}
				pos++
				last = dot
				continue
			}
			if l.pos, l.last = pos, last; l.usualMark(t, c) {
				pos, last = l.pos, t.kind
				continue
			}
		}
		l.pos, l.last = pos, last
		l.next(t, start)
		pos, last = l.pos, t.kind
	}
	l.pos, l.last = pos, last
	look(pos - from + len(buf))
}

// usualMark reads the token that begins with c, if it is one that statements are full
// of and that begins no comment.
func (l *lexer) usualMark(t *token, c byte) bool {
	k, end := singleKind[c], l.pos+1
	switch next := l.peek(1); {
	case c == '?' && class[next] != digit, c == '-' && next != '-', c == '/' && next != '*' && next != '/', c == '*' && !l.executable:
	case c == ':' && next == ':' && l.dialect() == Postgres:
		k, end = cast, end+1
	case c == '$' && class[next] == digit && l.dialect() == Postgres:
		l.dollar(t)
		return true
	default:
		return false
	}
	*t = token{start: uint32(l.pos), end: uint32(end), kind: k}
	l.pos = end
	return true
}

// plainNameEnds returns the position behind the quoted name that begins at i, or 0 if
// that does not end or has a quote in it. It looks at eight bytes at once: names are
// short, and where each ends cannot be foretold.
func plainNameEnds(text string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, from := text[i], i
	for i++; i+8 < len(text); i += 8 {
		w := load8(text[i:]) ^ uint64(quote)*ones // zero where the quote is
		if zero := (w - ones) &^ w & highs; zero != 0 {
			i += bits.TrailingZeros64(zero)/8 + 1
			if text[i] == quote {
				look(i - from) // and it is read once more
				return 0
			}
			return i
		}
	}
	for i < len(text) && text[i] != quote {
		i++
	}
	if i++; i > len(text) || i < len(text) && text[i] == quote {
		look(i - from)
		return 0
	}
	return i
}

// looked is told how many bytes of a text, or entries of a list, were looked at.
// Only tests set it, to see that the work for a text is linear in its length.
var looked func(n int)

func look(n int) {
	if looked != nil {
		looked(n)
	}
}

// found passes on at which byte of s a search ended, and tells how far it looked.
func found(s string, n int) int {
	if n < 0 {
		look(len(s))
	} else {
		look(n)
	}
	return n
}

// qualifies reports whether a dot goes on with a name though a digit follows:
// MySQL reads t.1a as a column or a table 1a.
func (l *lexer) qualifies(last kind, glued bool) bool {
	return l.dialect() == MySQL && glued && (last == word || last == quoted)
}

// atEnd makes the token at the end of the text.
func (l *lexer) atEnd(t *token) {
	if l.executable {
		l.executable = false
		l.bad(t, l.pos, "unterminated comment")
		return
	}
	*t = token{start: uint32(l.pos), end: uint32(l.pos)}
}

// next reads one token, with what fill leaves to it. The token before ended at
// start.
func (l *lexer) next(t *token, start int) {
	l.mayLock = true
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch class[c] {
		case blank:
			l.pos++
			continue
		case letter:
			if c == 0xef && l.byteOrderMark() {
				l.pos += 3
				continue
			}
			l.word(t)
		case digit:
			l.number(t, l.pos == start)
		case single:
			*t = token{start: uint32(l.pos), end: uint32(l.pos + 1), kind: singleKind[c]}
			l.pos++
		case quotation:
			l.symbol(t, c, l.pos == start)
		case illegal:
			l.bad(t, l.pos, "illegal character")
		default:
			skipped, unterminated := l.comment(c)
			switch {
			case unterminated:
				l.bad(t, l.pos, "unterminated comment")
			case skipped:
				continue
			default:
				l.symbol(t, c, l.pos == start)
			}
		}
		return
	}
	l.atEnd(t)
}

// symbol reads a token that starts with c, which is neither blank nor letter
// nor digit, and which starts no comment.
func (l *lexer) symbol(t *token, c byte, glued bool) {
	l.mayLock = true
	start := l.pos
	end := start + 1
	*t = token{kind: op, start: uint32(start)}
	switch c {
	case '\'':
		l.stringLiteral(t, start, start+1, '\'', l.backslash)
		return
	case '"':
		if l.dialect() == MySQL && !l.ansiQuotes {
			l.stringLiteral(t, start, start+1, '"', l.backslash)
			return
		}
		l.quotedName(t, start, start+1, '"')
		return
	case '`':
		if l.dialect() != Postgres {
			l.quotedName(t, start, start+1, '`')
			return
		}
	case '[':
		if l.dialect() == SQLite {
			l.quotedName(t, start, start+1, ']')
			return
		}
		t.kind = lbracket
	case '.':
		if l.peek(1) != '.' && class[l.peek(1)] == digit {
			l.number(t, glued)
			return
		}
		t.kind = dot
	case ':':
		switch d := l.dialect(); {
		case l.peek(1) == ':' && (d != SQLite || l.peek(2) != ':'):
			t.kind, end = cast, start+2 // only PostgreSQL runs such a statement
		case l.peek(1) == '=' && d != SQLite:
			t.kind, end = assign, start+2
		case d == SQLite:
			l.sqliteVariable(t)
			return
		}
	case '?':
		t.kind = question
		if class[l.peek(1)] == digit && l.dialect() != Postgres {
			t.kind = param
			for end < len(l.text) && class[l.text[end]] == digit {
				end++
			}
		}
	case '$':
		switch l.dialect() {
		case Postgres:
			l.dollar(t)
			return
		case SQLite:
			l.sqliteVariable(t)
			return
		}
		l.dollarName(t)
		return
	case '@':
		switch l.dialect() {
		case MySQL:
			l.mysqlVariable(t)
			return
		case SQLite:
			l.sqliteVariable(t)
			return
		}
	case '#':
		if l.dialect() == SQLite {
			l.bad(t, start, "illegal character")
			return
		}
	case '\\':
		if l.dialect() != MySQL || l.peek(1) != 'N' {
			l.bad(t, start, "illegal character")
			return
		}
		t.kind, end = number, start+2 // \N is NULL
	}
	t.end = uint32(end)
	l.pos = end
}

// peek returns the byte n places on, 0 at the end of the text.
func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

// bad makes a token of what cannot be read, and of all that follows.
func (l *lexer) bad(t *token, start int, problem string) {
	*t = token{kind: bad, start: uint32(start), end: uint32(len(l.text))}
	l.pos = len(l.text)
	l.executable = false
	l.problem = problem
}

// disputed makes a bad token of what some servers read in one way and some in another.
func (l *lexer) disputed(t *token, start int, problem string) {
	l.bad(t, start, problem)
	l.isDisputed = true
}

// word reads a bare name or a keyword. In PostgreSQL, and only directly before
// a quote, the names e, u& and so on are prefixes of a literal.
func (l *lexer) word(t *token) {
	start := l.pos
	if n := l.peek(1); (n == '\'' || n == '&') && l.dialect() == Postgres {
		switch c := l.text[start]; {
		case c|0x20 == 'e' && n == '\'':
			l.escapeString(t, start)
			return
		case c|0x20 == 'u' && n == '&' && l.peek(2) == '\'':
			l.stringLiteral(t, start, start+3, '\'', false)
			return
		case c|0x20 == 'u' && n == '&' && l.peek(2) == '"':
			l.sawUnicode = true
			l.quotedName(t, start, start+3, '"')
			return
		}
	}
	end := start + 1
	for end < len(l.text) && inName[l.text[end]] {
		end++
	}
	*t = token{start: uint32(start), end: uint32(end), kind: word}
	if l.last != dot {
		t.key = lookup(l.text[start:end])
	}
	l.pos = end
}

// byteOrderMark: SQLite takes a byte order mark for a blank, wherever it stands.
func (l *lexer) byteOrderMark() bool {
	return l.dialect() == SQLite && l.peek(1) == 0xbb && l.peek(2) == 0xbf
}
