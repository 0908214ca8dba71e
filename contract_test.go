package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

// interfacesOfDriver are all interfaces of database/sql/driver, with where
// multidb answers for them.
var interfacesOfDriver = map[string]string{
	"ColumnConverter":                "child statement, args.go",
	"Conn":                           "Conn",
	"ConnBeginTx":                    "Conn",
	"ConnPrepareContext":             "Conn",
	"Connector":                      "Connector",
	"Driver":                         "Driver",
	"DriverContext":                  "Driver",
	"Execer":                         "child, child.go",
	"ExecerContext":                  "Conn",
	"NamedValueChecker":              "Conn and stmt accept all, args.go asks the child's",
	"Pinger":                         "Conn",
	"Queryer":                        "child, child.go",
	"QueryerContext":                 "Conn",
	"Result":                         "the child's own is handed on",
	"Rows":                           "the child's own are handed on, with all that they can do",
	"RowsColumnScanner":              "as Rows",
	"RowsColumnTypeDatabaseTypeName": "as Rows",
	"RowsColumnTypeLength":           "as Rows",
	"RowsColumnTypeNullable":         "as Rows",
	"RowsColumnTypePrecisionScale":   "as Rows",
	"RowsColumnTypeScanType":         "as Rows",
	"RowsNextResultSet":              "as Rows",
	"SessionResetter":                "Conn",
	"Stmt":                           "stmt",
	"StmtExecContext":                "stmt",
	"StmtQueryContext":               "stmt",
	"Tx":                             "tx",
	"Validator":                      "Conn",
	"ValueConverter":                 "no object of a connection",
	"Valuer":                         "no object of a connection",
	"decimalDecompose":               "of values, by their methods",
}

// sinceGo127 are those that the older of the supported releases has not.
var sinceGo127 = map[string]bool{"RowsColumnScanner": true}

// A new Go release may add an interface, which multidb would then hide.
func TestAllInterfacesOfTheDriverPackageAreKnown(t *testing.T) {
	pkg, err := importer.ForCompiler(token.NewFileSet(), "source", nil).Import("database/sql/driver")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, name := range pkg.Scope().Names() {
		object, isType := pkg.Scope().Lookup(name).(*types.TypeName)
		if !isType || !types.IsInterface(object.Type()) || name == "Value" {
			continue
		}
		found[name] = true
		if interfacesOfDriver[name] == "" {
			t.Errorf("driver.%s is not in the table: find out what database/sql does with it", name)
		}
	}
	for name := range interfacesOfDriver {
		if !found[name] && !sinceGo127[name] {
			t.Errorf("driver.%s is in the table but not in the package", name)
		}
	}
}

