package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// herd is a primary and several replicas behind one sql.DB, in a bubble.
type herd struct {
	t        *testing.T
	db       *sql.DB
	primary  *testdb.Fake
	replicas []*testdb.Fake
}

func newHerd(t *testing.T, replicas int, changes ...func(*multidb.Config)) *herd {
	t.Helper()
	h := &herd{t: t, primary: testdb.NewFake(t, "primary", testdb.Full)}
	c := multidb.Config{Primary: engine(h.primary)}
	for i := range replicas {
		replica := testdb.NewFake(t, fmt.Sprintf("replica%d", i+1), testdb.Full)
		replica.Replica = true
		h.replicas = append(h.replicas, replica)
		c.Replicas = append(c.Replicas, engine(replica))
	}
	for _, f := range h.all() {
		f.AskedAfterErrors = true
	}
	for _, change := range changes {
		change(&c)
	}
	h.db = openConfig(t, c)
	t.Cleanup(func() {
		synctest.Wait()
		checkNoLeases(t, h.db)
		check(t, h.db.Close())
		time.Sleep(time.Minute) // a dial that does not heed its context may be under way
		for _, f := range h.all() {
			f.CheckClosed(t)
		}
	})
	return h
}

func (h *herd) all() []*testdb.Fake { return append([]*testdb.Fake{h.primary}, h.replicas...) }

// where asks which server answers a query.
func (h *herd) where(ctx context.Context) string {
	h.t.Helper()
	var name string
	if err := h.db.QueryRowContext(ctx, "SELECT server").Scan(&name); err != nil {
		h.t.Fatal(err)
	}
	return name
}

// spread runs n reads and counts who answered.
func (h *herd) spread(n int) map[string]int {
	h.t.Helper()
	count := make(map[string]int)
	for range n {
		count[h.where(h.t.Context())]++
	}
	return count
}

func (h *herd) stats(name string) multidb.EngineStats {
	e, ok := multidb.FromDB(h.db).Stats().Engine(name)
	if !ok {
		h.t.Fatalf("no engine %q", name)
	}
	return e
}

// refuses makes a server unreachable until the returned function is called.
func refuses(f *testdb.Fake) (comesBack func()) {
	var back atomic.Bool
	f.Restart()
	f.On(testdb.OpDial, func(*testdb.Call) error {
		if back.Load() {
			return nil
		}
		return io.EOF
	})
	return func() { back.Store(true) }
}

// swallows makes a server take connects and never answer.
func swallows(f *testdb.Fake) {
	f.On(testdb.OpDial, func(c *testdb.Call) error {
		<-c.Context.Done()
		return c.Context.Err()
	})
}

const notWriting = sqlState("25006")

// Rescue.

func TestWhatAReplicaRefusesRunsOnThePrimary(t *testing.T) {
	run := map[string]func(db *sql.DB) error{
		"query": func(db *sql.DB) error { return use(db.Query("SELECT 1")) },
		"statement": func(db *sql.DB) error {
			stmt, err := db.Prepare("SELECT 1")
			if err != nil {
				return err
			}
			defer stmt.Close()
			for range 2 { // the statement has learnt, too
				if err := use(stmt.Query()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for name, run := range run {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1)
				refusal := func(*testdb.Call) error { return notWriting }
				h.replicas[0].On(testdb.OpQuery, refusal)
				h.replicas[0].On(testdb.OpStmtQuery, refusal)
				check(t, run(h.db))
				check(t, run(h.db))
				asked := h.replicas[0].Count(testdb.OpQuery) + h.replicas[0].Count(testdb.OpStmtQuery)
				if asked != 1 {
					t.Errorf("the replica was asked %d times, want once: the text is known then", asked)
				}
				if e := h.stats("replica1"); e.Rescued != 1 || e.Pool.OpenConnections != 0 {
					t.Errorf("rescued %d, %d connections left: want 1 and none, as the session may have kept something", e.Rescued, e.Pool.OpenConnections)
				}
				if e := h.stats("primary"); e.Routed["write"] == 0 {
					t.Errorf("the primary ran %v, want writes", e.Routed)
				}
			})
		})
	}
}

