package multidb_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// TestStress does everything at once, with deadlines that end in the middle of
// calls and servers that restart. The fakes complain about each wrong use; at the
// end nothing may be left. Time is fake, so that calls end in another order each
// time while the test itself takes none.
func TestStress(t *testing.T) {
	for _, shape := range []testdb.Shape{testdb.Full, testdb.NoValidator, testdb.NoResetter, testdb.Bare} {
		t.Run(shape.Name, func(t *testing.T) {
			s := openSplit(t, shape, maxOpen(12))
			for _, f := range []*testdb.Fake{s.primary, s.replica} {
				for _, op := range []testdb.Op{testdb.OpDial, testdb.OpExec, testdb.OpQuery, testdb.OpPrepare,
					testdb.OpStmtExec, testdb.OpStmtQuery, testdb.OpCommit, testdb.OpNext} {
					f.On(op, takesTime)
				}
			}
			shared := must(s.db.Prepare("SELECT 1 FROM t"))
			var workers, restarts sync.WaitGroup
			for range 32 {
				workers.Go(func() {
					for range 60 {
						ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
						doSomething(ctx, s.db, shared)
						cancel()
					}
				})
			}
			done := make(chan struct{})
			restarts.Go(func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(3 * time.Millisecond):
						s.primary.Restart()
						s.replica.Restart()
					}
				}
			})
			workers.Wait()
			close(done)
			restarts.Wait()
			check(t, shared.Close())
			if len(s.primary.Writes()) == 0 {
				t.Error("no write was done: the deadlines are too short to test anything")
			}
			endOfStress(t, s)
		})
	}
}

// endOfStress gives the goroutines that end transactions and connections behind
// a program's back, and the one that asks servers whether they are back, the time to
// do so, and checks that nothing is left.
func endOfStress(t *testing.T, s *split) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for (s.db.Stats().InUse > 0 || len(childrenInUse(s.db)) > 0) && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	checkNoLeases(t, s.db)
	check(t, s.db.Close())
	for _, f := range []*testdb.Fake{s.primary, s.replica} {
		f.WaitClosed(ctx)
		f.CheckClosed(t)
		if f.Peak() > 12 {
			t.Errorf("%d connections at once, the limit is 12", f.Peak())
		}
	}
}

// takesTime is the work of a server: it ends early with the caller's context.
func takesTime(c *testdb.Call) error {
	if c.Context == nil {
		time.Sleep(rand.N(20 * time.Microsecond))
		return nil
	}
	select {
	case <-time.After(rand.N(60 * time.Microsecond)):
		return nil
	case <-c.Context.Done():
		return c.Context.Err()
	}
}

func doSomething(ctx context.Context, db *sql.DB, shared *sql.Stmt) {
	var n int
	switch rand.N(8) {
	case 0:
		db.ExecContext(ctx, "DELETE FROM t")
	case 1:
		db.QueryRowContext(ctx, "SELECT 1").Scan(&n)
	case 2:
		if rows, err := db.QueryContext(ctx, "SELECT 1 UNION ALL SELECT 2"); err == nil {
			for rows.Next() {
				rows.Scan(&n)
			}
			rows.Close()
		}
	case 3:
		shared.QueryRowContext(ctx).Scan(&n)
	case 4:
		if stmt, err := db.PrepareContext(ctx, "DELETE FROM u"); err == nil {
			stmt.ExecContext(ctx)
			stmt.Close()
		}
	case 5:
		multidb.RunInTx(ctx, db, &sql.TxOptions{}, func(ctx context.Context, tx *sql.Tx) error {
			tx.StmtContext(ctx, shared).QueryRowContext(ctx).Scan(&n)
			_, err := tx.ExecContext(ctx, "UPDATE t SET a = 1")
			return err
		})
	case 6:
		if tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err == nil {
			tx.QueryRowContext(ctx, "SELECT 1").Scan(&n)
			tx.Rollback()
		}
	case 7:
		if conn, err := db.Conn(ctx); err == nil {
			conn.ExecContext(ctx, "SET role = 'admin'")
			conn.QueryRowContext(ctx, "SELECT 1").Scan(&n)
			conn.ExecContext(ctx, "DELETE FROM t")
			conn.Close()
		}
	}
}
