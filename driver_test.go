package multidb_test

import (
	"database/sql"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// The heart of it: which server answers what. Each test here looks at both
// servers of a primary and a replica, and none would pass if all statements went
// to the same one.

// statements returns the texts that a server was given to run.
func statements(f *testdb.Fake) []string {
	var texts []string
	for _, line := range f.Trace() {
		_, call, _ := strings.Cut(line, " ")
		for _, op := range []testdb.Op{testdb.OpExec, testdb.OpQuery, testdb.OpStmtExec, testdb.OpStmtQuery} {
			if text, ok := strings.CutPrefix(call, string(op)+" "); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

func (s *split) wantStatements(t *testing.T, primary, replica []string) {
	t.Helper()
	diff(t, "the primary ran", statements(s.primary), primary)
	diff(t, "the replica ran", statements(s.replica), replica)
}

// use runs a query and closes its rows.
func use(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	return rows.Close()
}

func TestReadsGoToTheReplicaAndWritesToThePrimary(t *testing.T) {
	for _, shape := range testdb.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, shape)
				check(t, use(s.db.Query("SELECT 1 FROM t")))
				check(t, use(s.db.Query("SELECT 2 FROM t FOR UPDATE")))
				check(t, use(s.db.Query("INSERT INTO t VALUES (3) RETURNING 3")))
				check(t, use(s.db.Query("SELECT nobody_knows(4)")))
				must(s.db.Exec("DELETE FROM t WHERE a = 5"))
				must(s.db.Exec("SELECT 6"))
				check(t, use(s.db.Query("SELECT 7")))
				s.wantStatements(t, []string{
					"SELECT 2 FROM t FOR UPDATE", "INSERT INTO t VALUES (3) RETURNING 3", "SELECT nobody_knows(4)",
					"DELETE FROM t WHERE a = 5", "SELECT 6",
				}, []string{"SELECT 1 FROM t", "SELECT 7"})
			})
		})
	}
}

func TestPreparedStatementsAreRoutedAtEachExecution(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		read := must(s.db.Prepare("SELECT server"))
		defer read.Close()
		write := must(s.db.Prepare("DELETE FROM t"))
		defer write.Close()
		check(t, use(read.Query()))
		must(write.Exec())
		must(read.Exec())
		check(t, use(read.QueryContext(multidb.WithEngine(t.Context(), multidb.Primary))))
		tx := must(s.db.Begin())
		check(t, use(tx.Stmt(read).Query()))
		check(t, tx.Commit())
		check(t, use(read.Query()))
		s.wantStatements(t,
			[]string{"DELETE FROM t", "SELECT server", "SELECT server", "SELECT server"},
			[]string{"SELECT server", "SELECT server"})
	})
}

func TestTransactionsChooseTheirEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		write := must(s.db.Begin())
		check(t, use(write.Query("SELECT 1")))
		must(write.Exec("DELETE FROM t"))
		check(t, write.Commit())
		read := must(s.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
		check(t, use(read.Query("SELECT 2")))
		check(t, use(read.Query("SELECT 3 FROM t FOR SHARE")))
		check(t, read.Commit())
		check(t, use(s.db.Query("SELECT 4")))
		s.wantStatements(t, []string{"SELECT 1", "DELETE FROM t"}, []string{"SELECT 2", "SELECT 3 FROM t FOR SHARE", "SELECT 4"})
	})
}

func TestContextChoosesTheEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		for _, name := range []string{"primary", "replica1", multidb.Primary, multidb.Replica} {
			check(t, use(s.db.QueryContext(multidb.WithEngine(t.Context(), name), fmt.Sprintf("SELECT '%s'", name))))
		}
		onReplica := multidb.WithEngine(t.Context(), "replica1")
		_, err := s.db.ExecContext(onReplica, "DELETE FROM t")
		wantErr(t, err, multidb.ErrReadOnlyEngine)
		_, err = s.db.QueryContext(onReplica, "SELECT 1 FROM t FOR UPDATE")
		wantErr(t, err, multidb.ErrReadOnlyEngine)
		_, err = s.db.QueryContext(multidb.WithEngine(t.Context(), "replica9"), "SELECT 1")
		wantErr(t, err, multidb.ErrUnknownEngine)
		s.wantStatements(t, []string{"SELECT 'primary'", "SELECT 'primary'"}, []string{"SELECT 'replica1'", "SELECT 'replica'"})
	})
}

func TestContextChoosesTheDatabase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		audit, auditRO := testdb.NewFake(t, "audit", testdb.Full), testdb.NewFake(t, "audit.replica1", testdb.Full)
		auditRO.Replica = true
		s := newSplit(t, testdb.Full, func(c *multidb.Config) {
			c.Databases = map[string]multidb.Database{
				"audit": {Primary: engine(audit), Replicas: []multidb.Engine{engine(auditRO)}},
			}
		})
		inAudit := multidb.WithDatabase(t.Context(), "audit")
		check(t, use(s.db.QueryContext(inAudit, "SELECT 1")))
		must(s.db.ExecContext(inAudit, "DELETE FROM t"))
		check(t, use(s.db.Query("SELECT 2")))
		must(s.db.Exec("DELETE FROM u"))
		s.wantStatements(t, []string{"DELETE FROM u"}, []string{"SELECT 2"})
		diff(t, "the primary of audit ran", statements(audit), []string{"DELETE FROM t"})
		diff(t, "the replica of audit ran", statements(auditRO), []string{"SELECT 1"})
	})
}