// Who asked for a replica, and for none by its name, is helped as well: a role may
// fall back.
func TestWhatARefusingReplicaWasChosenForByRoleRunsOnThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, func(c *multidb.Config) { c.Reads = "primary" })
		for _, f := range h.replicas {
			f.On(testdb.OpQuery, func(*testdb.Call) error { return notWriting })
		}
		ctx := multidb.WithEngine(t.Context(), multidb.Replica)
		for range 3 {
			check(t, use(h.db.QueryContext(ctx, "SELECT 1")))
		}
		if n := h.replicas[0].Count(testdb.OpQuery) + h.replicas[1].Count(testdb.OpQuery); n != 1 {
			t.Errorf("replicas were asked %d times, want once: the text is known then", n)
		}
		if n := h.primary.Count(testdb.OpQuery); n != 3 {
			t.Errorf("the primary ran it %d times", n)
		}
		_, err := h.db.ExecContext(ctx, "DELETE FROM t") // what is plainly a write is a mistake
		wantErr(t, err, multidb.ErrReadOnlyEngine)
	})
}

// MariaDB refuses a write already when it is prepared.
func TestWhatAReplicaRefusesToPrepareRunsOnThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		h.replicas[0].On(testdb.OpPrepare, func(*testdb.Call) error { return notWriting })
		for range 2 {
			stmt := must(h.db.Prepare("SELECT 1"))
			check(t, use(stmt.Query()))
			check(t, stmt.Close())
		}
		if n := h.replicas[0].Count(testdb.OpPrepare); n != 1 {
			t.Errorf("the replica was asked %d times, want once: the text is known then", n)
		}
		if e := h.stats("replica1"); e.Rescued != 1 {
			t.Errorf("rescued %d", e.Rescued)
		}
		if n := h.primary.Count(testdb.OpStmtQuery); n != 2 {
			t.Errorf("the primary ran it %d times", n)
		}
	})
}

func TestNothingIsRescuedInATransactionOrOnANamedEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		h.replicas[0].On(testdb.OpQuery, func(*testdb.Call) error { return notWriting })
		tx := must(h.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
		if err := use(tx.Query("SELECT 1")); err != notWriting {
			t.Errorf("in a transaction: got %v, want the child's error", err)
		}
		check(t, tx.Rollback())
		err := use(h.db.QueryContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT 2"))
		if err != notWriting {
			t.Errorf("on replica1, by choice: got %v, want the child's error", err)
		}
		if n := h.primary.Count(testdb.OpQuery); n != 0 {
			t.Errorf("the primary ran %d of them", n)
		}
	})
}

// Failover of reads.

func TestReadsMoveToAnotherEngine(t *testing.T) {
	faults := map[string]func(f *testdb.Fake){
		"no connection":               func(f *testdb.Fake) { refuses(f) },
		"too many connections":        func(f *testdb.Fake) { f.On(testdb.OpDial, func(*testdb.Call) error { return sqlState("53300") }) },
		"the driver's own dial error": func(f *testdb.Fake) { f.On(testdb.OpDial, func(*testdb.Call) error { return errors.New("no") }) },
		"connection lost":             func(f *testdb.Fake) { f.On(testdb.OpQuery, func(c *testdb.Call) error { c.Lose(); return io.EOF }) },
		"shutdown": func(f *testdb.Fake) {
			f.On(testdb.OpQuery, func(c *testdb.Call) error { c.Lose(); return sqlState("57P01") })
		},
		"recovery conflict": func(f *testdb.Fake) { f.On(testdb.OpQuery, func(*testdb.Call) error { return sqlState("40001") }) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 2)
				fault(h.replicas[0])
				if got := h.spread(20); got["replica2"] != 20 {
					t.Errorf("answered by %v, want replica2 alone", got)
				}
				if h.stats("replica1").Moved == 0 {
					t.Error("replica1 was never tried: this shows nothing")
				}
				fault(h.replicas[1])
				h.replicas[1].Restart()
				if got := h.spread(20); got["primary"] != 20 {
					t.Errorf("answered by %v, want the primary alone", got)
				}
				if e := h.stats("primary"); e.Routed["read, no replica can answer"] != 20 {
					t.Errorf("reasons %v", e.Routed)
				}
				// A read-only transaction begins elsewhere as well.
				h.replicas[0].On(testdb.OpBegin, func(c *testdb.Call) error { c.Lose(); return io.EOF })
				h.replicas[1].On(testdb.OpBegin, func(c *testdb.Call) error { c.Lose(); return io.EOF })
				tx := must(h.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}))
				check(t, tx.Rollback())
			})
		})
	}
}

func TestFallbackErrorKeepsReadsFromThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.Fallback = "error" })
		comesBack := refuses(h.replicas[0])
		err := use(h.db.Query("SELECT 1"))
		wantErr(t, err, multidb.ErrNoReplica)
		wantErr(t, err, io.EOF) // the cause is there
		wantErr(t, use(h.db.Query("SELECT 1")), multidb.ErrNoReplica)
		if n := h.primary.Count(testdb.OpQuery); n != 0 {
			t.Errorf("the primary answered %d reads", n)
		}
		must(h.db.Exec("DELETE FROM t"))
		comesBack()
		time.Sleep(2 * time.Second)
		if at := h.where(t.Context()); at != "replica1" {
			t.Errorf("answered by %s, want the replica that is back", at)
		}
	})
}

// What belongs to the caller stays with the caller.
func TestWhatDoesNotMove(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2)
		for _, f := range h.replicas {
			f.On(testdb.OpQuery, func(c *testdb.Call) error {
				if strings.Contains(c.Text, "mistake") {
					return sqlState("42601")
				}
				return nil
			})
		}
		wantErr(t, use(h.db.Query("SELECT mistake")), sqlState("42601"))

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, f := range h.replicas {
			f.On(testdb.OpQuery, func(c *testdb.Call) error { cancel(); c.Lose(); return c.Context.Err() })
		}
		if err := use(h.db.QueryContext(ctx, "SELECT 1")); err != context.Canceled {
			t.Errorf("got %v, want the caller's own end", err)
		}
		refuses(h.replicas[0])
		err := use(h.db.QueryContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT 1"))
		wantErr(t, err, io.EOF)
		if n := h.primary.Count(testdb.OpDial); n != 0 {
			t.Errorf("the primary was dialled %d times", n)
		}
		for _, name := range []string{"replica2", "primary"} {
			if e := h.stats(name); e.State != multidb.Up {
				t.Errorf("%s is %s, for an error that says nothing of it", name, e.State)
			}
		}
	})
}

// Health.

func TestADeadEngineIsDialledByTheWatcherAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2)
		comesBack := refuses(h.replicas[0])
		h.spread(20)
		synctest.Wait()
		if s := h.stats("replica1").State; s != multidb.Down {
			t.Fatalf("replica1 is %s", s)
		}
		before := h.replicas[0].Count(testdb.OpDial)
		h.spread(500)
		if n := h.replicas[0].Count(testdb.OpDial); n != before {
			t.Errorf("statements dialled the dead engine %d times more", n-before)
		}
		time.Sleep(10 * time.Second) // some of the watcher's, in growing intervals
		if n := h.replicas[0].Count(testdb.OpDial) - before; n < 5 || n > 25 {
			t.Errorf("the watcher asked %d times in ten seconds", n)
		}
		comesBack()
		time.Sleep(2 * time.Second)
		if s := h.stats("replica1").State; s != multidb.Up {
			t.Fatalf("replica1 is %s though it is back", s)
		}
		if got := h.spread(200); got["replica1"] == 0 {
			t.Errorf("answered by %v, want replica1 as well", got)
		}
	})
}

// An engine that swallows packets costs one connect timeout. The bubble's clock
// tells exactly.
func TestABlackHoleCostsOneConnectTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, func(c *multidb.Config) { c.ConnectTimeout = multidb.Duration(3 * time.Second) })
		swallows(h.replicas[0])
		began := time.Now()
		h.spread(50)
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("fifty reads took %s, want one connect timeout of 3 s", d)
		}
		time.Sleep(30 * time.Second)
		began = time.Now()
		h.spread(50)
		if d := time.Since(began); d != 0 {
			t.Errorf("later reads waited %s", d)
		}
	})
}

// While one read waits for the dial that hangs, others go elsewhere.
func TestAHangingDialIsAvoided(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2)
		swallows(h.replicas[0])
		done := make(chan string)
		go func() {
			for range 2 {
				var name string
				ctx := multidb.WithEngine(t.Context(), "replica1")
				err := h.db.QueryRowContext(ctx, "SELECT server").Scan(&name)
				done <- fmt.Sprint(err != nil)
			}
			close(done)
		}()
		time.Sleep(time.Second)
		began := time.Now()
		if got := h.spread(50); got["replica2"] != 50 {
			t.Errorf("answered by %v", got)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("they waited %s", d)
		}
		for failed := range done {
			if failed != "true" {
				t.Error("the named engine answered?")
			}
		}
	})
}

