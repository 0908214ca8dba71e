package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// maxChildStatements is multidb's bound, see statements.go.
const maxChildStatements = 256

func TestStatementArgumentCount(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		stmt := p.prepared("INSERT INTO t VALUES (?, ?)")
		for _, args := range [][]any{{}, {1}, {1, 2, 3}} {
			_, err := stmt.Exec(args...)
			p.err("exec", err)
			_, err = stmt.Query(args...)
			p.err("query", err)
		}
		p.note("writes %q", p.fake.Writes())
	})
}

func TestStatementsOfOneTextShareTheChildsStatement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		for range 3 {
			// Each comes from a Conn of its own, as the one before is kept busy.
			conn := must(s.db.Conn(t.Context()))
			defer conn.Close()
			stmt := must(conn.PrepareContext(t.Context(), "DELETE FROM t"))
			defer stmt.Close()
			must(stmt.Exec())
			check(t, conn.Raw(func(c any) error { c.(*multidb.Conn).IsValid(); return nil })) // the lease ends
		}
		if n := s.primary.Count(testdb.OpPrepare); n != 1 {
			t.Errorf("prepared %d times on one child, want once", n)
		}
	})
}

func TestStatementsWithRowsOpenDoNotShare(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		conn := must(s.db.Conn(t.Context()))
		defer conn.Close()
		const query = "SELECT 1 FROM t FOR UPDATE"
		first := must(conn.PrepareContext(t.Context(), query))
		defer first.Close()
		second := must(conn.PrepareContext(t.Context(), query))
		defer second.Close()
		rows1 := must(first.Query())
		defer rows1.Close()
		rows2 := must(second.Query()) // the fake complains if it is the same child statement
		defer rows2.Close()
		if n := s.primary.Count(testdb.OpPrepare); n != 2 {
			t.Errorf("prepared %d times, want twice", n)
		}
	})
}

// Neither do two that shared one before.
func TestStatementsThatSharedDoNotWithRowsOpen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		const query = "SELECT 1 FROM t FOR UPDATE"
		first, second := must(s.db.Prepare(query)), must(s.db.Prepare(query))
		defer first.Close()
		defer second.Close()
		if n := s.primary.Count(testdb.OpPrepare); n != 1 {
			t.Errorf("prepared %d times, want once: the child's statement was free", n)
		}
		tx := must(s.db.Begin())
		rows1 := must(tx.Stmt(second).Query())
		rows2 := must(tx.Stmt(first).Query()) // the fake complains if it is the same child statement
		check(t, rows1.Close())
		check(t, rows2.Close())
		check(t, tx.Rollback())
	})
}

func TestStatementsOnOneChildAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		prepare := func(i int) *sql.Stmt {
			stmt := must(s.db.Prepare(fmt.Sprintf("DELETE FROM t%d", i)))
			t.Cleanup(func() { stmt.Close() })
			must(stmt.Exec())
			return stmt
		}
		oldest, next := prepare(0), prepare(1)
		for i := 2; i < maxChildStatements; i++ {
			prepare(i)
		}
		must(oldest.Exec()) // now next is the one that was not used for longest
		prepare(maxChildStatements)
		if n := s.primary.Statements(); n != maxChildStatements {
			t.Errorf("the child has %d statements, want %d", n, maxChildStatements)
		}
		if !slices.Contains(s.primary.Trace(), "#1 Stmt.Close DELETE FROM t1") {
			t.Error("the statement that was not used for longest is still there")
		}
		if n := s.primary.Count(testdb.OpStmtClose); n != 1 {
			t.Errorf("%d statements were closed, want 1", n)
		}
		must(next.Exec()) // prepared again
		must(oldest.Exec())
	})
}