// The golden traces: what a child with all interfaces sees, call by call. They
// are also what it sees without multidb.
func TestTraces(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*probe)
		want []string
	}{
		{"Exec", func(p *probe) {
			p.exec(p.db, "INSERT INTO t VALUES (?)", 1)
			p.exec(p.db, "DELETE FROM t")
		}, []string{
			"Dial", "#1 Check int", "#1 Exec INSERT INTO t VALUES (?) [int64 1]", "#1 IsValid",
			"#1 Reset", "#1 Exec DELETE FROM t", "#1 IsValid",
			"#1 Close", "Connector.Close",
		}},
		{"Ping", func(p *probe) {
			p.err("ping", p.db.Ping())
			p.err("ping", p.db.Ping())
		}, []string{
			"Dial", "#1 Ping", "#1 IsValid", "#1 Reset", "#1 Ping", "#1 IsValid", "#1 Close", "Connector.Close",
		}},
		{"Query", func(p *probe) {
			p.rows(p.db.Query("SELECT ?", 1))
		}, []string{
			"Dial", "#1 Check int", "#1 Query SELECT ? [int64 1]", "#1 Next", "#1 Next", "#1 HasNextResultSet",
			"#1 Rows.Close", "#1 IsValid",
			"#1 Close", "Connector.Close",
		}},
		{"QueryRow", func(p *probe) {
			p.value(p.db, "SELECT 1")
		}, []string{
			"Dial", "#1 Query SELECT 1", "#1 Next", "#1 Rows.Close", "#1 IsValid", "#1 Close", "Connector.Close",
		}},
		{"Prepare", func(p *probe) {
			stmt, err := p.db.Prepare("INSERT INTO t VALUES (?)")
			p.err("prepare", err)
			_, err = stmt.Exec(1)
			p.err("exec", err)
		}, []string{
			"Dial", "#1 Prepare INSERT INTO t VALUES (?)", "#1 IsValid",
			"#1 Reset", "#1 NumInput", "#1 Stmt.Check int", "#1 Stmt.Convert 0",
			"#1 Stmt.Exec INSERT INTO t VALUES (?) [string text 1]", "#1 IsValid",
			"#1 Stmt.Close INSERT INTO t VALUES (?)", "#1 Close", "Connector.Close",
		}},
		{"Tx", func(p *probe) {
			outside, err := p.db.Prepare("DELETE FROM t")
			p.err("prepare", err)
			tx, err := p.db.Begin()
			p.err("begin", err)
			p.exec(tx, "INSERT INTO t VALUES (1)")
			_, err = tx.Stmt(outside).Exec()
			p.err("Tx.Stmt", err)
			inside, err := tx.Prepare("UPDATE t SET a = 1")
			p.err("Tx.Prepare", err)
			_, err = inside.Exec()
			p.err("exec", err)
			p.err("commit", tx.Commit())
		}, []string{
			"Dial", "#1 Prepare DELETE FROM t", "#1 IsValid",
			"#1 Reset", "#1 Begin", "#1 Exec INSERT INTO t VALUES (1)",
			"#1 NumInput", "#1 Stmt.Exec DELETE FROM t",
			"#1 Prepare UPDATE t SET a = 1", "#1 NumInput", "#1 Stmt.Exec UPDATE t SET a = 1",
			"#1 Commit", "#1 Stmt.Close UPDATE t SET a = 1", "#1 IsValid",
			"#1 Stmt.Close DELETE FROM t", "#1 Close", "Connector.Close",
		}},
		{"Conn", func(p *probe) {
			conn, err := p.db.Conn(p.Context())
			p.err("conn", err)
			p.exec(conn, "INSERT INTO t VALUES (1)")
			p.exec(conn, "INSERT INTO t VALUES (2)")
			p.err("close", conn.Close())
			p.exec(p.db, "INSERT INTO t VALUES (3)")
		}, []string{
			"Dial", "#1 Exec INSERT INTO t VALUES (1)", "#1 Exec INSERT INTO t VALUES (2)", "#1 IsValid",
			"#1 Reset", "#1 Exec INSERT INTO t VALUES (3)", "#1 IsValid",
			"#1 Close", "Connector.Close",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			compare(t, testdb.Full, test.run)
			for _, m := range modes {
				diff(t, string(m)+": the child saw", observe(t, testdb.Full, m, test.run).trace, test.want)
			}
		})
	}
}

// A child that answers ErrSkip is asked to prepare, and the arguments are
// checked twice.
func TestErrSkipMeansPrepare(t *testing.T) {
	run := func(p *probe) {
		skip := func(*testdb.Call) error { return driver.ErrSkip }
		p.fake.On(testdb.OpExec, skip)
		p.fake.On(testdb.OpQuery, skip)
		p.exec(p.db, "INSERT INTO t VALUES (?)", 1)
		p.value(p.db, "SELECT ?", 2)
	}
	compare(t, testdb.Full, run)
	want := []string{
		"Dial", "#1 Check int", "#1 Exec INSERT INTO t VALUES (?) [int64 1]",
		"#1 Prepare INSERT INTO t VALUES (?)", "#1 NumInput", "#1 Stmt.Check int", "#1 Stmt.Convert 0",
		"#1 Stmt.Exec INSERT INTO t VALUES (?) [string text 1]", "#1 Stmt.Close INSERT INTO t VALUES (?)", "#1 IsValid",
	}
	got := observe(t, testdb.Full, leased, run).trace
	diff(t, "leased: the child saw", got[:min(len(want), len(got))], want)
}

