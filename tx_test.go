package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// wantErr fails the test if err is not want, and is ErrBadConn unless that is
// wanted: database/sql would run the statement again.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
	if want != driver.ErrBadConn && errors.Is(err, driver.ErrBadConn) {
		t.Errorf("%v is ErrBadConn", err)
	}
}

// where returns the name of the server that answers.
func where(t *testing.T, ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) string {
	t.Helper()
	var server string
	check(t, q.QueryRowContext(ctx, "SELECT server").Scan(&server))
	return server
}

func TestTransactionStaysOnItsEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		for _, test := range []struct {
			ctx  context.Context
			opts *sql.TxOptions
			want string
		}{
			{t.Context(), nil, "primary"},
			{t.Context(), &sql.TxOptions{ReadOnly: true}, "replica"},
			{multidb.WithEngine(t.Context(), multidb.Primary), &sql.TxOptions{ReadOnly: true}, "primary"},
			{multidb.WithEngine(t.Context(), "replica1"), &sql.TxOptions{ReadOnly: true}, "replica"},
		} {
			tx := must(s.db.BeginTx(test.ctx, test.opts))
			for range 3 {
				if got := where(t, t.Context(), tx); got != test.want {
					t.Errorf("a statement ran on the %s, the transaction is on the %s", got, test.want)
				}
			}
			check(t, tx.Commit())
		}
	})
}

func TestReadOnlyTxOnPrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, func(c *multidb.Config) { c.ReadOnlyTx = "primary" })
		tx := must(s.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
		if got := where(t, t.Context(), tx); got != "primary" {
			t.Errorf("the transaction is on the %s", got)
		}
		check(t, tx.Rollback())
		checkUntouched(t, s.replica)
	})
}

func TestTransactionRefusesAnotherEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		onReplica := multidb.WithEngine(t.Context(), "replica1")
		tx := must(s.db.Begin())
		s.primary.ClearTrace()
		_, err := tx.QueryContext(onReplica, "SELECT 1")
		wantErr(t, err, multidb.ErrTxEngine)
		_, err = tx.QueryContext(multidb.WithEngine(t.Context(), multidb.Replica), "SELECT 1")
		wantErr(t, err, multidb.ErrTxEngine)
		_, err = tx.PrepareContext(onReplica, "SELECT 1")
		wantErr(t, err, multidb.ErrTxEngine)
		diff(t, "the primary saw", s.primary.Trace(), nil)
		if got := where(t, multidb.WithEngine(t.Context(), multidb.Primary), tx); got != "primary" {
			t.Errorf("the refusal ended the transaction")
		}
		check(t, tx.Commit())
		diff(t, "the replica saw", s.replica.Trace(), nil)

		readOnly := must(s.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
		_, err = readOnly.QueryContext(multidb.WithEngine(t.Context(), "primary"), "SELECT 1")
		wantErr(t, err, multidb.ErrTxEngine)
		check(t, readOnly.Rollback())
	})
}

func TestTransactionRefusesAnotherDatabase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		audit := testdb.NewFake(t, "audit", testdb.Full)
		s := newSplit(t, testdb.Full, func(c *multidb.Config) {
			c.Databases = map[string]multidb.Database{"audit": {Primary: engine(audit)}}
		})
		tx := must(s.db.Begin())
		_, err := tx.ExecContext(multidb.WithDatabase(t.Context(), "audit"), "DELETE FROM t")
		wantErr(t, err, multidb.ErrTxDatabase)
		_, err = tx.QueryContext(multidb.WithEngine(t.Context(), "audit"), "SELECT 1")
		wantErr(t, err, multidb.ErrTxDatabase)
		check(t, tx.Commit())
		checkUntouched(t, audit)

		inAudit := must(s.db.BeginTx(multidb.WithDatabase(t.Context(), "audit"), nil))
		if got := where(t, t.Context(), inAudit); got != "audit" {
			t.Errorf("the transaction is on %s", got)
		}
		_, err = inAudit.ExecContext(multidb.WithDatabase(t.Context(), ""), "DELETE FROM t")
		wantErr(t, err, multidb.ErrTxDatabase)
		check(t, inAudit.Rollback())
	})
}