func TestStatementsInUseAreNotEvicted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		tx := must(s.db.Begin())
		first := must(tx.Prepare("SELECT 1 FROM t FOR UPDATE"))
		rows := must(first.Query())
		for i := range maxChildStatements + 1 {
			must(must(tx.Prepare(fmt.Sprintf("DELETE FROM t%d", i))).Exec())
		}
		if !rows.Next() {
			t.Error("the rows are gone:", rows.Err())
		}
		check(t, rows.Close())
		check(t, tx.Commit())
	})
}

// With the child in hand, Stmt.Close ends the child's statement at once, as the
// end of a COPY.
func TestStmtCloseWithTheChildInHand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		tx := must(s.db.Begin())
		stmt := must(tx.Prepare("DELETE FROM t"))
		must(stmt.Exec())
		check(t, stmt.Close())
		if n := s.primary.Statements(); n != 0 {
			t.Errorf("%d statements are open after Stmt.Close in the transaction", n)
		}
		check(t, tx.Commit())
	})
}

// And the error of that end reaches the program.
func TestStmtCloseErrorReachesTheProgram(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		childs := errors.New("cannot close")
		tx := p.begun(nil)
		stmt, err := tx.Prepare("DELETE FROM t")
		p.err("prepare", err)
		_, err = stmt.Exec()
		p.err("exec", err)
		p.fake.FailOnce(testdb.OpStmtClose, childs)
		p.err("close", stmt.Close())
		p.err("commit", tx.Commit())
	})
}

// Without the child in hand, Stmt.Close leaves the child alone, even while
// another uses it: the next holder closes the statement, before anything else.
func TestStmtCloseWithoutTheChildDoesNoIO(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		stmt := must(s.db.Prepare("DELETE FROM t"))
		s.primary.ClearTrace()
		check(t, stmt.Close())
		diff(t, "at Stmt.Close the child saw", s.primary.Trace(), nil)
		must(s.db.Exec("DELETE FROM u"))
		diff(t, "at last the child saw", s.primary.Trace(), []string{
			"#1 Reset", "#1 Stmt.Close DELETE FROM t", "#1 Exec DELETE FROM u", "#1 IsValid"})
	})
}

// The same while the statement's Conn is in use: database/sql then closes the
// statement when the Conn comes back, under the lock of the whole sql.DB.
func TestStmtCloseWhileItsConnIsInUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		stmt := must(s.db.Prepare("DELETE FROM t"))
		tx := must(s.db.Begin())
		s.primary.ClearTrace()
		check(t, stmt.Close())
		check(t, tx.Commit())
		diff(t, "the child saw", s.primary.Trace(), []string{"#1 Commit", "#1 IsValid"})
		must(s.db.Exec("DELETE FROM u"))
		if n := s.primary.Statements(); n != 0 {
			t.Errorf("%d statements are open after the next holder", n)
		}
	})
}

// A statement prepared outside of a transaction goes where the transaction is.
func TestTxStmtGoesWhereTheTransactionIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		stmt := must(s.db.Prepare("SELECT server"))
		defer stmt.Close()
		for _, want := range []string{"replica", "primary", "replica", "primary"} {
			tx := must(s.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: want == "replica"}))
			var got string
			check(t, tx.Stmt(stmt).QueryRow().Scan(&got))
			if got != want {
				t.Errorf("the statement ran on the %s, the transaction is on the %s", got, want)
			}
			check(t, tx.Rollback())
		}
	})
}

func TestStatementIsClosedAfterItsTransaction(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		tx := p.begun(nil)
		stmt, err := tx.Prepare("DELETE FROM t")
		p.err("prepare", err)
		_, err = stmt.Exec()
		p.err("exec", err)
		p.err("commit", tx.Commit())
		p.err("close", stmt.Close())
		_, err = stmt.Exec()
		p.err("exec", err)
	})
}

func TestStatementIsClosedOnALostConnection(t *testing.T) {
	for _, shape := range []testdb.Shape{testdb.Full, testdb.NoValidator, testdb.Bare} {
		t.Run(shape.Name, func(t *testing.T) {
			compareCalls(t, shape, func(p *probe) {
				stmt := p.prepared("DELETE FROM t")
				p.fake.Restart()
				_, err := stmt.Exec()
				p.err("exec", err)
				p.err("close", stmt.Close())
				p.exec(p.db, "DELETE FROM u")
			})
		})
	}
}

