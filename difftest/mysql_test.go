//go:build difftest

package difftest

import (
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// mysqlVisitor collects facts from a tree of TiDB's parser.
type mysqlVisitor struct {
	facts
}

func (v *mysqlVisitor) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.SelectStmt:
		if n.LockInfo != nil && n.LockInfo.LockType != ast.SelectLockNone {
			v.refuse("lock")
			v.names = true // FOR UPDATE OF names aliases
		}
		if n.SelectIntoOpt != nil {
			v.refuse("INTO")
		}
		v.names = v.names || n.With != nil // its names are in sight here and there
	case *ast.SetOprStmt:
		v.names = v.names || n.With != nil
	case *ast.CommonTableExpression:
		v.names = true
	case *ast.ShowStmt:
		v.names = true // it names tables in fields of its own
	case *ast.ExplainStmt:
		if _, describes := n.Stmt.(*ast.ShowStmt); describes {
			v.names = true
		}
	case *ast.VariableExpr:
		if n.Value != nil || !n.IsSystem {
			v.refuse("user variable")
		}
	case *ast.FuncCallExpr:
		if name := strings.TrimSuffix(n.FnName.L, "_func"); name[0] != '\'' { // a literal: TIME '10:00'
			v.functions = append(v.functions, name)
		}
	case *ast.TableName:
		name := n.Name.O
		if n.Schema.O != "" {
			v.tables = append(v.tables, n.Schema.O+"."+name)
		} else if !strings.EqualFold(name, "dual") {
			v.tables = append(v.tables, name)
		}
	case ast.StmtNode:
		switch n.(type) {
		case *ast.SetOprStmt:
		default:
			v.refuse("statement")
		}
	}
	return n, false
}

func (v *mysqlVisitor) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// parse returns nil for what TiDB does not take, or panics about.
func parse(p *parser.Parser, query string) (tree ast.StmtNode) {
	defer func() {
		if recover() != nil {
			tree = nil
		}
	}()
	trees, _, err := p.Parse(query, "", "")
	if err != nil || len(trees) != 1 {
		return nil
	}
	return trees[0]
}

// mysqlFacts are what TiDB's parser says about a statement.
func mysqlFacts(p *parser.Parser, query string) (*facts, bool) {
	tree := parse(p, query)
	if tree == nil || strings.Contains(query, "/*!") || strings.Contains(query, "/*M!") { // TiDB has executable comments of its own
		return nil, false
	}
	v := mysqlVisitor{facts: facts{read: true}}
	switch tree.(type) {
	case *ast.BRIEStmt, *ast.TrafficStmt: // of TiDB alone
		return nil, false
	case *ast.SelectStmt, *ast.SetOprStmt:
	default:
		v.names = true
	}
	tree.Accept(&v)
	return &v.facts, true
}

// TestMySQL is TestPostgres with another tree. It does not know MariaDB, so that
// much of MariaDB's suite is not compared. A read is lost if it calls only functions
// that MariaDB has, but for those that we know to do something.
func TestMySQL(t *testing.T) {
	cluster := testdb.MariaDB(t)
	plain := open(t, "mysql", cluster.Primary().DSN(cluster.Database(t)))
	plain.must("SET group_concat_max_len = 1000000")
	builtin := strings.Fields(strings.ToLower(plain.value("SELECT GROUP_CONCAT(function SEPARATOR ' ') FROM information_schema.sql_functions")))
	harmless := func(name string) bool {
		s := multidb.Classify(multidb.MySQL, "SELECT "+name+"('', '')")
		return slices.Contains(builtin, name) && (s.Kind == multidb.KindRead || s.Mutates && name != "nextval" && name != "setval")
	}
	p := parser.New()
	c := newCount()
	for _, query := range collected(t, sqlcases.MySQL, ".test") {
		f, ok := mysqlFacts(p, query)
		if !ok {
			continue
		}
		s := multidb.Classify(multidb.MySQL, query)
		calls := slices.ContainsFunc(f.functions, func(name string) bool { return !harmless(name) })
		c.add(t, query, s, f.read && !calls)
		c.compare(t, multidb.MySQL, query, s, f)
	}
	c.report(t)
}