// A child's error reaches the program as the identical value, from every call.
func TestErrorsAreTheChildsOwn(t *testing.T) {
	childs := errors.New("child's own")
	for _, test := range []struct {
		op  testdb.Op
		run func(p *probe) error
	}{
		{testdb.OpPing, func(p *probe) error { return p.db.Ping() }},
		{testdb.OpExec, func(p *probe) error { _, err := p.db.Exec("DELETE FROM t"); return err }},
		{testdb.OpQuery, func(p *probe) error { _, err := p.db.Query("SELECT 1"); return err }},
		{testdb.OpPrepare, func(p *probe) error { _, err := p.db.Prepare("SELECT 1"); return err }},
		{testdb.OpStmtExec, func(p *probe) error { _, err := p.prepared("DELETE FROM t").Exec(); return err }},
		{testdb.OpStmtQuery, func(p *probe) error { _, err := p.prepared("SELECT 1").Query(); return err }},
		{testdb.OpBegin, func(p *probe) error { _, err := p.db.Begin(); return err }},
		{testdb.OpCommit, func(p *probe) error { return p.begun(nil).Commit() }},
		{testdb.OpRollback, func(p *probe) error { return p.begun(nil).Rollback() }},
		{testdb.OpNext, func(p *probe) error {
			rows, err := p.db.Query("SELECT 1")
			if err != nil {
				return err
			}
			defer rows.Close()
			rows.Next()
			return rows.Err()
		}},
		{testdb.OpRowsClose, func(p *probe) error {
			rows, err := p.db.Query("SELECT 1")
			if err != nil {
				return err
			}
			return rows.Close()
		}},
	} {
		t.Run(string(test.op), func(t *testing.T) {
			run := func(p *probe) {
				p.fake.FailOnce(test.op, childs)
				err := test.run(p)
				p.err("error", err)
				if err != childs {
					p.Errorf("%s: got %v, want the child's own error", p.mode, err)
				}
				p.value(p.db, "SELECT conn")
			}
			if test.op == testdb.OpRollback || test.op == testdb.OpCommit {
				// Without multidb, a connection whose transaction did not end well may
				// serve the next user.
				for _, m := range []mode{held, leased} {
					observe(t, testdb.Full, m, run)
				}
				return
			}
			compare(t, testdb.Full, run)
		})
	}
}

func (p *probe) prepared(query string) *sql.Stmt {
	stmt, err := p.db.Prepare(query)
	if err != nil {
		p.Fatal(err)
	}
	return stmt
}

func (p *probe) begun(opts *sql.TxOptions) *sql.Tx {
	tx, err := p.db.BeginTx(p.Context(), opts)
	if err != nil {
		p.Fatal(err)
	}
	return tx
}

// driver.ErrBadConn means that nothing was sent: database/sql tries again, on
// other connections, and the bad one is closed.
func TestBadConnectionIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		op  testdb.Op
		run func(p *probe)
	}{
		{testdb.OpExec, func(p *probe) { p.exec(p.db, "DELETE FROM t") }},
		{testdb.OpQuery, func(p *probe) { p.value(p.db, "SELECT conn") }},
		{testdb.OpPrepare, func(p *probe) { p.prepared("SELECT 1").Close() }},
		{testdb.OpBegin, func(p *probe) { p.err("commit", p.begun(nil).Commit()) }},
		{testdb.OpReset, func(p *probe) { p.value(p.db, "SELECT conn") }},
	} {
		t.Run(string(test.op), func(t *testing.T) {
			compareCalls(t, testdb.Full, func(p *probe) {
				p.exec(p.db, "INSERT INTO t VALUES (1)")
				p.fake.LoseOnce(test.op, driver.ErrBadConn)
				test.run(p)
				p.note("writes %q", p.fake.Writes())
			})
		})
	}
}