func TestTransactionOptionsReachTheChild(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		opts := &sql.TxOptions{Isolation: sql.LevelSerializable}
		check(t, must(s.db.BeginTx(t.Context(), opts)).Rollback())
		opts.ReadOnly = true
		check(t, must(s.db.BeginTx(t.Context(), opts)).Rollback())
		diff(t, "primary", s.primary.Trace(), []string{"Dial", "#1 Begin isolation 6", "#1 Rollback", "#1 IsValid"})
		diff(t, "replica", s.replica.Trace(), []string{"Dial", "#1 Begin isolation 6 read-only", "#1 Rollback", "#1 IsValid"})
	})
}

// A context that ends rolls the transaction back, and the connection is kept or
// closed as without multidb.
func TestContextEndsInTransaction(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		ctx, cancel := context.WithCancel(p.Context())
		tx, err := p.db.BeginTx(ctx, nil)
		p.err("begin", err)
		p.exec(tx, "INSERT INTO t VALUES (1)")
		rows, err := tx.Query("SELECT 1 UNION ALL SELECT 2")
		p.err("query", err)
		p.note("next %t", rows.Next())
		cancel()
		p.settle()
		p.err("commit", tx.Commit())
		p.err("rows", rows.Close())
		p.value(p.db, "SELECT conn")
		p.note("rollbacks %d", p.fake.Count(testdb.OpRollback))
	})
}

// The rollback of such a transaction may fail: then nobody gets its connection.
func TestRollbackFails(t *testing.T) {
	for _, shape := range testdb.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			for _, m := range []mode{held, leased} {
				observe(t, shape, m, func(p *probe) {
					ctx, cancel := context.WithCancel(p.Context())
					defer cancel()
					tx, err := p.db.BeginTx(ctx, nil)
					p.err("begin", err)
					p.exec(tx, "INSERT INTO t VALUES (1)")
					p.fake.FailOnce(testdb.OpRollback, errors.New("cannot"))
					cancel()
					p.settle()
					var conn int
					check(p.T, p.db.QueryRow("SELECT conn").Scan(&conn))
					if conn != 2 {
						p.Errorf("%s: the connection whose rollback failed is used again", m)
					}
				})
			}
		})
	}
}

func TestRunInTx(t *testing.T) {
	failure := errors.New("fn failed")
	tests := map[string]struct {
		fn  func(*sql.Tx) error
		end testdb.Op
		err error
	}{
		"commits":                {func(*sql.Tx) error { return nil }, testdb.OpCommit, nil},
		"rolls back on an error": {func(*sql.Tx) error { return failure }, testdb.OpRollback, failure},
		"fn committed itself":    {func(tx *sql.Tx) error { return tx.Commit() }, testdb.OpCommit, sql.ErrTxDone},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, testdb.Full)
				err := multidb.RunInTx(t.Context(), s.db, nil, func(ctx context.Context, tx *sql.Tx) error {
					must(tx.ExecContext(ctx, "INSERT INTO t VALUES (1)"))
					return test.fn(tx)
				})
				if err != test.err {
					t.Errorf("got error %v, want %v", err, test.err)
				}
				for _, op := range []testdb.Op{testdb.OpCommit, testdb.OpRollback} {
					want := 0
					if op == test.end {
						want = 1
					}
					if n := s.primary.Count(op); n != want {
						t.Errorf("%d times %s, want %d", n, op, want)
					}
				}
			})
		})
	}
}

func TestRunInTxRollsBackOnPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		func() {
			defer func() {
				if r := recover(); r != "oh no" {
					t.Errorf("recovered %v, want fn's panic", r)
				}
			}()
			multidb.RunInTx(t.Context(), s.db, nil, func(context.Context, *sql.Tx) error { panic("oh no") })
		}()
		if s.primary.Count(testdb.OpRollback) != 1 {
			t.Error("not rolled back")
		}
	})
}

func TestRunInTxRollsBackOnGoexit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		go multidb.RunInTx(t.Context(), s.db, nil, func(context.Context, *sql.Tx) error {
			runtime.Goexit()
			return nil
		})
		synctest.Wait()
		if s.primary.Count(testdb.OpRollback) != 1 {
			t.Error("not rolled back")
		}
	})
}

func TestRunInTxChoosesTheEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		for want, opts := range map[string]*sql.TxOptions{"primary": nil, "replica": {ReadOnly: true}} {
			check(t, multidb.RunInTx(t.Context(), s.db, opts, func(ctx context.Context, tx *sql.Tx) error {
				if got := where(t, ctx, tx); got != want {
					t.Errorf("fn runs on the %s, want the %s", got, want)
				}
				return nil
			}))
		}
	})
}

