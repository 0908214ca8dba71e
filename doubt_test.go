package multidb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What may happen between a decision and the statement. A fake fails the test when
// a write reaches it while it is a replica.

// slowDial makes the next dial take a while.
func slowDial(f *testdb.Fake, d time.Duration) {
	f.Once(testdb.OpDial, func(*testdb.Call) error { time.Sleep(d); return nil })
}

// failOver makes the first replica the primary, behind everybody's back.
func (h *herd) failOver() {
	h.primary.Demote()
	h.replicas[0].Promote()
}

func TestAWriteThatWaitedIsNotSentToAFormerPrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		check(t, h.write())
		tx := must(h.db.Begin()) // has the connection
		slowDial(h.primary, 3*time.Second)
		done := make(chan error)
		go func() { done <- h.write() }() // was let in, and waits for the dial
		time.Sleep(50 * time.Millisecond)
		h.primary.Restart()
		h.failOver()
		if _, err := tx.Exec("DELETE FROM t"); err == nil {
			t.Error("the lost transaction goes on")
		}
		tx.Rollback()
		check(t, h.write())
		check(t, <-done)
		h.wantWrites(1, 2)
	})
}

func TestADeadConnectionIsADoubt(t *testing.T) {
	bubble(t, func(t *testing.T) { // found when it is reset
		h := newHerd(t, 1, discover)
		check(t, h.write())
		h.primary.Restart()
		h.failOver()
		check(t, h.write())
		h.wantWrites(1, 1)
	})
	bubble(t, func(t *testing.T) { // found by rows
		h := newHerd(t, 1, discover, func(c *multidb.Config) { c.Reads = "primary" })
		check(t, h.write())
		rows := must(h.db.Query("SELECT 1 UNION ALL SELECT 2"))
		h.failOver()
		h.primary.LoseOnce(testdb.OpNext, driver.ErrBadConn)
		rows.Next()
		rows.Close()
		check(t, h.write())
		h.wantWrites(1, 1)
	})
}

// A connection is used for the role for which it was made.
func TestConnectionsOfAnotherRoleAreNotUsed(t *testing.T) {
	const guard = "Exec SET SESSION TRANSACTION READ ONLY"
	enforce := func(c *multidb.Config) { c.Primary.ReadOnly, c.Replicas[0].ReadOnly = "", "" }
	// used reports what was run on connections that were made read-only, or not.
	used := func(f *testdb.Fake, call string, readOnly bool) (lines []string) {
		made := make(map[string]bool)
		for _, line := range f.Trace() {
			conn, what, _ := strings.Cut(line, " ")
			made[conn] = made[conn] || what == guard
			if strings.HasPrefix(what, call) && made[conn] == readOnly {
				lines = append(lines, line)
			}
		}
		return lines
	}
	for name, asked := range map[string]string{"a replica that becomes the primary": multidb.Replica, "a primary that becomes a replica": multidb.Primary} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, discover, enforce)
				for _, f := range h.all() {
					f.KeepsState = true // the guard is meant to stay
				}
				check(t, h.write())
				tx := must(h.db.Begin()) // has the primary's connection
				slow := h.replicas[0]
				if asked == multidb.Primary {
					slow = h.primary
				}
				slowDial(slow, 4*time.Second)
				done := make(chan error)
				go func() {
					done <- use(h.db.QueryContext(multidb.WithEngine(t.Context(), asked), "SELECT 1"))
				}()
				time.Sleep(50 * time.Millisecond)
				h.failOver()
				tx.Rollback()
				time.Sleep(2 * time.Second)
				check(t, h.write())
				check(t, <-done)
				time.Sleep(5 * time.Second)
				for range 10 {
					check(t, h.write())
					check(t, use(h.db.Query("SELECT 1")))
				}
				if lines := used(h.replicas[0], "Exec DELETE", true); lines != nil {
					t.Errorf("writes on read-only connections of the new primary: %q", lines)
				}
				if lines := used(h.primary, "Query SELECT 1", false); lines != nil && asked == multidb.Replica {
					t.Errorf("reads on writable connections of the new replica: %q", lines)
				}
			})
		})
	}
}

