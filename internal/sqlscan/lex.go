package sqlscan

// kind is the kind of a token.
type kind uint8

const (
	eof       kind = iota
	word           // a bare identifier or a keyword
	quoted         // a quoted identifier
	str            // a string literal
	number         // a numeric literal
	param          // a placeholder: ?, $1, :name (SQLite), @name (SQLite)
	userVar        // MySQL: @name
	systemVar      // MySQL: @@name
	lparen         // (
	rparen         // )
	lbracket       // [ where it is not a quote
	rbracket       // ]
	comma          // ,
	semicolon      // ;
	dot            // .
	cast           // ::
	assign         // :=
	op             // one byte of any other operator
	bad            // what the server rejects, or what two servers may read differently
)

// token is one token of a text: its bytes are text[start:end].
type token struct {
	kind       kind
	key        keyword // for a word
	glued      bool    // nothing, not even a comment, stands before it
	start, end int
}

// lexer cuts a text into tokens by the rules of one dialect. It allocates
// nothing and never goes back further than the token in hand.
type lexer struct {
	text       string
	pos        int
	dialect    Dialect
	executable bool // inside a MySQL executable comment: /*! ... */

	// Findings about the text so far.
	sawExecutable bool   // it has an executable comment
	ambiguous     bool   // a server setting decides where one of its literals ends
	problem       string // why the last bad token is bad

	// The settings under which the server reads literals: the default of the
	// dialect, or an alternative that is tried when the text is ambiguous.
	backslash  bool // a backslash escapes in '...' (and in MySQL's "...")
	ansiQuotes bool // MySQL: "..." is a name
}

func newLexer(d Dialect, text string) lexer {
	return lexer{text: text, dialect: d, backslash: d == MySQL}
}

// Classes of bytes. Every byte of 0x80 and above belongs to a name in all
// dialects, a Unicode blank and a byte order mark included.
const (
	illegal = iota
	blank
	letter
	digit
	single // a token of its own
	other  // looked at one by one
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
	for _, c := range "(),;]" {
		t[c] = single
	}
	for _, c := range "'\"`[$.:?@#-/*+<>=!%&|^~\\{}" {
		t[c] = other
	}
	return t
}()

var singleKind = [256]kind{'(': lparen, ')': rparen, ',': comma, ';': semicolon, ']': rbracket}

// next returns the next token; at the end of the text, eof for ever.
func (l *lexer) next() token {
	start := l.pos
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
			return l.word(l.pos == start)
		case digit:
			return l.number(l.pos == start)
		case single:
			l.pos++
			return token{kind: singleKind[c], glued: l.pos-1 == start, start: l.pos - 1, end: l.pos}
		case illegal:
			return l.bad(l.pos, l.pos+1, "illegal character")
		}
		skipped, unterminated := l.comment(c)
		if unterminated {
			return l.bad(l.pos, len(l.text), "unterminated comment")
		}
		if !skipped {
			return l.symbol(c, l.pos == start)
		}
	}
	if l.executable {
		l.executable = false
		return l.bad(l.pos, l.pos, "unterminated comment")
	}
	return token{kind: eof, start: l.pos, end: l.pos}
}

// symbol reads a token that starts with c, which is neither blank nor letter
// nor digit, and which starts no comment.
func (l *lexer) symbol(c byte, glued bool) token {
	start, d := l.pos, l.dialect
	t := token{kind: op, glued: glued, start: start, end: start + 1}
	switch c {
	case '\'':
		return l.stringLiteral(start, start+1, '\'', l.backslash, glued)
	case '"':
		if d == MySQL && !l.ansiQuotes {
			return l.stringLiteral(start, start+1, '"', l.backslash, glued)
		}
		return l.quotedName(start, start+1, '"', glued)
	case '`':
		if d != Postgres {
			return l.quotedName(start, start+1, '`', glued)
		}
	case '[':
		if d == SQLite {
			return l.quotedName(start, start+1, ']', glued)
		}
		t.kind = lbracket
	case '.':
		if l.peek(1) != '.' && class[l.peek(1)] == digit {
			return l.number(glued)
		}
		t.kind = dot
	case ':':
		switch {
		case l.peek(1) == ':' && d == Postgres:
			t.kind, t.end = cast, start+2
		case l.peek(1) == '=' && d != SQLite:
			t.kind, t.end = assign, start+2
		case d == SQLite:
			return l.sqliteVariable(glued)
		}
	case '?':
		if d != Postgres {
			t.kind = param
			for t.end < len(l.text) && class[l.text[t.end]] == digit {
				t.end++
			}
		}
	case '$':
		switch d {
		case Postgres:
			return l.dollar(glued)
		case SQLite:
			return l.sqliteVariable(glued)
		}
		// A name in MySQL up to 8.0, a dollar-quoted string from 9.0 on.
		return l.bad(start, start+1, "name that starts with $")
	case '@':
		switch d {
		case MySQL:
			return l.mysqlVariable(glued)
		case SQLite:
			return l.sqliteVariable(glued)
		}
	case '#':
		if d == SQLite {
			return l.bad(start, start+1, "illegal character")
		}
	case '\\':
		if d != MySQL || l.peek(1) != 'N' {
			return l.bad(start, start+1, "illegal character")
		}
		t.kind, t.end = number, start+2 // \N is NULL
	}
	l.pos = t.end
	return t
}

// peek returns the byte n places on, 0 at the end of the text.
func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

func (l *lexer) bad(start, end int, problem string) token {
	l.pos = max(end, start)
	l.problem = problem
	return token{kind: bad, start: start, end: end}
}

// word reads a bare name or a keyword. In PostgreSQL, and only directly before
// a quote, the names e, u& and so on are prefixes of a literal.
func (l *lexer) word(glued bool) token {
	start := l.pos
	if l.dialect == Postgres && start+1 < len(l.text) {
		switch c, n := l.text[start], l.text[start+1]; {
		case c|0x20 == 'e' && n == '\'':
			return l.escapeString(start, glued)
		case c|0x20 == 'u' && n == '&' && l.peek(2) == '\'':
			return l.stringLiteral(start, start+3, '\'', false, glued)
		case c|0x20 == 'u' && n == '&' && l.peek(2) == '"':
			return l.quotedName(start, start+3, '"', glued)
		}
	}
	end := start + 1
	for end < len(l.text) {
		if c := class[l.text[end]]; c != letter && c != digit && l.text[end] != '$' {
			break
		}
		end++
	}
	l.pos = end
	return token{kind: word, key: lookup(l.text[start:end]), glued: glued, start: start, end: end}
}

// byteOrderMark: SQLite takes a byte order mark for a blank, wherever it stands.
func (l *lexer) byteOrderMark() bool {
	return l.dialect == SQLite && l.peek(1) == 0xbb && l.peek(2) == 0xbf
}
