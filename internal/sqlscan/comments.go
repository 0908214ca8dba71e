package sqlscan

import "strings"

// comment skips a comment that starts here with c, if there is one. An
// unterminated one is left where it is: the server may reject the text, or (as
// SQLite does) ignore all that follows.
func (l *lexer) comment(c byte) (skipped, unterminated bool) {
	switch {
	case c == '-' && l.peek(1) == '-' && (l.blankOrControl(2) || l.dialect() != MySQL):
		l.skipLine(2)
		return true, false
	case c == '#' && l.dialect() == MySQL:
		l.skipLine(1)
		return true, false
	case c == '/' && l.peek(1) == '*':
		if l.executableOpens() && l.dialect() == MySQL {
			l.openExecutable()
			return true, false
		}
		return l.blockComment()
	case c == '*' && l.peek(1) == '/' && l.executable:
		l.executable = false
		l.pos += 2
		return true, false
	}
	return false, false
}

// blankOrControl: MySQL takes -- for a comment only if a blank, a control
// character or the end of the text follows; 1--1 is 2.
func (l *lexer) blankOrControl(n int) bool {
	c := l.peek(n)
	return c <= ' ' || c == 0x7f
}

// skipLine skips to the end of the line. PostgreSQL ends a line also at a lone
// carriage return; the others read on. It looks no further than it skips: a search
// for the line feed would go over a text of such lines once for each.
func (l *lexer) skipLine(n int) {
	i := l.pos + n
	for i < len(l.text) && l.text[i] != '\n' && (l.text[i] != '\r' || l.dialect() != Postgres) {
		i++
	}
	l.pos = min(i+1, len(l.text))
}

// blockComment skips /* ... */, nested in PostgreSQL and flat in the others.
func (l *lexer) blockComment() (skipped, unterminated bool) {
	rest := l.text[l.pos+2:]
	end := found(rest, strings.Index(rest, "*/"))
	if end < 0 {
		return false, true
	}
	if strings.HasPrefix(rest, "+") && l.dialect() == MySQL && !closesQuotes(rest[:end]) {
		l.isDisputed = true
		return false, true // MySQL 8 reads names in a hint, and what a */ in one does is not sure
	}
	if nested := strings.Contains(rest[:end+1], "/*"); !nested || l.dialect() != Postgres {
		l.pos += 2 + end + 2
		return true, false
	}
	for depth, i := 1, 0; i+1 < len(rest); i++ {
		switch {
		case rest[i] == '*' && rest[i+1] == '/':
			i++
			if depth--; depth == 0 {
				l.pos += 2 + i + 1
				return true, false
			}
		case rest[i] == '/' && rest[i+1] == '*':
			depth++
			i++
		}
	}
	return false, true
}

// closesQuotes reports whether all quotes of a hint are surely closed in it: with a backslash
// nothing is sure.
func closesQuotes(hint string) bool {
	for {
		i := strings.IndexAny(hint, "'\"`")
		if i < 0 {
			return true
		}
		n := strings.IndexByte(hint[i+1:], hint[i])
		if n < 0 || strings.Contains(hint, `\`) {
			return false
		}
		hint = hint[i+1+n+1:]
	}
}

// executableOpens reports whether the comment here is an executable one of MySQL:
// /*! or /*!50100 or /*M!.
func (l *lexer) executableOpens() bool {
	return l.peek(2) == '!' || l.peek(2)|0x20 == 'm' && l.peek(3) == '!'
}

// openExecutable steps into an executable comment: the server runs its content, or
// not, depending on its version. The content is read as tokens, and the text as a
// whole is remembered as executable.
func (l *lexer) openExecutable() {
	for l.peek(0) != '!' {
		l.pos++
	}
	l.pos++
	for class[l.peek(0)] == digit {
		l.pos++
	}
	l.executable, l.sawExecutable = true, true
}