// A commit whose connection is lost may have been done or not.
func TestCommitOnALostConnection(t *testing.T) {
	for _, childs := range []error{io.ErrUnexpectedEOF, errors.New("child's own")} {
		bubble(t, func(t *testing.T) {
			s := newSplit(t, testdb.Full)
			tx := must(s.db.Begin())
			must(tx.Exec("INSERT INTO t VALUES (1)"))
			s.primary.LoseOnce(testdb.OpCommit, childs)
			err := tx.Commit()
			wantErr(t, err, multidb.ErrUnknownOutcome)
			wantErr(t, err, childs)
			var outcome *multidb.OutcomeError
			if !errors.As(err, &outcome) || outcome.Child != childs || outcome.Engine != "primary" {
				t.Errorf("got %#v, want an OutcomeError of the primary with the child's error", err)
			}
			synctest.Wait()
			if n := s.primary.Open(); n != 0 {
				t.Errorf("%d connections are open, the lost one among them", n)
			}
		})
	}
}

// Nothing is lost with a transaction that could not write.
func TestReadOnlyCommitOnALostConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		tx := must(s.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
		s.replica.LoseOnce(testdb.OpCommit, io.ErrUnexpectedEOF)
		if err := tx.Commit(); err != io.ErrUnexpectedEOF {
			t.Errorf("got %v, want the child's error", err)
		}
	})
}

// A rollback and a statement before the commit leave nothing behind: the server
// undoes what was begun.
func TestLostBeforeTheCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		tx := must(s.db.Begin())
		s.primary.LoseOnce(testdb.OpExec, io.ErrUnexpectedEOF)
		if _, err := tx.Exec("INSERT INTO t VALUES (1)"); err != io.ErrUnexpectedEOF {
			t.Errorf("exec: got %v, want the child's error", err)
		}
		s.primary.FailOnce(testdb.OpRollback, io.ErrClosedPipe)
		if err := tx.Rollback(); err != io.ErrClosedPipe {
			t.Errorf("rollback: got %v, want the child's error", err)
		}
	})
}

func TestWriteOnALostConnection(t *testing.T) {
	for name, run := range map[string]func(db *sql.DB) error{
		"Exec":       func(db *sql.DB) error { _, err := db.Exec("INSERT INTO t VALUES (1)"); return err },
		"Query":      func(db *sql.DB) error { _, err := db.Query("INSERT INTO t VALUES (1) RETURNING 1"); return err },
		"Stmt.Exec":  func(db *sql.DB) error { _, err := must(db.Prepare("INSERT INTO t VALUES (1)")).Exec(); return err },
		"Stmt.Query": func(db *sql.DB) error { _, err := must(db.Prepare("INSERT INTO t VALUES (1)")).Query(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, testdb.Full)
				childs := errors.New("child's own")
				for _, op := range []testdb.Op{testdb.OpExec, testdb.OpQuery, testdb.OpStmtExec, testdb.OpStmtQuery} {
					s.primary.LoseOnce(op, childs)
				}
				err := run(s.db)
				wantErr(t, err, multidb.ErrUnknownOutcome)
				wantErr(t, err, childs)
				if n := len(s.primary.Writes()); n != 0 {
					t.Errorf("the write was run again")
				}
			})
		})
	}
}

// A read that is lost on an engine that was named is the child's error alone, and
// may be repeated.
func TestReadOnALostConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		s.replica.LoseOnce(testdb.OpQuery, io.ErrUnexpectedEOF)
		if _, err := s.db.QueryContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT 1"); err != io.ErrUnexpectedEOF {
			t.Errorf("got %v, want the child's error", err)
		}
	})
}

