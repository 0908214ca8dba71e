package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What a driver that leases its connections can get wrong, each found in a
// prototype. The other traps of the kind are tests elsewhere: arguments that are
// checked before the engine is known (args_test.go), Stmt.Close without a lease
// (stmt_test.go), a result that is read late (contract_test.go).

// database/sql calls Close, and not IsValid, where something below answered
// ErrBadConn; the child's own rows are below.
func TestCloseWithLeasesOutDiscardsThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.NoValidator) // a child that does not say itself that it is bad
		rows := must(s.db.Query("SELECT 1 FROM t FOR UPDATE"))
		s.primary.FailOnce(testdb.OpRowsClose, driver.ErrBadConn)
		wantErr(t, rows.Close(), driver.ErrBadConn)
		synctest.Wait()
		if n := s.primary.Open(); n != 0 {
			t.Error("the bad connection is back in the pool")
		}
	})
}

// A child driver that panics costs its connection and nothing else.
func TestPanicsThrowTheChildAway(t *testing.T) {
	for op, call := range map[testdb.Op]func(db *sql.DB){
		testdb.OpPing:      func(db *sql.DB) { db.Ping() },
		testdb.OpReset:     func(db *sql.DB) { must(db.Exec("DELETE FROM t")); db.Exec("DELETE FROM t") },
		testdb.OpExec:      func(db *sql.DB) { db.Exec("DELETE FROM t") },
		testdb.OpCheck:     func(db *sql.DB) { db.Exec("DELETE FROM t WHERE a = ?", 1) },
		testdb.OpQuery:     func(db *sql.DB) { db.Query("SELECT 1 FROM t FOR UPDATE") },
		testdb.OpPrepare:   func(db *sql.DB) { db.Prepare("DELETE FROM t") },
		testdb.OpBegin:     func(db *sql.DB) { db.Begin() },
		testdb.OpCommit:    func(db *sql.DB) { must(db.Begin()).Commit() },
		testdb.OpRollback:  func(db *sql.DB) { must(db.Begin()).Rollback() },
		testdb.OpNumInput:  func(db *sql.DB) { must(db.Prepare("DELETE FROM t")).Exec() },
		testdb.OpStmtExec:  func(db *sql.DB) { must(db.Prepare("DELETE FROM t")).Exec() },
		testdb.OpStmtQuery: func(db *sql.DB) { must(db.Prepare("DELETE FROM t")).Query() },
		testdb.OpStmtCheck: func(db *sql.DB) { must(db.Prepare("DELETE FROM t WHERE a = ?")).Exec(1) },
	} {
		t.Run(string(op), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, testdb.Full, maxOpen(1))
				s.primary.Once(op, func(*testdb.Call) error { panic("child") })
				func() {
					defer func() {
						if r := recover(); r != "child" {
							t.Errorf("recovered %v, want the child's panic", r)
						}
					}()
					call(s.db)
				}()
				synctest.Wait()
				if n := s.inUse(t, "primary"); n != 0 {
					t.Errorf("%d children are leased", n)
				}
				if n := s.primary.Open(); n != 0 {
					t.Error("the child is still open")
				}
				must(s.db.Exec("DELETE FROM u")) // there is a place for a new one
			})
		})
	}
}

// The same for a child that is held, as far as database/sql gives it back.
func TestPanicThrowsTheHeldChildAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := testdb.NewFake(t, "primary", testdb.Full)
		db := openConfig(t, multidb.Config{Primary: engine(fake)})
		defer db.Close()
		fake.Once(testdb.OpExec, func(*testdb.Call) error { panic("child") })
		func() {
			defer func() { recover() }()
			db.Exec("DELETE FROM t")
		}()
		if n := fake.Open(); n != 0 {
			t.Error("the child is still open")
		}
	})
}

