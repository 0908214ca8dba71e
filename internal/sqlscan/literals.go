package sqlscan

import "strings"

// stringLiteral reads a string whose content begins at from. A doubled quote
// stands for itself; so does what follows a backslash, if those escape here.
func (l *lexer) stringLiteral(t *token, start, from int, quote byte, backslash bool) {
	end, ok := l.closeQuote(from, quote, backslash)
	if !ok {
		l.bad(t, start, "unterminated string")
		return
	}
	l.pos = end
	*t = token{kind: str, start: uint32(start), end: uint32(end)}
}

// quotedName reads a quoted identifier whose content begins at from. SQLite's
// [name] has no way to double its end.
func (l *lexer) quotedName(t *token, start, from int, quote byte) {
	end, ok := l.closeQuote(from, quote, false)
	if !ok {
		l.bad(t, start, "unterminated name")
		return
	}
	l.pos = end
	*t = token{kind: quoted, start: uint32(start), end: uint32(end)}
}

// closeQuote returns the position after the closing quote.
//
// A backslash before a quote is where servers part: a setting (PostgreSQL's
// standard_conforming_strings, MySQL's NO_BACKSLASH_ESCAPES) says whether it
// escapes. The text is then ambiguous, and both readings are looked at.
func (l *lexer) closeQuote(i int, quote byte, backslash bool) (end int, ok bool) {
	text := l.text
	for n := i; n+1 < len(text) && n < i+24; n++ { // most are short and plain
		if c := text[n]; c == quote {
			if text[n+1] != quote {
				return n + 1, true
			}
			break
		} else if c == '\\' {
			break
		}
	}
	from := i
	for {
		n := found(text[i:], strings.IndexByte(text[i:], quote))
		if n < 0 {
			return len(text), false
		}
		i += n
		if slashes := backslashesBefore(text[from:i]); slashes%2 == 1 && l.escapable(quote) {
			l.ambiguous = true
			if backslash {
				i++
				from = i
				continue
			}
		}
		i++
		if quote == ']' || i == len(text) || text[i] != quote {
			return i, true
		}
		i++
		from = i
	}
}

// escapable reports whether some setting makes a backslash escape this quote.
func (l *lexer) escapable(quote byte) bool {
	switch l.dialect() {
	case Postgres:
		return quote == '\''
	case MySQL:
		return quote == '\'' || quote == '"'
	}
	return false
}

// backslashesBefore counts the backslashes at the end of s. Between two quotes
// each byte is counted at most once, so the whole stays linear.
func backslashesBefore(s string) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n
}

// escapeString reads PostgreSQL's E'...'. A string that goes on after a line
// break ('a' newline 'b') goes on by the rules of its first part, so that a
// backslash escapes there too.
func (l *lexer) escapeString(t *token, start int) {
	from := start + 2
	for {
		wasAmbiguous := l.ambiguous
		end, ok := l.closeQuote(from, '\'', true)
		l.ambiguous = wasAmbiguous // not here: E says which reading is meant
		if !ok {
			l.bad(t, start, "unterminated string")
			return
		}
		l.pos = end
		next, goesOn := l.continuation(end)
		if !goesOn {
			*t = token{kind: str, start: uint32(start), end: uint32(end)}
			return
		}
		from = next
	}
}

// continuation finds the next part of a string that ended at i: blanks and line
// comments with at least one line break among them, then a quote.
func (l *lexer) continuation(i int) (from int, ok bool) {
	broken := false
	for from := i; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\n' || c == '\r':
			broken = true
		case class[c] == blank:
		case c == '-' && i+1 < len(l.text) && l.text[i+1] == '-':
			n := found(l.text[i:], strings.IndexAny(l.text[i:], "\r\n"))
			if n < 0 {
				return 0, false
			}
			i += n
			broken = true
		default:
			look(i - from)
			return i + 1, broken && c == '\''
		}
	}
	return 0, false
}

// dollar reads what starts with $ in PostgreSQL: a parameter ($1) or a
// dollar-quoted string ($$...$$, $tag$...$tag$). A $ inside a name never gets
// here: it belongs to the name.
func (l *lexer) dollar(t *token) {
	start, i := l.pos, l.pos+1
	if class[l.peek(1)] == digit {
		for i < len(l.text) && class[l.text[i]] == digit {
			i++
		}
		l.pos = i
		*t = token{kind: param, start: uint32(start), end: uint32(i)}
		return
	}
	for i < len(l.text) && (class[l.text[i]] == letter || class[l.text[i]] == digit) {
		i++
	}
	if i == len(l.text) || l.text[i] != '$' {
		l.bad(t, start, "illegal character")
		return
	}
	tag := l.text[start : i+1]
	n := found(l.text[i+1:], strings.Index(l.text[i+1:], tag))
	if n < 0 {
		l.bad(t, start, "unterminated string")
		return
	}
	l.pos = i + 1 + n + len(tag)
	*t = token{kind: str, start: uint32(start), end: uint32(l.pos)}
}

// dollarName reads what starts with $ in MySQL: a name, $1 too. With another $ in
// it, it is a name up to 8.0 and opens a dollar-quoted string from 9.0 on.
func (l *lexer) dollarName(t *token) {
	start, end := l.pos, l.pos+1
	for end < len(l.text) && inName[l.text[end]] {
		end++
	}
	if strings.IndexByte(l.text[start+1:end], '$') >= 0 {
		l.disputed(t, start, "name that starts with $")
		return
	}
	l.pos = end
	*t = token{kind: word, start: uint32(start), end: uint32(end)}
}