// The caller's own context is nobody's fault: no unknown outcome is made of it.
func TestWriteWhoseContextEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		ctx, cancel := context.WithCancel(t.Context())
		s.primary.Once(testdb.OpExec, func(c *testdb.Call) error {
			cancel()
			c.Lose()
			return c.Context.Err()
		})
		if _, err := s.db.ExecContext(ctx, "INSERT INTO t VALUES (1)"); err != context.Canceled {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

// Connections that are lost inside of a transaction, or behind rows, are noticed.
func TestLostConnectionsAreGoneFromThePool(t *testing.T) {
	for name, lose := range map[string]func(p *probe){
		"Exec in a transaction": func(p *probe) {
			tx := p.begun(nil)
			p.fake.LoseOnce(testdb.OpExec, driver.ErrBadConn)
			p.exec(tx, "INSERT INTO t VALUES (1)")
			p.note("%t", tx.Rollback() != nil)
		},
		"Rows.Next": func(p *probe) {
			p.fake.LoseOnce(testdb.OpNext, driver.ErrBadConn)
			rows, err := p.db.Query("SELECT 1")
			p.err("query", err)
			p.note("next %t", rows.Next())
			p.err("rows", rows.Err())
		},
		"Rows.Close": func(p *probe) {
			rows, err := p.db.Query("SELECT 1")
			p.err("query", err)
			p.fake.LoseOnce(testdb.OpRowsClose, driver.ErrBadConn)
			p.err("rows", rows.Close())
		},
		"Commit": func(p *probe) {
			tx := p.begun(nil)
			p.fake.LoseOnce(testdb.OpCommit, driver.ErrBadConn)
			p.err("commit", tx.Commit())
		},
		"Rollback": func(p *probe) {
			tx := p.begun(nil)
			p.fake.LoseOnce(testdb.OpRollback, driver.ErrBadConn)
			p.err("rollback", tx.Rollback())
		},
		"Reset": func(p *probe) {
			p.exec(p.db, "DELETE FROM t")
			p.fake.LoseOnce(testdb.OpReset, driver.ErrBadConn)
			p.exec(p.db, "DELETE FROM t")
		},
		"Ping": func(p *probe) {
			p.fake.LoseOnce(testdb.OpPing, driver.ErrBadConn)
			p.err("ping", p.db.Ping())
		},
	} {
		t.Run(name, func(t *testing.T) {
			compareCalls(t, testdb.Full, func(p *probe) {
				lose(p)
				p.settle()
				p.note("%d connections are open", p.fake.Open())
				p.value(p.db, "SELECT conn")
			})
		})
	}
}

// A recovered panic must not let the rest of a transaction run on another
// connection, outside of it.
func TestPanicEndsTheTransaction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := openSplit(t, testdb.Full)
		tx := must(s.db.Begin())
		must(tx.Exec("INSERT INTO t VALUES (1)"))
		s.primary.Once(testdb.OpExec, func(*testdb.Call) error { panic("child") })
		func() {
			defer func() { recover() }()
			tx.Exec("INSERT INTO t VALUES (2)")
		}()
		if _, err := tx.Exec("INSERT INTO t VALUES (3)"); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("after the panic the transaction goes on: %v", err)
		}
		if err := tx.Rollback(); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("Rollback: %v", err)
		}
		synctest.Wait()
		if n := s.primary.Open(); n != 0 {
			t.Errorf("%d connections are open, want none", n)
		}
		check(t, s.db.Close())
		synctest.Wait()
		if v := s.primary.Violations(); len(v) > 0 {
			t.Errorf("%q", v)
		}
	})
}

func TestPanicEndsTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := openSplit(t, testdb.Full)
		conn := must(s.db.Conn(t.Context()))
		must(conn.ExecContext(t.Context(), "SET a = 1"))
		s.primary.Once(testdb.OpExec, func(*testdb.Call) error { panic("child") })
		func() {
			defer func() { recover() }()
			conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		}()
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO t VALUES (2)"); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("after the panic the session goes on without its state: %v", err)
		}
		conn.Close()
		check(t, s.db.Close())
		synctest.Wait()
	})
}

// database/sql rolls a transaction back in its own time when its context ends,
// and by then its sql.Conn may have begun the next.
func TestTransactionsThatOverlapOnOneConn(t *testing.T) {
	for _, maxOpen := range []int{0, 3} { // held, leased
		db := openConfig(t, multidb.Config{Primary: multidb.Engine{Driver: "mysql", Connector: nestConnector{}, MaxOpen: maxOpen}})
		conn := must(db.Conn(t.Context()))
		a := must(conn.BeginTx(t.Context(), nil))
		b := must(conn.BeginTx(t.Context(), nil))
		check(t, a.Commit())
		if _, err := b.ExecContext(multidb.WithEngine(t.Context(), "nowhere"), "DELETE FROM t"); !errors.Is(err, multidb.ErrUnknownEngine) {
			t.Errorf("got %v", err)
		}
		check(t, b.Commit())
		c := must(conn.BeginTx(t.Context(), nil))
		check(t, c.Rollback())
		check(t, conn.Close())
		check(t, db.Close())
	}
}

