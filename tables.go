package multidb

import "strings"

// tablePattern is a pattern of Rule.Tables, in lower case, cut at its dots and
// each part at its stars.
type tablePattern [][]string

// newTablePattern reports whether the pattern is well formed, too: one to three
// names (a catalog, a schema and a table at most) with no sign in them that only
// another kind of pattern, or a quoted name, would have.
func newTablePattern(pattern string) (p tablePattern, ok bool) {
	if strings.ContainsAny(pattern, " \t\r\n\"'`?[]{}()\\/;,%") {
		return nil, false
	}
	parts := strings.Split(strings.ToLower(pattern), ".")
	for _, part := range parts {
		if part == "" {
			return nil, false
		}
		p = append(p, strings.Split(part, "*"))
	}
	return p, len(parts) <= 3
}

// match reports whether the pattern fits the table, whose name may be qualified.
// Parts are compared from the right, so a name may have more of them than the
// pattern, but not fewer.
func (p tablePattern) match(table string) bool {
	rest := strings.ToLower(table)
	for i := len(p) - 1; i >= 0; i-- {
		dot := strings.LastIndexByte(rest, '.')
		if !matchStars(p[i], rest[dot+1:]) || dot < 0 && i > 0 {
			return false
		}
		rest = rest[:max(dot, 0)]
	}
	return true
}

// matchStars reports whether the name is the pieces in their order, with anything
// between two of them.
func matchStars(pieces []string, name string) bool {
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(pieces) == 1 {
		return name == first
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	name, ok = strings.CutSuffix(name, last)
	if !ok {
		return false
	}
	// The leftmost place for each piece leaves the most room for the rest.
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(name, piece)
		if i < 0 {
			return false
		}
		name = name[i+len(piece):]
	}
	return true
}