// Without a primary that can be reached a write fails at once, or waits as long
// as it may.
func TestWritesWaitForThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		refuses(h.primary)
		_, err := h.db.Exec("DELETE FROM t")
		wantErr(t, err, io.EOF)
	})
	bubble(t, func(t *testing.T) { // go-sql-driver/mysql's word for it
		h := newHerd(t, 1, func(c *multidb.Config) { c.FailoverTimeout = multidb.Duration(5 * time.Second) })
		h.primary.FailOnce(testdb.OpDial, errors.New("invalid connection"))
		must(h.db.Exec("DELETE FROM t"))
	})
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.FailoverTimeout = multidb.Duration(5 * time.Second) })
		comesBack := refuses(h.primary)
		began := time.Now()
		_, err := h.db.Exec("DELETE FROM t")
		wantErr(t, err, io.EOF)
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("it waited %s, want the timeout", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.db.ExecContext(ctx, "DELETE FROM t"); err != context.DeadlineExceeded {
			t.Errorf("got %v, want the end of the caller's own time", err)
		}
		time.AfterFunc(2*time.Second, comesBack)
		must(h.db.Exec("DELETE FROM t"))
		if n := len(h.primary.Writes()); n != 1 {
			t.Errorf("the write ran %d times", n)
		}
	})
}

// Drain.

func TestDrain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2)
		h.spread(50)
		control := multidb.FromDB(h.db).Engine("replica1")
		tx := must(h.db.BeginTx(multidb.WithEngine(t.Context(), "replica1"), &sql.TxOptions{ReadOnly: true}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := control.Drain(ctx); err != context.DeadlineExceeded {
			t.Errorf("Drain with a transaction open: %v", err)
		}
		check(t, use(tx.Query("SELECT 1"))) // what is under way goes on
		time.AfterFunc(time.Second, func() { tx.Rollback() })
		check(t, control.Drain(t.Context()))
		if n := h.replicas[0].Open(); n != 0 {
			t.Errorf("%d connections are open", n)
		}
		if got := h.spread(50); got["replica2"] != 50 {
			t.Errorf("answered by %v", got)
		}
		wantErr(t, use(h.db.QueryContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT 1")), multidb.ErrDrained)
		if s := h.stats("replica1").State; s != multidb.Drained {
			t.Errorf("the state is %s", s)
		}
		check(t, control.Resume())
		if got := h.spread(200); got["replica1"] == 0 {
			t.Errorf("after Resume: answered by %v", got)
		}
		wantErr(t, multidb.FromDB(h.db).Engine("nowhere").Drain(t.Context()), multidb.ErrUnknownEngine)

		check(t, multidb.FromDB(h.db).Engine("primary").Drain(t.Context()))
		_, err := h.db.Exec("DELETE FROM t")
		wantErr(t, err, multidb.ErrDrained)
	})
}

// Balance.

func TestBalances(t *testing.T) {
	weights := func(c *multidb.Config) { c.Replicas[0].Weight = 3 }
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 3, weights, func(c *multidb.Config) { c.Balance = multidb.RoundRobin })
		if got := h.spread(100); got["replica1"] != 60 || got["replica2"] != 20 || got["replica3"] != 20 {
			t.Errorf("round robin by weight: %v", got)
		}
		refuses(h.replicas[0])
		h.spread(10)
		synctest.Wait() // for what asks it in the background, and finds that it is away
		if got := h.spread(100); got["replica2"] != 50 || got["replica3"] != 50 {
			t.Errorf("round robin of those that are left: %v", got)
		}
	})
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 3, weights, func(c *multidb.Config) { c.Balance = multidb.Random })
		// Ten standard deviations.
		if got := h.spread(1000)["replica1"]; got < 440 || got > 760 {
			t.Errorf("%d of 1000 went to the replica with three fifths of the weight", got)
		}
	})
	bubble(t, func(t *testing.T) {
		var seen []multidb.ReplicaLoad
		h := newHerd(t, 3, weights, func(c *multidb.Config) {
			c.Balance = multidb.BalanceBy(func(replicas []multidb.ReplicaLoad) int {
				seen = slices.Clone(replicas)
				return 2
			})
		})
		if got := h.spread(10); got["replica3"] != 10 {
			t.Errorf("one's own: %v", got)
		}
		if want := "[{replica1 3 0} {replica2 1 0} {replica3 1 0}]"; fmt.Sprint(seen) != want {
			t.Errorf("it saw %v, want %s", seen, want)
		}
	})
}

