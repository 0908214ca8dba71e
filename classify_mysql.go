package multidb

import (
	"slices"
	"strings"

	"github.com/xwb1989/sqlparser"
)

// What the scanner calls a read in MySQL text has to stand before a second witness:
// a parser that was made for MySQL and builds a real tree. It knows the MySQL of 5.7
// without common table expressions, window functions and much else, so that its
// silence means nothing; but what it does understand, and finds to be more than a
// plain read, is no read, and a table that it sees and we do not makes our tables
// incomplete. Of what is no read anyway it is not asked: it could only add to the
// tables of a statement that goes to the primary in any case.
//
// What it is worth: of 93,000 texts of MariaDB's own test suite it understands
// 38,000, and contradicts the scanner about none, neither in the verdict nor in
// the tables. What it costs: 15 to 35 microseconds, 120 allocations and 60 KB for
// a statement of a usual length, twenty times as much as the scanner or more. So it is
// asked about the verdict only if the text could make it object at all, and about the
// tables only by a Connector whose rules or router ask for these. It recurses, so it is
// not given long texts.
const longestWitnessed = 4 << 10

// crossExamine lets the second witness speak about a statement, if a lock may be seen in
// it, and about its tables even if it could say nothing else. It can make what is known
// about the statement less certain, never more.
func (s *Statement) crossExamine(query string, mayLock, tablesToo bool) {
	if s.Kind != KindRead || s.Verb != "select" || len(query) > longestWitnessed || !tablesToo && !mayObject(query, mayLock) {
		return
	}
	tree := parseMySQL(query)
	if tree == nil {
		return
	}
	reason, tables := testimony(tree)
	if reason != "" {
		s.Kind, s.Reason, s.Mutates, s.TablesKnown = KindWrite, reason, true, false
	}
	for _, name := range tables {
		// It folds names that are spelled like its keywords: information_schema.TABLES.
		same := func(ours string) bool { return strings.EqualFold(ours, name) }
		if !slices.ContainsFunc(s.Reads, same) && !slices.ContainsFunc(s.Writes, same) {
			s.Reads = append(s.Reads, name)
			s.TablesKnown = false
		}
	}
}

// mayObject reports whether the second witness could find a text to be no plain read.
// In a text that begins with SELECT or a parenthesis its grammar has nothing but
// queries, and in these it objects to FOR UPDATE, LOCK IN SHARE MODE and NEXT VALUE:
// without one of their words anywhere it cannot. mayLock is what the scanner says
// about these words; if it is not sure, all of the text is looked at.
func mayObject(query string, mayLock bool) bool {
	text := query
	for text != "" && text[0] <= ' ' {
		text = text[1:]
	}
	if !strings.HasPrefix(text, "(") && (len(text) < len("select ") || !spells(text[:len("select")], "select")) {
		return true
	}
	return mayLock && (containsWord(text, "for", 0) || containsWord(text, "lock", 3) || containsWord(text, "next", 2))
}

// containsWord reports whether text has a word in it, in letters of any case, that is
// not part of a longer one. It looks for one letter of the word, a rare one, as to find a
// byte is much quicker than to look at each.
func containsWord(text, word string, rare int) bool {
	for _, letter := range [2]byte{word[rare], word[rare] &^ 0x20} {
		for i := rare; i < len(text); i++ {
			n := strings.IndexByte(text[i:], letter)
			if n < 0 {
				break
			}
			i += n
			if from, end := i-rare, i-rare+len(word); end <= len(text) && spells(text[from:end], word) &&
				(from == 0 || !isNameLetter(text[from-1])) && (end == len(text) || !isNameLetter(text[end])) {
				return true
			}
		}
	}
	return false
}

// isNameLetter reports whether a name of the second witness goes on with c, wherever it
// stands. A digit may be none: in /*!50000for update*/ it belongs to the comment.
func isNameLetter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '@'
}

// spells reports whether s is a word of small letters, in letters of any case. They
// are of one length.
func spells(s, word string) bool {
	for i := range len(word) {
		if s[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// parseMySQL returns nil for what the parser does not understand, and for what
// makes it panic: it does so on some texts.
func parseMySQL(query string) (tree sqlparser.Statement) {
	defer func() {
		if recover() != nil {
			tree = nil
		}
	}()
	tree, err := sqlparser.Parse(query)
	if err != nil {
		return nil
	}
	return tree
}

// testimony says why a tree is more than a plain read, if it is, and which
// tables are in it, named as Statement names them.
func testimony(tree sqlparser.Statement) (reason string, tables []string) {
	switch tree.(type) {
	case *sqlparser.Select, *sqlparser.Union, *sqlparser.ParenSelect:
	default:
		reason = "second opinion: no query"
	}
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		switch n := node.(type) {
		case *sqlparser.Select:
			if n.Lock != "" {
				reason = "second opinion: lock"
			}
		case *sqlparser.Union:
			if n.Lock != "" {
				reason = "second opinion: lock"
			}
		case sqlparser.Nextval:
			reason = "second opinion: sequence"
		case *sqlparser.AliasedTableExpr:
			if t, ok := n.Expr.(sqlparser.TableName); ok {
				tables = appendTable(tables, t)
			}
		}
		return true, nil
	}, tree)
	return reason, tables
}

func appendTable(tables []string, t sqlparser.TableName) []string {
	switch name := t.Name.String(); {
	case t.Qualifier.IsEmpty() && (name == "" || name == "dual"):
		return tables
	case t.Qualifier.IsEmpty():
		return append(tables, name)
	default:
		return append(tables, t.Qualifier.String()+"."+name)
	}
}
