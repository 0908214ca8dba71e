package multidb

import (
	"slices"

	"github.com/xwb1989/sqlparser"
)

// MySQL text has a second witness: a parser that was made for MySQL and builds a
// real tree. It knows the MySQL of 5.7 without common table expressions, window
// functions, RETURNING and much else, so that its silence means nothing; but
// what it does understand, and finds to be more than a plain read, is no read,
// and a table that it sees and we do not makes our tables incomplete.
//
// It costs some 10 microseconds and 50 to 100 allocations for a statement of a
// usual length, which the cache of facts pays once. It is slower than linear on
// no text that we know, but it recurses, so it is not given long ones.
const longestWitnessed = 4 << 10

// crossExamine lets the second witness speak about a statement. It can make
// what is known about the statement less certain, never more.
func (s *Statement) crossExamine(query string) {
	if len(query) > longestWitnessed {
		return
	}
	switch s.Verb { // what changes tables it would also write to the log
	case "select", "insert", "update", "delete", "replace":
	default:
		return
	}
	tree := parseMySQL(query)
	if tree == nil {
		return
	}
	if s.Kind == KindRead {
		if reason := notPlainRead(tree); reason != "" {
			s.Kind, s.Reason, s.Mutates, s.TablesKnown = KindWrite, reason, true, false
		}
	}
	for _, name := range treeTables(tree) {
		if !slices.Contains(s.Reads, name) && !slices.Contains(s.Writes, name) {
			s.Reads = append(s.Reads, name)
			s.TablesKnown = false
		}
	}
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

// notPlainRead says why a tree is more than a plain read, or "".
func notPlainRead(tree sqlparser.Statement) (reason string) {
	switch tree.(type) {
	case *sqlparser.Select, *sqlparser.Union, *sqlparser.ParenSelect:
	default:
		return "second opinion: no query"
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
		case sqlparser.Nextval, *sqlparser.Nextval:
			reason = "second opinion: sequence"
		}
		return true, nil
	}, tree)
	return reason
}

// treeTables returns the tables in a tree, named as Statement names them.
func treeTables(tree sqlparser.Statement) (names []string) {
	add := func(t sqlparser.TableName) {
		name := t.Name.String()
		if name == "" || name == "dual" && t.Qualifier.IsEmpty() {
			return
		}
		if !t.Qualifier.IsEmpty() {
			name = t.Qualifier.String() + "." + name
		}
		names = append(names, name)
	}
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		switch n := node.(type) {
		case *sqlparser.AliasedTableExpr:
			if t, ok := n.Expr.(sqlparser.TableName); ok {
				add(t)
			}
		case *sqlparser.Insert:
			add(n.Table)
		}
		return true, nil
	}, tree)
	return names
}