// A replica that answers ten times slower gets few reads, and is neither dead nor
// forgotten.
func TestASlowReplicaGetsFewReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 4)
		slow := 10 * time.Millisecond
		for i, f := range h.replicas {
			f.On(testdb.OpQuery, func(*testdb.Call) error {
				if i == 0 {
					time.Sleep(slow)
				} else {
					time.Sleep(time.Millisecond)
				}
				return nil
			})
		}
		h.spread(1000) // to find out
		got := h.spread(5000)
		if n := got["replica1"]; n == 0 || n > 50 {
			t.Errorf("the slow replica got %d of 5000 reads, want a few and less than one percent", n)
		}
		if s := h.stats("replica1").State; s != multidb.Up {
			t.Errorf("the slow replica is %s", s)
		}
		slow = time.Millisecond
		h.spread(10_000) // to find out again
		if n := h.spread(1000)["replica1"]; n < 100 {
			t.Errorf("the replica that is fast again got %d of 1000 reads", n)
		}
	})
}

// What did nothing may be sent again where the primary is waited for: a BEGIN, a
// prepare. A read that no replica could answer is sent again, too.
func TestWhatDidNothingIsRepeatedOnThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.FailoverTimeout = multidb.Duration(5 * time.Second) })
		h.primary.LoseOnce(testdb.OpBegin, io.EOF)
		tx := must(h.db.Begin())
		must(tx.Exec("DELETE FROM t"))
		check(t, tx.Commit())
		h.primary.LoseOnce(testdb.OpPrepare, io.EOF)
		stmt := must(h.db.Prepare("DELETE FROM t"))
		defer stmt.Close()
		must(stmt.Exec())
		h.primary.LoseOnce(testdb.OpExec, io.EOF) // but this may have been done
		_, err := h.db.Exec("DELETE FROM t")
		wantErr(t, err, multidb.ErrUnknownOutcome)
		h.wantWrites(2, 0)

		refuses(h.replicas[0])
		h.primary.LoseOnce(testdb.OpQuery, io.EOF)
		if at := h.where(t.Context()); at != "primary" {
			t.Errorf("answered by %s", at)
		}
		h.primary.On(testdb.OpQuery, func(c *testdb.Call) error { c.Lose(); return io.EOF })
		before := h.primary.Count(testdb.OpQuery)
		wantErr(t, use(h.db.Query("SELECT 1")), io.EOF)
		if n := h.primary.Count(testdb.OpQuery) - before; n != 3 {
			t.Errorf("it was sent %d times, want three", n)
		}
	})
}

// Reads that wait for a connection of a replica that hangs are turned away, also
// where the driver's calls cannot be interrupted.
func TestWaitersAreTurnedAwayFromAHangingReplica(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.Replicas[0].MaxOpen = 1 })
		check(t, use(h.db.Query("SELECT 1")))
		hang := func(c *testdb.Call) error { <-c.Context.Done(); return c.Context.Err() }
		for _, op := range []testdb.Op{testdb.OpQuery, testdb.OpDial, testdb.OpPing} {
			h.replicas[0].On(op, hang)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		first, second := make(chan error), make(chan error)
		go func() { first <- use(h.db.QueryContext(ctx, "SELECT 1")) }()
		time.Sleep(10 * time.Millisecond)
		begun := time.Now()
		go func() { second <- use(h.db.QueryContext(ctx, "SELECT 1")) }()
		check(t, <-second)
		if d := time.Since(begun); d > 10*time.Second {
			t.Errorf("it waited for %v", d)
		}
		wantErr(t, <-first, context.DeadlineExceeded)
	})
}

// A server that is full is there, however long its connections are in use.
func TestAFullServerIsNotDownWhileItIsBusy(t *testing.T) {
	for _, change := range []func(*multidb.Config){discover, func(*multidb.Config) {}} {
		bubble(t, func(t *testing.T) {
			h := newHerd(t, 1, change, func(c *multidb.Config) { c.Primary.MaxOpen, c.Replicas[0].MaxOpen = 1, 1 })
			check(t, h.write())
			check(t, use(h.db.Query("SELECT 1")))
			for _, f := range h.all() {
				f.On(testdb.OpDial, func(*testdb.Call) error { return sqlState("53300") })
			}
			tx := must(h.db.Begin())
			rows := must(h.db.Query("SELECT 1 UNION ALL SELECT 2"))
			done := make(chan error)
			go func() { done <- h.write() }()
			for range 20 {
				time.Sleep(time.Second)
				for _, name := range []string{"primary", "replica1"} {
					if state := h.stats(name).State; state != multidb.Up {
						t.Fatalf("%s is %s", name, state)
					}
				}
			}
			check(t, tx.Commit())
			check(t, rows.Close())
			check(t, <-done)
		})
	}
}

