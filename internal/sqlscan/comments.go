package sqlscan

import "strings"

// comment skips a comment that starts here with c, if there is one. An
// unterminated one is left where it is: the server may reject the text, or (as
// SQLite does) ignore all that follows.
func (l *lexer) comment(c byte) (skipped, unterminated bool) {
	switch {
	case c == '-' && l.peek(1) == '-' && (l.dialect != MySQL || l.blankOrControl(2)):
		l.skipLine(2)
		return true, false
	case c == '#' && l.dialect == MySQL:
		l.skipLine(1)
		return true, false
	case c == '/' && l.peek(1) == '*':
		if l.dialect == MySQL && l.openExecutable() {
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
// carriage return; the others read on.
func (l *lexer) skipLine(n int) {
	end := "\n"
	if l.dialect == Postgres {
		end = "\r\n"
	}
	if i := strings.IndexAny(l.text[l.pos+n:], end); i >= 0 {
		l.pos += n + i + 1
		return
	}
	l.pos = len(l.text)
}

// blockComment skips /* ... */, nested in PostgreSQL and flat in the others.
func (l *lexer) blockComment() (skipped, unterminated bool) {
	rest := l.text[l.pos+2:]
	if l.dialect != Postgres {
		i := strings.Index(rest, "*/")
		if i < 0 {
			return false, true
		}
		l.pos += 2 + i + 2
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

// openExecutable steps into an executable comment (/*! or /*!50100 or /*M!):
// the server runs its content, or not, depending on its version. The content is
// read as tokens, and the text as a whole is remembered as executable.
func (l *lexer) openExecutable() bool {
	n := 2
	if l.peek(n)|0x20 == 'm' {
		n++
	}
	if l.peek(n) != '!' {
		return false
	}
	for n++; class[l.peek(n)] == digit; n++ {
	}
	l.pos += n
	l.executable, l.sawExecutable = true, true
	return true
}