// A session's state is where it is, so nothing of it is sent elsewhere; and it is
// not let write where nobody may.
func TestASessionIsNotMovedByADoubt(t *testing.T) {
	for _, text := range []string{"CREATE TEMPORARY TABLE x (a int)", "SET x = 1", "START TRANSACTION READ WRITE"} {
		t.Run(text, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, discover)
				check(t, h.write())
				h.failOver()
				var asked atomic.Int32
				h.primary.On(testdb.OpExec, func(*testdb.Call) error { asked.Add(1); return notWriting })
				conn := must(h.db.Conn(t.Context()))
				_, err := conn.ExecContext(t.Context(), text)
				wantErr(t, err, notWriting)
				check(t, conn.Close())
				if n := asked.Load(); n != 1 {
					t.Errorf("it was sent %d times", n)
				}
			})
		})
	}
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		conn := must(h.db.Conn(t.Context()))
		defer conn.Close()
		must(conn.ExecContext(t.Context(), "SET x = 1"))
		h.replicas[0].Promote()
		time.Sleep(5 * time.Second)
		_, err := conn.ExecContext(t.Context(), "DELETE FROM t")
		wantErr(t, err, multidb.ErrTwoPrimaries)
	})
}

type mysqlError struct {
	Number  uint16
	Message string
}

func (e *mysqlError) Error() string { return e.Message }

// A part of these may have been done, and reached the new primary by replication,
// before the rest was refused.
func TestWhatMayBeHalfDoneIsNotRepeated(t *testing.T) {
	for _, text := range []string{"CALL book(1)", "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)"} {
		t.Run(text, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, discover)
				check(t, h.write())
				refusal := &mysqlError{1290, "The MySQL server is running with the --read-only option"}
				h.primary.On(testdb.OpExec, func(*testdb.Call) error { h.failOver(); return refusal })
				if _, err := h.db.Exec(text); err != refusal {
					t.Errorf("got %v, want the child's error", err)
				}
				h.wantWrites(1, 0)
				check(t, h.write()) // but nobody is taken in twice
				h.wantWrites(1, 1)
			})
		})
	}
}

func TestANamedEngineIsAskedForItsRole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover, func(c *multidb.Config) { c.Primary.Name = "main" })
		ctx := multidb.WithEngine(t.Context(), "main")
		for range 3 {
			must(h.db.ExecContext(ctx, "DELETE FROM t"))
			time.Sleep(10 * time.Second)
		}
		h.failOver()
		_, err := h.db.ExecContext(ctx, "DELETE FROM t")
		wantErr(t, err, multidb.ErrReadOnlyEngine)
		h.wantWrites(3, 0)
	})
}

// What is repeated does not wait for the place of its own dead connection.
func TestARepetitionDoesNotWaitForItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) {
			c.FailoverTimeout, c.Primary.MaxOpen = multidb.Duration(5*time.Second), 1
		})
		conn := must(h.db.Conn(t.Context()))
		defer conn.Close()
		must(conn.ExecContext(t.Context(), "DELETE FROM t"))
		h.primary.LoseOnce(testdb.OpBegin, io.EOF)
		tx := must(conn.BeginTx(t.Context(), nil))
		check(t, tx.Rollback())
		check(t, conn.QueryRowContext(multidb.WithEngine(t.Context(), multidb.Primary), "SELECT 1").Scan(new(int)))
		h.primary.LoseOnce(testdb.OpBegin, io.EOF)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := conn.BeginTx(ctx, nil); err != io.EOF { // rows may be open on the dead connection
			t.Errorf("got %v, want the child's error at once", err)
		}
	})
}

func TestADriverThatPanicsInADial(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		h.replicas[0].Once(testdb.OpDial, func(*testdb.Call) error { panic("driver bug") })
		h.where(t.Context())
		time.Sleep(time.Minute)
		if at := h.where(t.Context()); at != "replica1" {
			t.Errorf("a minute later answered by %s", at)
		}
		var dials atomic.Int32
		h.replicas[0].Restart()
		h.replicas[0].On(testdb.OpDial, func(*testdb.Call) error {
			switch dials.Add(1) {
			case 1:
				return io.EOF
			case 2:
				panic("driver bug") // the watcher's dial
			}
			return nil
		})
		h.where(t.Context())
		time.Sleep(time.Minute)
		if at := h.where(t.Context()); at != "replica1" || dials.Load() < 3 {
			t.Errorf("answered by %s after %d dials", at, dials.Load())
		}
	})
}

// One dial that fails is the error of one, if there are connections to wait for.
func TestOneFailedDialIsTheErrorOfOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.Primary.MaxOpen = 2 })
		tx := must(h.db.Begin())
		h.primary.Once(testdb.OpDial, func(*testdb.Call) error { time.Sleep(20 * time.Millisecond); return io.EOF })
		done := make(chan error)
		for range 20 {
			go func() { done <- h.write() }()
		}
		time.Sleep(30 * time.Millisecond)
		check(t, tx.Rollback())
		failed := 0
		for range 20 {
			if err := <-done; err != nil {
				wantErr(t, err, io.EOF)
				failed++
			}
		}
		if failed > 1 {
			t.Errorf("%d of 20 writes failed", failed)
		}
	})
}

func TestDrainEndsWhileADialIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2)
		slowDial(h.replicas[0], 500*time.Millisecond)
		done := make(chan error)
		go func() {
			done <- use(h.db.QueryContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT 1"))
		}()
		time.Sleep(100 * time.Millisecond)
		check(t, multidb.FromDB(h.db).Engine("replica1").Drain(t.Context()))
		if n := h.replicas[0].Open(); n != 0 {
			t.Errorf("%d connections are open", n)
		}
		wantErr(t, <-done, multidb.ErrDrained)
		before := h.replicas[0].Count(testdb.OpDial)
		time.Sleep(time.Minute)
		if n := h.replicas[0].Count(testdb.OpDial); n != before {
			t.Errorf("the drained engine was dialled %d times", n-before)
		}
	})
}

// A ping is nothing that goes on elsewhere, and what is wrong with the primary is
// nothing that is wrong with a replica.
func TestAPingThatIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.FailoverTimeout = multidb.Duration(time.Second) })
		conn := must(h.db.Conn(t.Context()))
		check(t, conn.QueryRowContext(t.Context(), "SELECT 1").Scan(new(int)))
		h.primary.LoseOnce(testdb.OpPing, driver.ErrBadConn)
		if err := conn.PingContext(t.Context()); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("got %v", err)
		}
		conn.Close()
		synctest.Wait()
		if n := h.replicas[0].Open(); n != 1 {
			t.Errorf("%d connections to the replica are left, want its one", n)
		}
	})
}

// No new connection to the primary can be made, because of the name service or a
// firewall, and those that are open work: they are used.
func TestAnOpenConnectionIsEnough(t *testing.T) {
	dead := map[string]func(*testdb.Call) error{
		"fails": func(*testdb.Call) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "db1"}}
		},
		"hangs": func(c *testdb.Call) error { <-c.Context.Done(); return c.Context.Err() },
	}
	for name, dial := range dead {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, discover)
				check(t, h.write())
				h.primary.On(testdb.OpDial, dial)
				tx := must(h.db.Begin()) // holds the one connection
				ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
				defer cancel()
				if _, err := h.db.ExecContext(ctx, "DELETE FROM t"); err == nil {
					t.Error("a second connection was made")
				}
				if state := h.stats("primary").State; state != "down" {
					t.Errorf("the primary is %s", state)
				}
				check(t, tx.Commit())
				for range 30 {
					check(t, h.write())
					time.Sleep(time.Second)
				}
				h.wantWrites(31, 0)
				if state := h.stats("primary").State; state != "down" {
					t.Errorf("the primary is %s", state)
				}
			})
		})
	}
	bubble(t, func(t *testing.T) { // and not kept by one who waits for the answer
		h := newHerd(t, 1, discover)
		check(t, h.write())
		h.primary.On(testdb.OpDial, dead["fails"])
		tx := must(h.db.Begin())
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		h.db.ExecContext(ctx, "DELETE FROM t")
		check(t, tx.Commit())
		check(t, h.write())
		h.primary.Once(testdb.OpReset, func(*testdb.Call) error { // the write is let in already
			return multidb.FromDB(h.db).Engine("replica1").Resume() // a doubt
		})
		check(t, h.write())
		h.wantWrites(3, 0)
	})
	bubble(t, func(t *testing.T) { // what the open one says counts
		h := newHerd(t, 1, discover)
		check(t, h.write())
		h.primary.On(testdb.OpDial, dead["fails"])
		tx := must(h.db.Begin())
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		h.db.ExecContext(ctx, "DELETE FROM t")
		check(t, tx.Commit())
		h.replicas[0].Promote()
		time.Sleep(2 * time.Second)
		wantErr(t, h.write(), multidb.ErrTwoPrimaries)
		h.primary.Demote()
		time.Sleep(2 * time.Second)
		check(t, h.write())
		h.wantWrites(1, 1)
	})
}

// A network that loses connections now and then makes statements slower, by
// another question, and not by a wait.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		check(t, h.write())
		begun := time.Now()
		for range 5 {
			h.primary.Restart()
			h.primary.LoseOnce(testdb.OpQuery, io.ErrUnexpectedEOF)
			check(t, h.write())
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("writes waited for %v", d)
		}
		h.wantWrites(6, 0)
	})
}

// How long an engine is left alone does not depend on how long it was up.
func TestAnEngineThatWasUpForLongIsAskedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		for range 100 {
			check(t, h.write())
			time.Sleep(time.Second)
		}
		tx := must(h.db.Begin()) // has the connection
		h.primary.FailOnce(testdb.OpDial, io.EOF)
		h.db.Exec("DELETE FROM t")
		check(t, tx.Rollback())
		time.Sleep(100 * time.Millisecond)
		if state := h.stats("primary").State; state != "up" {
			t.Errorf("the primary is %s", state)
		}
	})
}
