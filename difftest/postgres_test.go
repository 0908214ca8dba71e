//go:build difftest

package difftest

import (
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/testdb"
	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// facts are what a tree says about a statement.
type facts struct {
	read      bool   // only nodes that read, but for what functions do
	why       string // the node that is none
	tables    []string
	functions []string // without pg_catalog
	names     bool     // it has names of tables that the tree does not mark as such, or the reverse
}

// readNodes are the statements that read. All other statements do not.
var readNodes = map[string]bool{
	"SelectStmt": true, "VariableShowStmt": true, "ExplainStmt": true, "RawStmt": true,
}

// examine walks over a tree of PostgreSQL's parser.
func examine(m protoreflect.Message, f *facts, ctes []string) {
	name := string(m.Descriptor().Name())
	field := func(n string) protoreflect.Value {
		return m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(n)))
	}
	switch {
	case name == "DropStmt", name == "ConstraintsSetStmt":
		f.refuse(name)
		f.names = true
	case strings.HasSuffix(name, "Stmt") && !readNodes[name]:
		f.refuse(name)
	case name == "LockingClause":
		f.refuse(name)
		return // FOR UPDATE OF names aliases
	case name == "IntoClause":
		f.refuse(name)
		examine(field("rel").Message(), f, nil) // never a WITH member
		return
	}
	switch name {
	case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		examine(field("relation").Message(), f, nil) // never a WITH member
	}
	switch name {
	case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		if with := field("with_clause"); m.Has(m.Descriptor().Fields().ByName("with_clause")) {
			ctes = examineWith(with.Message(), f, ctes)
		}
	case "FuncCall":
		f.functions = append(f.functions, functionName(field("funcname").List()))
	case "RangeVar":
		table, schema := field("relname").String(), field("schemaname").String()
		if catalog := field("catalogname").String(); catalog != "" {
			schema = catalog + "." + schema
		}
		switch {
		case schema != "":
			f.tables = append(f.tables, schema+"."+table)
		case !slices.Contains(ctes, table):
			f.tables = append(f.tables, table)
		}
		return
	}
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if d.Name() == "with_clause" {
			return true // done
		}
		switch {
		case d.IsList() && d.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				examine(v.List().Get(i).Message(), f, ctes)
			}
		case d.Kind() == protoreflect.MessageKind && !d.IsMap():
			examine(v.Message(), f, ctes)
		}
		return true
	})
}

// examineWith walks over the members of WITH, and returns the names that are in
// sight behind it: of a member, those before it; if it is recursive, all.
func examineWith(with protoreflect.Message, f *facts, ctes []string) []string {
	fields := with.Descriptor().Fields()
	list := with.Get(fields.ByName("ctes")).List()
	recursive := with.Get(fields.ByName("recursive")).Bool()
	ctes = slices.Clone(ctes)
	name := func(i int) (string, protoreflect.Message) {
		node := list.Get(i).Message()
		cte := node.Get(node.Descriptor().Fields().ByName("common_table_expr")).Message()
		return cte.Get(cte.Descriptor().Fields().ByName("ctename")).String(), cte
	}
	if recursive {
		for i := range list.Len() {
			n, _ := name(i)
			ctes = append(ctes, n)
		}
	}
	for i := range list.Len() {
		n, cte := name(i)
		examine(cte, f, ctes)
		if !recursive {
			ctes = append(ctes, n)
		}
	}
	return ctes
}

// functionName joins the parts of a name in a tree.
func functionName(list protoreflect.List) string {
	var parts []string
	for i := range list.Len() {
		node := list.Get(i).Message()
		s := node.Get(node.Descriptor().Fields().ByName("string")).Message()
		parts = append(parts, s.Get(s.Descriptor().Fields().ByName("sval")).String())
	}
	return strings.TrimPrefix(strings.Join(parts, "."), "pg_catalog.")
}

func (f *facts) refuse(why string) {
	if f.read {
		f.read, f.why = false, why
	}
}

func postgresFacts(query string) (facts, bool) {
	tree, err := pg_query.Parse(query)
	if err != nil || len(tree.Stmts) == 0 {
		return facts{}, false
	}
	f := facts{read: true}
	for _, stmt := range tree.Stmts {
		// What EXPLAIN does not run does not count; COPY TO STDOUT reads.
		switch node := stmt.Stmt.Node.(type) {
		case *pg_query.Node_ExplainStmt:
			runs := false
			for _, o := range node.ExplainStmt.Options {
				if e := o.GetDefElem(); e.GetDefname() == "analyze" {
					v := e.GetArg().GetString_().GetSval()
					number := e.GetArg().GetInteger()
					runs = v != "off" && v != "false" && (number == nil || number.Ival != 0)
				}
			}
			if !runs {
				plan := facts{read: true}
				examine(stmt.ProtoReflect(), &plan, nil)
				f.tables = append(f.tables, plan.tables...)
				f.functions = append(f.functions, plan.functions...)
				if !plan.read && plan.why == "LockingClause" {
					f.refuse(plan.why) // it plans on the primary only
				}
				continue
			}
		case *pg_query.Node_CopyStmt:
			if c := node.CopyStmt; !c.IsFrom && !c.IsProgram && c.Filename == "" {
				if c.Relation != nil {
					examine(c.Relation.ProtoReflect(), &f, nil)
				} else {
					examine(c.Query.ProtoReflect(), &f, nil)
				}
				continue
			}
		}
		examine(stmt.ProtoReflect(), &f, nil)
	}
	return f, true
}

// TestPostgres: what is a read to us has a tree that reads, and the tables that
// we are sure of are those of the tree. A read is lost if its tree reads and calls
// only functions of the server that the catalogue calls immutable or stable.
func TestPostgres(t *testing.T) {
	cluster := testdb.Postgres(t)
	plain := open(t, "pgx", cluster.Primary().DSN(cluster.Database(t)))
	harmless := strings.Fields(plain.value(`SELECT string_agg(proname, ' ') FROM (
		SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname HAVING max(provolatile) < 'v') f`))
	c := newCount()
	for _, query := range collected(t, sqlcases.Postgres, ".sql") {
		f, ok := postgresFacts(query)
		if !ok {
			continue
		}
		s := multidb.Classify(multidb.Postgres, query)
		calls := slices.ContainsFunc(f.functions, func(name string) bool { return !slices.Contains(harmless, name) })
		c.add(t, query, s, f.read && !calls)
		c.compare(t, multidb.Postgres, query, s, &f)
	}
	c.report(t)
}