// A child statement that the server has forgotten is prepared again, outside of
// a transaction.
func TestStalePlanIsPreparedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		stmt := must(s.db.Prepare("DELETE FROM t"))
		defer stmt.Close()
		s.primary.FailOnce(testdb.OpStmtExec, sqlState("26000"))
		must(stmt.Exec())
		if n := s.primary.Count(testdb.OpPrepare); n != 2 {
			t.Errorf("prepared %d times, want twice", n)
		}
		tx := must(s.db.Begin())
		s.primary.FailOnce(testdb.OpStmtExec, sqlState("26000"))
		if _, err := tx.Stmt(stmt).Exec(); err != sqlState("26000") {
			t.Errorf("in a transaction: got %v, want the child's error", err)
		}
		check(t, tx.Rollback())
	})
}

type sqlState string

func (s sqlState) Error() string    { return "SQLSTATE " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

// Where the child's connection has no fast path, database/sql prepares what a
// program gave to Exec. It runs where Exec goes all the same.
func TestExecWithoutFastPathRunsOnThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Bare)
		must(s.db.Exec("SELECT 1"))
		if n, m := s.primary.Count(testdb.OpStmtExec), s.replica.Count(testdb.OpStmtExec); n != 1 || m != 0 {
			t.Errorf("ran %d times on the primary and %d times on the replica, want once on the primary", n, m)
		}
		if trace := s.replica.Trace(); len(trace) > 0 {
			t.Errorf("the replica was asked to prepare it: %q", trace)
		}
	})
}

// A mistake in a statement is found when it is prepared, and is prepared where a
// query would go.
func TestPrepareFindsMistakes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		childs := errors.New("syntax error")
		s.primary.FailOnce(testdb.OpPrepare, childs)
		if _, err := s.db.Prepare("DELET FROM t"); err != childs {
			t.Errorf("got %v, want the child's error", err)
		}
	})
}

// What a write leaves on its connection is asked of that connection, where a
// rule sent the write, too; and of no other, if that one is gone.
func TestSessionIsAskedWhereTheWriteWent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		other := testdb.NewFake(t, "other", testdb.Full)
		other.AskedAfterErrors = true
		s := newSplit(t, testdb.Full, func(c *multidb.Config) {
			c.Databases = map[string]multidb.Database{"other": {Primary: engine(other)}}
			c.Rules = []multidb.Rule{{Verbs: []string{"insert"}, Use: "other"}}
		})
		conn := must(s.db.Conn(t.Context()))
		defer conn.Close()
		must(conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"))
		other.ClearTrace()
		check(t, drain(conn.QueryContext(t.Context(), "SELECT 1")))
		check(t, drain(conn.QueryContext(t.Context(), "SELECT 1 FROM t WHERE id = LAST_INSERT_ID()")))
		if n := other.Count(testdb.OpQuery); n != 1 {
			t.Errorf("the connection of the write was asked %d times, want once", n)
		}
		other.LoseOnce(testdb.OpExec, errors.New("lost"))
		_, err := conn.ExecContext(t.Context(), "INSERT INTO t VALUES (2)")
		if !errors.Is(err, multidb.ErrUnknownOutcome) {
			t.Fatalf("got %v", err)
		}
		for _, ctx := range []context.Context{t.Context(), multidb.WithDatabase(t.Context(), "other"), multidb.WithEngine(t.Context(), "other")} {
			err = drain(conn.QueryContext(ctx, "SELECT 1 FROM t WHERE id = LAST_INSERT_ID()"))
			if err == nil || !strings.Contains(err.Error(), "is gone") {
				t.Errorf("the state of a lost connection was asked of another: %v", err)
			}
		}
	})
}