// nestConnector's child takes a second BEGIN, as PostgreSQL does with a warning.
type (
	nestConnector struct{}
	nestConn      struct{}
	nestTx        struct{}
)

func (nestConnector) Connect(context.Context) (driver.Conn, error) { return nestConn{}, nil }
func (nestConnector) Driver() driver.Driver                        { return nil }
func (nestConn) Prepare(string) (driver.Stmt, error)               { return nil, errors.New("not this one") }
func (nestConn) Close() error                                      { return nil }
func (nestConn) Begin() (driver.Tx, error)                         { return nestTx{}, nil }
func (nestTx) Commit() error                                       { return nil }
func (nestTx) Rollback() error                                     { return nil }

// A text that begins a transaction and fails somewhere may have left it open.
func TestFailedTextTransactionCostsItsConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := openSplit(t, testdb.Full)
		s.primary.FailOnce(testdb.OpExec, errors.New("in the middle"))
		if _, err := s.db.Exec("BEGIN; INSERT INTO t VALUES (1); COMMIT"); err == nil {
			t.Fatal("it did not fail")
		}
		synctest.Wait()
		if n := s.primary.Open(); n != 0 {
			t.Errorf("the connection went back to the pool: %d open", n)
		}
		check(t, s.db.Close())
		synctest.Wait()
	})
}

// Drivers of SQLite take ReadOnly and do nothing, so there it is no leave to
// write to a replica.
func TestReadOnlyTransactionIsTrustedWhereTheServerKeepsIt(t *testing.T) {
	for _, test := range []struct {
		driver  string
		set     string
		refused bool // by multidb: the server is not asked
	}{
		{driver: "postgres"},
		{driver: "mysql"},
		{driver: "sqlite", refused: true},
		{driver: "other", refused: true},
		{driver: "postgres", set: "SET TRANSACTION READ WRITE", refused: true},
		{driver: "mysql", set: "SET TRANSACTION READ WRITE", refused: true},
	} {
		primary, replica := testdb.NewFake(t, "primary", testdb.Full), testdb.NewFake(t, "replica", testdb.Full)
		replica.AskedAfterErrors = true
		db := openConfig(t, multidb.Config{
			Primary:  multidb.Engine{Driver: test.driver, Connector: primary.Connector()},
			Replicas: []multidb.Engine{{Driver: test.driver, Connector: replica.Connector()}},
		})
		tx := must(db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
		if test.set != "" {
			must(tx.Exec(test.set))
		}
		_, err := tx.Exec("DELETE FROM t")
		if refused := errors.Is(err, multidb.ErrReadOnlyEngine); refused != test.refused {
			t.Errorf("%s %s: %v", test.driver, test.set, err)
		}
		check(t, tx.Rollback())
		check(t, db.Close())
	}
}

// Savepoints inside a transaction, as nested transactions of ORMs set them, begin and
// end nothing: the connection goes back to its pool. In SQLite a SAVEPOINT begins a
// transaction only if there is none.
func TestSavepointsInATransactionCostNoConnection(t *testing.T) {
	for _, dialect := range []string{"postgres", "mysql", "sqlite"} {
		bubble(t, func(t *testing.T) {
			s := newSplit(t, testdb.Full, func(c *multidb.Config) { c.Primary.Driver, c.Replicas[0].Driver = dialect, dialect })
			for range 3 {
				tx := must(s.db.Begin())
				for _, text := range []string{
					"SAVEPOINT a", "INSERT INTO t VALUES (1)", "SAVEPOINT b", "ROLLBACK TO SAVEPOINT b", "RELEASE SAVEPOINT a",
				} {
					must(tx.Exec(text))
				}
				check(t, tx.Commit())
			}
			if n := s.primary.Count(testdb.OpDial); n != 1 {
				t.Errorf("%s: three transactions with savepoints took %d connections", dialect, n)
			}
			// An end by text is one, behind a savepoint as well: the state is not known.
			tx := must(s.db.Begin())
			must(tx.Exec("SAVEPOINT a; ROLLBACK; BEGIN"))
			check(t, tx.Commit())
			must(s.db.Exec("INSERT INTO t VALUES (1)"))
			if n := s.primary.Count(testdb.OpDial); n != 2 {
				t.Errorf("%s: %d connections, want a new one behind a transaction that was ended by text", dialect, n)
			}
		})
	}
}