// Two sessions that each hold what the other waits for would wait for ever.
func TestSessionsDoNotWaitCrosswise(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		onPrimary, onReplica := multidb.WithEngine(ctx, multidb.Primary), multidb.WithEngine(ctx, multidb.Replica)
		first, second := must(s.db.Conn(ctx)), must(s.db.Conn(ctx))
		defer first.Close()
		defer second.Close()
		check(t, first.PingContext(onPrimary))
		check(t, second.PingContext(onReplica))

		var wg sync.WaitGroup
		wg.Go(func() {
			if err := first.PingContext(onReplica); err != nil {
				t.Error("first:", err)
			}
			first.Close()
		})
		wg.Go(func() {
			if err := second.PingContext(onPrimary); err != nil {
				t.Error("second:", err)
			}
			second.Close()
		})
		wg.Wait()
	})
}

// But what holds state is not given up: rows that are open, a transaction.
func TestLeasesInUseAreNotGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		conn := must(s.db.Conn(t.Context()))
		defer conn.Close()
		rows := must(conn.QueryContext(t.Context(), "SELECT 1 FROM t FOR UPDATE"))
		check(t, conn.PingContext(multidb.WithEngine(t.Context(), multidb.Replica)))
		if n := s.inUse(t, "primary"); n != 1 {
			t.Errorf("%d leases of the primary while its rows are open, want 1", n)
		}
		check(t, rows.Close())
	})
}

// An engine at its limit does not keep statements from another. That is why the
// limits are the engines' and the one of the sql.DB stays 0.
func TestBusyEngineDoesNotBlockOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		tx := must(s.db.Begin())
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, err := s.db.ExecContext(ctx, "DELETE FROM t")
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want the context's error", err)
				}
			})
		}
		synctest.Wait()
		check(t, s.db.PingContext(multidb.WithEngine(t.Context(), multidb.Replica)))
		cancel()
		wg.Wait()
		check(t, tx.Commit())
	})
}

// After a restart of the server all idle connections are dead. They cost nobody
// a statement.
func TestRestartCostsNoStatement(t *testing.T) {
	for _, shape := range []testdb.Shape{testdb.Full, testdb.NoValidator, testdb.NoResetter, testdb.Bare} {
		t.Run(shape.Name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, shape)
				var conns []*sql.Conn
				for range 20 {
					conn := must(s.db.Conn(t.Context()))
					check(t, conn.PingContext(t.Context()))
					conns = append(conns, conn)
				}
				for _, conn := range conns {
					check(t, conn.Close())
				}
				s.primary.Restart()
				for i := range 40 {
					if _, err := s.db.Exec("DELETE FROM t"); err != nil {
						t.Errorf("statement %d: %v", i, err)
					}
				}
				if n := len(s.primary.Writes()); n != 40 {
					t.Errorf("%d writes were done, want 40", n)
				}
			})
		})
	}
}

// A child that cannot be reset is not used, whatever its error: database/sql
// itself would only look for ErrBadConn.
func TestResetErrorDropsTheChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		must(s.db.Exec("DELETE FROM t"))
		s.primary.FailOnce(testdb.OpReset, errors.New("cannot reset"))
		must(s.db.Exec("DELETE FROM t"))
		synctest.Wait()
		if n := s.primary.Open(); n != 1 {
			t.Errorf("%d connections are open, want the new one alone", n)
		}
		if n := s.primary.Count(testdb.OpDial); n != 2 {
			t.Errorf("dialled %d times, want twice", n)
		}
	})
}

// A child without Validator cannot promise that it is clean after a transaction
// that its context ended.
func TestContextThatEndsATransactionDiscardsTheChild(t *testing.T) {
	for shape, kept := range map[*testdb.Shape]bool{&testdb.Full: true, &testdb.NoValidator: false, &testdb.NoResetter: false} {
		t.Run(shape.Name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, *shape)
				ctx, cancel := context.WithCancel(t.Context())
				must(must(s.db.BeginTx(ctx, nil)).Exec("DELETE FROM t"))
				cancel()
				synctest.Wait()
				if got := s.primary.Open() == 1; got != kept {
					t.Errorf("kept: %t, want %t", got, kept)
				}
			})
		})
	}
}