// If every connection is bad, the program gets to know it, after as many tries
// as without multidb.
func TestBadConnectionsEveryTime(t *testing.T) {
	for _, m := range modes {
		observe(t, testdb.Full, m, func(p *probe) {
			p.fake.On(testdb.OpExec, func(c *testdb.Call) error {
				c.Lose()
				return driver.ErrBadConn
			})
			_, err := p.db.Exec("DELETE FROM t")
			if !errors.Is(err, driver.ErrBadConn) {
				p.Errorf("%s: got %v, want ErrBadConn", m, err)
			}
			if n := p.fake.Count(testdb.OpExec); n != 3 {
				p.Errorf("%s: the child was asked %d times, want 3", m, n)
			}
		})
	}
}

// A context that has ended, or ends during a call, has the same effect.
func TestContextEnds(t *testing.T) {
	calls := map[testdb.Op]func(context.Context, *probe) error{
		testdb.OpPing: func(ctx context.Context, p *probe) error { return p.db.PingContext(ctx) },
		testdb.OpExec: func(ctx context.Context, p *probe) error {
			_, err := p.db.ExecContext(ctx, "DELETE FROM t")
			return err
		},
		testdb.OpQuery: func(ctx context.Context, p *probe) error { _, err := p.db.QueryContext(ctx, "SELECT 1"); return err },
		testdb.OpPrepare: func(ctx context.Context, p *probe) error {
			stmt, err := p.db.PrepareContext(ctx, "SELECT 2")
			if err == nil {
				stmt.Close()
			}
			return err
		},
		testdb.OpBegin: func(ctx context.Context, p *probe) error { _, err := p.db.BeginTx(ctx, nil); return err },
	}
	for op, call := range calls {
		t.Run(string(op), func(t *testing.T) {
			program := func(p *probe) {
				ctx, cancel := context.WithCancel(p.Context())
				p.err("live", p.db.PingContext(ctx))
				// The server answers, but meanwhile the caller has gone.
				p.fake.Once(op, func(*testdb.Call) error { cancel(); return nil })
				p.err("during", call(ctx, p))
				cancel()
				p.settle()
				p.err("after", call(ctx, p))
				p.settle()
				p.value(p.db, "SELECT 1")
			}
			for _, shape := range testdb.Shapes {
				t.Run(shape.Name, func(t *testing.T) { compareCalls(t, shape, program) })
			}
		})
	}
}

// Rows whose context ends are closed, and the connection is free again.
func TestContextEndsWithRowsOpen(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		ctx, cancel := context.WithCancel(p.Context())
		rows, err := p.db.QueryContext(ctx, "SELECT 1 UNION ALL SELECT 2")
		p.err("query", err)
		p.note("next %t", rows.Next())
		cancel()
		p.settle()
		p.note("next %t", rows.Next())
		p.err("rows", rows.Err())
		p.value(p.db, "SELECT conn")
	})
}

// What a program got from rows is its own after they are gone.
func TestRowsAreNotTouchedAfterTheirEnd(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		rows, err := p.db.Query("SELECT 'first' UNION ALL SELECT 'second'")
		p.err("query", err)
		var all [][]byte
		for rows.Next() {
			var text []byte
			p.err("scan", rows.Scan(&text))
			all = append(all, text)
		}
		p.err("close", rows.Close())
		p.exec(p.db, "INSERT INTO t VALUES (1)")
		p.note("%q", all)
	})
}

// database/sql asks a result after it gave the connection back.
func TestResultIsReadAfterTheConnectionWentOn(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		first, err := p.db.Exec("INSERT INTO t VALUES (1)")
		p.err("first", err)
		second, err := p.db.Exec("INSERT INTO t VALUES (2)")
		p.err("second", err)
		id1, err1 := first.LastInsertId()
		id2, err2 := second.LastInsertId()
		p.note("%d %v, %d %v", id1, err1, id2, err2)
	})
}