func TestRulesChooseTheDatabase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		secondary := testdb.NewFake(t, "secondary", testdb.Full)
		s := newSplit(t, testdb.Full, func(c *multidb.Config) {
			c.Databases = map[string]multidb.Database{"secondary": {Primary: engine(secondary)}}
			c.Rules = []multidb.Rule{{Verbs: []string{"insert", "delete"}, Use: "secondary"}}
		})
		must(s.db.Exec("INSERT INTO t VALUES (1)"))
		must(s.db.Exec("UPDATE t SET a = 2"))
		check(t, use(s.db.Query("SELECT 3")))
		s.wantStatements(t, []string{"UPDATE t SET a = 2"}, []string{"SELECT 3"})
		diff(t, "secondary ran", statements(secondary), []string{"INSERT INTO t VALUES (1)"})
	})
}

// Session state keeps its Conn on the primary, and is never met by another.
func TestSessionStatePins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		check(t, use(s.db.Query("SELECT 1")))
		conn := must(s.db.Conn(t.Context()))
		must(conn.ExecContext(t.Context(), "SET role = 'admin'"))
		check(t, use(conn.QueryContext(t.Context(), "SELECT 2")))
		_, err := conn.QueryContext(multidb.WithEngine(t.Context(), multidb.Replica), "SELECT 3")
		wantErr(t, err, multidb.ErrTxEngine)
		check(t, conn.Close())
		must(s.db.Exec("DELETE FROM t"))
		check(t, use(s.db.Query("SELECT 4")))
		s.wantStatements(t, []string{"SET role = 'admin'", "SELECT 2", "DELETE FROM t"}, []string{"SELECT 1", "SELECT 4"})
		if n := s.primary.Count(testdb.OpDial); n != 2 {
			t.Errorf("the primary was dialled %d times, want anew after the SET", n)
		}
	})
}

// A transaction that is begun by a text pins until it is ended by one.
func TestTextTransactionPins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		conn := must(s.db.Conn(t.Context()))
		must(conn.ExecContext(t.Context(), "BEGIN"))
		check(t, use(conn.QueryContext(t.Context(), "SELECT 1")))
		must(conn.ExecContext(t.Context(), "COMMIT"))
		check(t, use(conn.QueryContext(t.Context(), "SELECT 2")))
		check(t, conn.Close())
		s.wantStatements(t, []string{"BEGIN", "SELECT 1", "COMMIT"}, []string{"SELECT 2"})
		if n := s.primary.Open(); n != 1 {
			t.Errorf("%d connections to the primary are open: after its COMMIT it may be pooled", n)
		}

		conn = must(s.db.Conn(t.Context()))
		must(conn.ExecContext(t.Context(), "BEGIN"))
		check(t, conn.Close())
		must(s.db.Exec("DELETE FROM t")) // the fake complains if this meets the open transaction
		if n := s.primary.Count(testdb.OpDial); n != 2 {
			t.Errorf("the primary was dialled %d times, want anew after the BEGIN without end", n)
		}
	})
}

// Arguments are checked by the child that the statement goes to.
func TestArgumentsAreCheckedByTheChildOfTheRoute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		full, bare := testdb.NewFake(t, "primary", testdb.Full), testdb.NewFake(t, "replica", testdb.Bare)
		full.AskedAfterErrors = true
		db := openConfig(t, multidb.Config{Primary: engine(full), Replicas: []multidb.Engine{engine(bare)}})
		defer db.Close()
		array := testdb.Array{"a"} // only the full one understands it
		if _, err := db.Exec("DELETE FROM t WHERE a = ?", array); err != nil {
			t.Error("on the primary:", err)
		}
		if err := use(db.Query("SELECT ?", array)); err == nil {
			t.Error("the replica took what it does not understand")
		}
		if _, err := db.Exec("DELETE FROM t WHERE a = ? AND b = ?", 1); err == nil {
			t.Error("a missing argument was not noticed")
		}
	})
}

// What a read finds lost, it does not take for a lost write.
func TestOnlyWritesHaveAnUnknownOutcome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		check(t, use(s.db.Query("SELECT 0"))) // a replica's
		s.primary.LoseOnce(testdb.OpQuery, io.ErrUnexpectedEOF)
		_, err := s.db.QueryContext(multidb.WithEngine(t.Context(), multidb.Primary), "SELECT 1")
		if err != io.ErrUnexpectedEOF {
			t.Errorf("a read on the primary: got %v, want the child's error", err)
		}
		s.primary.LoseOnce(testdb.OpQuery, io.ErrUnexpectedEOF)
		_, err = s.db.Query("DELETE FROM t RETURNING 1")
		wantErr(t, err, multidb.ErrUnknownOutcome)
		s.wantStatements(t, []string{"SELECT 1", "DELETE FROM t RETURNING 1"}, []string{"SELECT 0"})
	})
}

// FromDB, Stats: where the statements went, and why.
func TestStatsCountRoutes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		check(t, use(s.db.Query("SELECT 1")))
		check(t, use(s.db.Query("SELECT 1")))
		must(s.db.Exec("DELETE FROM t"))
		stats := multidb.FromDB(s.db).Stats()
		for name, want := range map[string]map[string]uint64{
			"primary":  {"write": 1},
			"replica1": {"read": 2},
		} {
			e, _ := stats.Engine(name)
			if fmt.Sprint(e.Routed) != fmt.Sprint(want) {
				t.Errorf("%s: routed %v, want %v", name, e.Routed, want)
			}
			if e.Pool.OpenConnections != 1 || e.Pool.Idle != 1 {
				t.Errorf("%s: %+v, want one idle connection", name, e.Pool)
			}
		}
	})
}