// An engine that was gone and is full when it is back is back.
func TestAnEngineThatComesBackFullIsUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		h.replicas[0].FailOnce(testdb.OpDial, io.EOF)
		h.replicas[0].On(testdb.OpDial, func(*testdb.Call) error { return sqlState("53300") })
		check(t, use(h.db.Query("SELECT 1")))
		time.Sleep(20 * time.Second)
		if state := h.stats("replica1").State; state != multidb.Up {
			t.Errorf("it is %s", state)
		}
	})
}

// A read that the primary lost is repeated if the text is proved to be a read. What
// is one only by read_functions may be a mistake, and may have been done.
func TestAReadByReadFunctionsIsNotRepeated(t *testing.T) {
	for query, repeated := range map[string]bool{"SELECT 1": true, "SELECT note(1)": false} {
		t.Run(query, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, func(c *multidb.Config) { c.ReadFunctions = []string{"note"} })
				refuses(h.replicas[0])
				check(t, use(h.db.Query("SELECT 1")))
				before := h.primary.Count(testdb.OpQuery)
				h.primary.LoseOnce(testdb.OpQuery, io.ErrUnexpectedEOF)
				err := use(h.db.Query(query))
				want := 2
				if !repeated {
					want = 1
					wantErr(t, err, multidb.ErrUnknownOutcome)
				} else {
					check(t, err)
				}
				if n := h.primary.Count(testdb.OpQuery) - before; n != want {
					t.Errorf("it was sent %d times, want %d", n, want)
				}
			})
		})
	}
}

// While the primary is away only one asks for it, however many wait; when it is
// back, they make as many connections as they may.
func TestWaitersAreNoHerdWhenThePrimaryComesBack(t *testing.T) {
	for _, change := range []func(*multidb.Config){discover, func(*multidb.Config) {}} {
		bubble(t, func(t *testing.T) {
			const waiters, limit = 100, 5
			h := newHerd(t, 1, change, func(c *multidb.Config) {
				c.Primary.MaxOpen, c.FailoverTimeout = limit, multidb.Duration(time.Minute)
			})
			check(t, h.write())
			back := refuses(h.primary)
			h.write() // finds its connection lost
			var dials, most atomic.Int32
			h.primary.On(testdb.OpDial, func(*testdb.Call) error {
				n := dials.Add(1)
				defer dials.Add(-1)
				most.Store(max(most.Load(), n))
				time.Sleep(20 * time.Millisecond)
				return nil
			})
			done := make(chan error, waiters)
			for range waiters {
				go func() { done <- h.write() }()
			}
			time.Sleep(time.Second)
			before := h.primary.Count(testdb.OpDial)
			time.Sleep(20 * time.Second)
			if n := h.primary.Count(testdb.OpDial) - before; n > 30 || most.Load() > limit {
				t.Errorf("%d dials in 20 s, and %d at once", n, most.Load())
			}
			most.Store(0)
			before = h.primary.Count(testdb.OpDial)
			back()
			for range waiters {
				check(t, <-done)
			}
			if n := h.primary.Count(testdb.OpDial) - before; n > limit+1 || most.Load() > limit {
				t.Errorf("%d dials for %d waiters, and %d at once", n, waiters, most.Load())
			}
			if n := h.primary.Peak(); n > limit+1 { // one is the question's
				t.Errorf("there were %d connections", n)
			}
		})
	}
}

// Close does not wait for a driver that does not heed its context, and what that
// connects to in the end is closed.
func TestCloseDoesNotWaitForAProbe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		h.replicas[0].FailOnce(testdb.OpDial, io.EOF)
		check(t, use(h.db.Query("SELECT 1")))
		slowDial(h.replicas[0], 130*time.Second)
		time.Sleep(5 * time.Second) // the watcher asks
		begun := time.Now()
		check(t, h.db.Close())
		if d := time.Since(begun); d > time.Second {
			t.Errorf("it took %v", d)
		}
		time.Sleep(3 * time.Minute)
		h.replicas[0].CheckClosed(t)
	})
}