// One engine's lost connection does not cost a Conn its healthy ones.
func TestBadConnectionLeavesOtherEnginesAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		conn := must(s.db.Conn(t.Context()))
		var one int
		check(t, conn.QueryRowContext(t.Context(), "SELECT 1").Scan(&one)) // the replica's child is kept: rows may be open
		s.primary.LoseOnce(testdb.OpExec, driver.ErrBadConn)
		_, err := conn.ExecContext(t.Context(), "DELETE FROM t")
		if err == nil {
			t.Error("the statement did not fail")
		}
		conn.Close()
		check(t, s.db.QueryRow("SELECT 1").Scan(&one))
		synctest.Wait()
		if n := s.replica.Count(testdb.OpDial); n != 1 {
			t.Errorf("the replica was dialled %d times, want once", n)
		}
		if n := s.primary.Open(); n != 0 {
			t.Error("the lost connection is still open")
		}
	})
}

// A statement that its context ended leaves nothing that disturbs the next.
func TestStatementsAfterACancelledOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		for i := range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			s.primary.Once(testdb.OpQuery, func(c *testdb.Call) error {
				cancel()
				c.Lose()
				return c.Context.Err()
			})
			_, err := s.db.QueryContext(ctx, "SELECT 1 FROM t FOR UPDATE")
			wantErr(t, err, context.Canceled)
			if _, err := s.db.Exec("DELETE FROM t"); err != nil {
				t.Errorf("after cancellation %d: %v", i+1, err)
			}
		}
	})
}

// The context of a statement may end while its engine is being dialled. The
// connection is there for the next.
func TestContextEndsDuringTheDial(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		s.primary.Once(testdb.OpDial, func(*testdb.Call) error {
			time.Sleep(time.Second)
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := s.db.ExecContext(ctx, "DELETE FROM t")
		if err != context.DeadlineExceeded {
			t.Errorf("got %v, want the context's own error", err)
		}
		time.Sleep(time.Second)
		must(s.db.Exec("DELETE FROM t"))
		if n := s.primary.Count(testdb.OpDial); n != 1 {
			t.Errorf("dialled %d times, want once", n)
		}
	})
}

// A dial error says which engine it is, and is still the child's.
func TestDialErrorNamesTheEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		refused := errors.New("connection refused")
		s.primary.FailOnce(testdb.OpDial, refused)
		_, err := s.db.Exec("DELETE FROM t")
		wantErr(t, err, refused)
		if want := `multidb: engine "primary": connection refused`; fmt.Sprint(err) != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}

// db.Close does not wait for rows that are open; their connection is closed after
// them.
func TestCloseWithRowsOpen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		rows := must(s.db.Query("SELECT 1 FROM t FOR UPDATE"))
		check(t, s.db.Close())
		if !rows.Next() {
			t.Error("the rows are gone:", rows.Err())
		}
		check(t, rows.Close())
	})
}

// A child in which a session was changed is not pooled.
func TestRawChildIsNotPooled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		conn := must(s.db.Conn(t.Context()))
		check(t, conn.Raw(func(c any) error {
			return c.(*multidb.Conn).Raw(t.Context(), func(any) error { return nil })
		}))
		if n := s.inUse(t, "primary"); n != 1 {
			t.Errorf("%d leases while the sql.Conn is open, want 1", n)
		}
		check(t, conn.Close())
		synctest.Wait()
		if n := s.primary.Open(); n != 0 {
			t.Error("the child went back to the pool")
		}
	})
}

// badValuer fails as a connection would, but is an argument.
type badValuer struct{}

func (badValuer) Value() (driver.Value, error) {
	return nil, fmt.Errorf("key service: %w", io.ErrUnexpectedEOF)
}

func TestArgumentErrorIsNoLostConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Bare)
		must(s.db.Exec("DELETE FROM t"))
		_, err := s.db.Exec("INSERT INTO t VALUES (?)", badValuer{})
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, multidb.ErrUnknownOutcome) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if n := s.primary.Open(); n != 1 {
			t.Errorf("%d connections are open, want the one that nothing happened to", n)
		}
	})
}

func TestErrBadConnFromRawMeansOneChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		var conns []*sql.Conn
		for range 5 {
			conn := must(s.db.Conn(t.Context()))
			must(conn.ExecContext(t.Context(), "DELETE FROM t"))
			conns = append(conns, conn)
		}
		for _, conn := range conns {
			check(t, conn.Close())
		}
		conn := must(s.db.Conn(t.Context()))
		conn.Raw(func(c any) error {
			return c.(*multidb.Conn).Raw(t.Context(), func(any) error { return driver.ErrBadConn })
		})
		synctest.Wait()
		if n := s.primary.Open(); n != 4 {
			t.Errorf("%d connections are open, want 4", n)
		}
	})
}

func TestDriverOpenOwnsWhatItOpens(t *testing.T) {
	fake := testdb.NewFake(t, "primary", testdb.Full)
	name := fmt.Sprintf("multidb-owned-%p", fake) // the tests may run more than once
	sql.Register(name, opener{fake.Connector()})
	conn := must((&multidb.Driver{}).Open(fmt.Sprintf(`{"driver": %q, "primary": {"dsn": "x", "max_open": 5}}`, name)))
	must(conn.(driver.ExecerContext).ExecContext(t.Context(), "DELETE FROM t", nil))
	conn.(driver.Validator).IsValid()
	if n := fake.Open(); n != 1 {
		t.Errorf("%d connections are open, want 1", n)
	}
	check(t, conn.Close())
	if n := fake.Open(); n != 0 {
		t.Errorf("%d connections are open after Close", n)
	}
}

// opener is the driver of a connector.
type opener struct{ driver.Connector }

func (o opener) Open(string) (driver.Conn, error) { return o.Connect(context.Background()) }

// A replica is lost while rows of it are still read by the program.
func TestAChildWithOpenRowsIsNotClosedUnderThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		conn := must(s.db.Conn(t.Context()))
		rows := must(conn.QueryContext(t.Context(), "SELECT 1 UNION ALL SELECT 2"))
		s.replica.LoseOnce(testdb.OpQuery, io.EOF)
		check(t, drain(conn.QueryContext(t.Context(), "SELECT 1"))) // on the primary
		for rows.Next() {
		}
		rows.Close()
		check(t, conn.Close())
		synctest.Wait()
		if n := s.replica.Open(); n != 0 {
			t.Error("the lost connection is still open")
		}
		s.replica.Check(t)
	})
}

// sql.Conn.Raw and a dial may end in driver.ErrBadConn without any child saying so.
func TestErrBadConnOfNoChildLeavesOthersAlone(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *split, conn *sql.Conn){
		"panic in Raw": func(t *testing.T, s *split, conn *sql.Conn) {
			defer func() { recover() }()
			conn.Raw(func(c any) error {
				return c.(*multidb.Conn).Raw(t.Context(), func(any) error { panic("program") })
			})
		},
		"dial": func(t *testing.T, s *split, conn *sql.Conn) {
			s.primary.FailOnce(testdb.OpDial, driver.ErrBadConn)
			conn.ExecContext(t.Context(), "DELETE FROM t")
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, testdb.Full)
				var conns []*sql.Conn
				for range 5 {
					conn := must(s.db.Conn(t.Context()))
					check(t, drain(conn.QueryContext(t.Context(), "SELECT 1")))
					conns = append(conns, conn)
				}
				for _, conn := range conns[1:] {
					check(t, conn.Close())
				}
				end(t, s, conns[0])
				conns[0].Close()
				synctest.Wait()
				if n := s.replica.Open(); n != 5 {
					t.Errorf("%d connections to the replica are open, want all 5", n)
				}
			})
		})
	}
}