// A replica's session is none that a later write may ask for.
func TestAReadOnlyTransactionIsNoLastWrite(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, conn *sql.Conn){
		"sql.Tx": func(t *testing.T, conn *sql.Conn) {
			tx := must(conn.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
			check(t, drain(tx.QueryContext(t.Context(), "SELECT 1 FROM my_function()")))
			check(t, tx.Commit())
		},
		"texts": func(t *testing.T, conn *sql.Conn) {
			onReplica := multidb.WithEngine(t.Context(), multidb.Replica)
			must(conn.ExecContext(onReplica, "BEGIN"))
			check(t, drain(conn.QueryContext(onReplica, "SELECT 1")))
			must(conn.ExecContext(onReplica, "COMMIT"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, testdb.Full)
				conn := must(s.db.Conn(t.Context()))
				defer conn.Close()
				first(t, conn)
				must(conn.ExecContext(t.Context(), "INSERT INTO t VALUES (LAST_INSERT_ID())"))
				if writes := s.primary.Writes(); len(writes) != 1 {
					t.Errorf("writes on the primary: %q", writes)
				}
			})
		})
	}
}

// A write that asks for what the last one left, and whose place is another
// database, can be done nowhere.
func TestAWriteIsNotTakenFromItsDatabaseByWhatItAsksFor(t *testing.T) {
	router := func(_ context.Context, s multidb.Statement) (string, error) {
		if slices.Contains(s.Writes, "log") {
			return "other", nil
		}
		return "", nil
	}
	for name, change := range map[string]func(*multidb.Config){
		"rule":   func(c *multidb.Config) { c.Rules = []multidb.Rule{{Tables: []string{"log"}, Use: "other"}} },
		"router": func(c *multidb.Config) { c.Router = router },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				other := testdb.NewFake(t, "other", testdb.Full)
				s := newSplit(t, testdb.Full, func(c *multidb.Config) {
					c.Databases = map[string]multidb.Database{"other": {Primary: engine(other)}}
					change(c)
				})
				conn := must(s.db.Conn(t.Context()))
				defer conn.Close()
				must(conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"))
				for _, text := range []string{"INSERT INTO log VALUES (LAST_INSERT_ID())", "UPDATE log SET a = @b"} {
					_, err := conn.ExecContext(t.Context(), text)
					wantErr(t, err, multidb.ErrTxDatabase)
				}
				must(conn.ExecContext(t.Context(), "INSERT INTO t VALUES (LAST_INSERT_ID())"))
				if p, o := len(s.primary.Writes()), len(other.Writes()); p != 2 || o != 0 {
					t.Errorf("%d writes on the primary and %d on the other database, want 2 and 0", p, o)
				}
			})
		})
	}
}

// The same where the last write was in the other database, and this one belongs to
// the default one, or to none.
func TestAWriteIsNotTakenToAnotherDatabaseByWhatItAsksFor(t *testing.T) {
	for name, want := range map[string]error{"rule": multidb.ErrTxDatabase, "required": multidb.ErrNoDatabase} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				other := testdb.NewFake(t, "other", testdb.Full)
				s := newSplit(t, testdb.Full, func(c *multidb.Config) {
					c.Databases = map[string]multidb.Database{"other": {Primary: engine(other)}}
					if name == "rule" {
						c.Rules = []multidb.Rule{{Tables: []string{"log"}, Use: "other"}}
					}
					c.RequireDatabase = name == "required"
				})
				conn := must(s.db.Conn(t.Context()))
				defer conn.Close()
				ctx := t.Context()
				if name == "required" {
					ctx = multidb.WithDatabase(ctx, "other")
				}
				must(conn.ExecContext(ctx, "INSERT INTO log VALUES (1)"))
				_, err := conn.ExecContext(t.Context(), "INSERT INTO t VALUES (LAST_INSERT_ID())")
				wantErr(t, err, want)
				if n := len(other.Writes()); n != 1 {
					t.Errorf("%d writes on the other database, want 1", n)
				}
			})
		})
	}
}