// number reads a numeric literal. What follows it directly is a token of its
// own (1into is 1 and INTO, as PostgreSQL read it up to 14), except in MySQL,
// where a name may start with digits.
func (l *lexer) number(t *token, glued bool) {
	start, text := l.pos, l.text
	if l.last == dot && glued && l.dialect() == MySQL {
		l.word(t)
		return
	}
	i := start
	if text[i] == '0' && i+1 < len(text) && (text[i+1] == 'x' || text[i+1] == 'X') && (l.isHexNumber() || l.dialect() != MySQL) {
		i += 2
		for i < len(text) && isHex(text[i]) {
			i++
		}
		l.endNumber(t, start, i)
		return
	}
	i = l.digits(i)
	if i < len(text) && text[i] == '.' && (i+1 == len(text) || text[i+1] != '.') {
		mantissa := l.digits(i + 1)
		i = l.exponent(mantissa)
		if i == mantissa && i < len(text) && text[i]|0x20 == 'e' && l.dialect() == MySQL {
			l.disputed(t, start, "number without an exponent") // some versions read f 1.e+(1) as f (1)
			return
		}
		l.pos = i
		*t = token{kind: number, start: uint32(start), end: uint32(i)}
		return
	}
	if e := l.exponent(i); e > i {
		l.pos = e
		*t = token{kind: number, start: uint32(start), end: uint32(e)}
		return
	}
	l.endNumber(t, start, i)
}

// isHexNumber reports whether MySQL takes what begins with 0x for a number, and not for a name.
func (l *lexer) isHexNumber() bool { return l.peek(1) == 'x' && isHex(l.peek(2)) }

// endNumber ends an integer at i, or makes a name of it where MySQL does.
func (l *lexer) endNumber(t *token, start, i int) {
	if i < len(l.text) && (class[l.text[i]] == letter || l.text[i] == '$') && l.dialect() == MySQL {
		l.word(t)
		t.key = notKeyword
		return
	}
	l.pos = i
	*t = token{kind: number, start: uint32(start), end: uint32(i)}
}

// digits skips digits, and in SQLite and new PostgreSQL the _ between two of them.
func (l *lexer) digits(i int) int {
	for i < len(l.text) && (class[l.text[i]] == digit ||
		l.text[i] == '_' && i+1 < len(l.text) && class[l.text[i+1]] == digit && l.dialect() != MySQL) {
		i++
	}
	return i
}

func (l *lexer) exponent(i int) int {
	if i == len(l.text) || l.text[i]|0x20 != 'e' {
		return i
	}
	n := i + 1
	if n < len(l.text) && (l.text[n] == '+' || l.text[n] == '-') {
		n++
	}
	if n == len(l.text) || class[l.text[n]] != digit {
		return i
	}
	for n < len(l.text) && class[l.text[n]] == digit {
		n++
	}
	return n
}

func isHex(c byte) bool {
	return class[c] == digit || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// mysqlVariable reads @name, @'name', @@name, @@global.name. The name of a
// system variable goes on after dots, so that it is one token.
func (l *lexer) mysqlVariable(t *token) {
	start := l.pos
	*t = token{kind: userVar, start: uint32(start)}
	l.pos++
	if l.peek(0) == '@' {
		t.kind = systemVar
		l.pos++
	}
	closed := false // behind a quoted part, with which a name ends, but for a dot
	if c := l.peek(0); c == '\'' || c == '"' || c == '`' {
		if !l.variablePart(t, c) {
			return
		}
		closed = true
	}
	for l.pos < len(l.text) && !(closed && t.kind == userVar) {
		c := l.text[l.pos]
		if c == '`' && t.kind == systemVar && l.text[l.pos-1] == '.' {
			if !l.variablePart(t, c) {
				return
			}
			closed = true
			continue
		}
		if k := class[c]; c != '.' && (closed || k != letter && k != digit && c != '$') {
			break
		}
		closed = false
		l.pos++
	}
	t.end = uint32(l.pos)
}

// variablePart reads a quoted part of a variable's name.
func (l *lexer) variablePart(t *token, quote byte) bool {
	end, ok := l.closeQuote(l.pos+1, quote, quote != '`' && l.backslash)
	if !ok {
		l.bad(t, int(t.start), "unterminated name")
		return false
	}
	l.pos = end
	return true
}

// sqliteVariable reads :name, @name and $name. Like SQLite, which takes them
// from Tcl, it lets a name have :: in it and end in a suffix (...).
func (l *lexer) sqliteVariable(t *token) {
	start, i := l.pos, l.pos+1
	named := false
	for ; i < len(l.text); i++ {
		c := l.text[i]
		if k := class[c]; k == letter || k == digit || c == '$' {
			named = true
			continue
		}
		if c == ':' && i+1 < len(l.text) && l.text[i+1] == ':' {
			i++
			continue
		}
		if c == '(' && named {
			n := found(l.text[i:], strings.IndexAny(l.text[i:], ") \t\n\v\f\r\x00"))
			if n < 0 || l.text[i+n] != ')' {
				l.bad(t, start, "illegal variable")
				return
			}
			i += n + 1
		}
		break
	}
	if !named {
		l.bad(t, start, "illegal character")
		return
	}
	l.pos = i
	*t = token{kind: param, start: uint32(start), end: uint32(i)}
}
