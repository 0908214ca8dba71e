package multidb_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// Config.Discover, on fakes that say what they are. A fake fails the test if a
// write reaches it while it is a replica.

func discover(c *multidb.Config) { c.Discover = true }

func (h *herd) write() error {
	_, err := h.db.ExecContext(h.t.Context(), "DELETE FROM t")
	return err
}

// writes says how many writes each engine carried out, the configured primary first.
func (h *herd) writes() (n []int) {
	for _, f := range h.all() {
		n = append(n, len(f.Writes()))
	}
	return n
}

func (h *herd) wantWrites(want ...int) {
	h.t.Helper()
	for i, n := range h.writes() {
		if n != want[i] {
			h.t.Fatalf("writes by engine: %v, want %v", h.writes(), want)
		}
	}
}

func TestThePrimaryIsFoundByAsking(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, discover)
		h.primary.Demote()
		h.replicas[1].Promote()
		check(t, h.write())
		h.wantWrites(0, 0, 1)
		if got := h.spread(100); got["replica2"] != 0 || got["primary"] == 0 || got["replica1"] == 0 {
			t.Errorf("reads were answered by %v, want the two that are replicas", got)
		}
		if e := h.stats("replica2"); e.Role != multidb.Primary {
			t.Errorf("replica2 is called a %s", e.Role)
		}
		tx := must(h.db.BeginTx(multidb.WithEngine(t.Context(), multidb.Primary), nil))
		must(tx.Exec("DELETE FROM t"))
		check(t, tx.Commit())
		h.wantWrites(0, 0, 2)
		_, err := h.db.ExecContext(multidb.WithEngine(t.Context(), "replica1"), "DELETE FROM t")
		wantErr(t, err, multidb.ErrReadOnlyEngine)
	})
}

func TestWritesGoToTheNewPrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, discover)
		check(t, h.write())
		h.wantWrites(1, 0, 0)
		refuses(h.primary)
		time.AfterFunc(3*time.Second, h.replicas[0].Promote)
		// The first write finds its connection lost: nobody knows what came of it.
		// All later ones wait, and go to the new primary.
		for h.write() != nil {
		}
		h.wantWrites(1, 1, 0)
		check(t, h.write())
		h.wantWrites(1, 2, 0)
	})
}

// The supposed primary says that it does not write, so nothing was done, and the
// write may run where writes run.
func TestARefusedWriteRunsOnTheNewPrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		check(t, h.write())
		h.primary.Demote()
		h.replicas[0].Promote()
		h.primary.On(testdb.OpExec, func(*testdb.Call) error { return notWriting })
		check(t, h.write())
		h.wantWrites(1, 1)
	})
	bubble(t, func(t *testing.T) { // and it is still the primary: its own word stands
		h := newHerd(t, 1, discover)
		h.primary.On(testdb.OpExec, func(*testdb.Call) error { return notWriting })
		wantErr(t, h.write(), notWriting)
		if n := h.primary.Count(testdb.OpExec); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

// A switchover in good order, whose servers refuse what they do not do any more.
// The returned function makes the other engine the primary.
func switchovers(h *herd) func() {
	var writable atomic.Pointer[testdb.Fake]
	writable.Store(h.primary)
	for _, f := range h.all() {
		f.On(testdb.OpExec, func(*testdb.Call) error {
			time.Sleep(10 * time.Millisecond)
			if writable.Load() != f {
				return notWriting
			}
			return nil
		})
	}
	return func() {
		from, to := h.primary, h.replicas[0]
		if writable.Load() == to {
			from, to = to, from
		}
		from.Demote()
		to.Promote()
		writable.Store(to)
	}
}

// All writes that were refused run on the new primary, and not only the one that
// was the first to raise the doubt; also when the roles change again at once.
func TestAllRefusedWritesRunOnTheNewPrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		change := switchovers(h)
		check(t, h.write())
		const writers, rounds = 20, 5
		for range rounds {
			change()
			done := make(chan error, writers)
			for range writers {
				go func() { done <- h.write() }()
			}
			for range writers {
				check(t, <-done)
			}
		}
		h.wantWrites(1+writers*(rounds-1)/2, writers*(rounds+1)/2)
	})
}

// A primary that refuses some writes and stays the primary makes the others wait
// once in a while, and not each time.
func TestRefusalsInVainAreNoDoubt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		h.primary.On(testdb.OpExec, func(*testdb.Call) error { return notWriting })
		wantErr(t, h.write(), notWriting)
		asked := h.primary.Count(testdb.OpQuery)
		for range 100 {
			wantErr(t, h.write(), notWriting)
		}
		if n := h.primary.Count(testdb.OpQuery) - asked; n > 1 {
			t.Errorf("the servers were asked %d times", n)
		}
	})
}

func TestTwoPrimariesGetNoWrites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, discover)
		h.replicas[0].Promote()
		err := h.write()
		wantErr(t, err, multidb.ErrTwoPrimaries)
		for _, name := range []string{`"primary"`, `"replica1"`} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q does not name %s", err, name)
			}
		}
		h.wantWrites(0, 0, 0)
		if got := h.spread(50); got["replica2"] != 50 {
			t.Errorf("reads were answered by %v, want the one that is surely a replica", got)
		}
		// Who knows better takes one of them out.
		check(t, multidb.FromDB(h.db).Engine("primary").Drain(t.Context()))
		check(t, h.write())
		h.wantWrites(0, 1, 0)
	})
}

// A primary that died comes back as one, when another has taken its place.
func TestAnOldPrimaryThatComesBackGetsNoWrites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, discover)
		check(t, h.write())
		comesBack := refuses(h.primary)
		h.replicas[0].Promote()
		for h.write() != nil {
		}
		h.wantWrites(1, 1, 0)
		comesBack()
		for range 5000 {
			time.Sleep(time.Millisecond)
			if err := h.write(); err != nil {
				wantErr(t, err, multidb.ErrTwoPrimaries)
			}
		}
		if h.writes()[0] != 1 {
			t.Errorf("the stranger got %d writes", h.writes()[0]-1)
		}
		wantErr(t, h.write(), multidb.ErrTwoPrimaries)
		h.primary.Demote() // it has been made a replica
		time.Sleep(2 * time.Second)
		check(t, h.write())
		if h.writes()[0] != 1 {
			t.Errorf("the old primary got a write")
		}
	})
}

// deposes kills the primary and lets a replica take its place. The returned function
// brings the old primary back, which takes writes still.
func (h *herd) deposes() (comesBack func()) {
	h.t.Helper()
	check(h.t, h.write())
	comesBack = refuses(h.primary)
	h.replicas[0].Promote()
	for h.write() != nil {
	}
	h.wantWrites(1, 1)
	return comesBack
}

// wantRefusals writes for a while, in which nobody is to take a write.
func (h *herd) wantRefusals(d time.Duration) {
	h.t.Helper()
	before := h.writes()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		wantErr(h.t, h.write(), multidb.ErrTwoPrimaries)
	}
	h.wantWrites(before...)
}

// A stranger does not become the primary because the new one is away for a moment.
func TestAStrangerGetsNoWritesWhileTheNewPrimaryRestarts(t *testing.T) {
	bubble(t, func(t *testing.T) { // it was there before
		h := newHerd(t, 1, discover)
		h.deposes()()
		time.Sleep(3 * time.Second)
		h.wantRefusals(time.Second)
		back := refuses(h.replicas[0])
		h.wantRefusals(10 * time.Second)
		back()
		h.wantRefusals(3 * time.Second)
		h.primary.Demote()
		time.Sleep(2 * time.Second)
		check(t, h.write())
		h.wantWrites(1, 2)
	})
	bubble(t, func(t *testing.T) { // it comes in this moment
		h := newHerd(t, 1, discover)
		strangerBack := h.deposes()
		primaryBack := refuses(h.replicas[0])
		strangerBack()
		var refused error
		for refused == nil || !errors.Is(refused, multidb.ErrTwoPrimaries) {
			refused = h.write() // may be the one that finds the connection lost
			h.wantWrites(1, 1)
		}
		h.wantRefusals(10 * time.Second)
		primaryBack()
		h.wantRefusals(3 * time.Second)
	})
}

// A stranger that goes away again leaves the primary that there was.
func TestWritesGoOnWhenAStrangerLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		h.deposes()()
		time.Sleep(3 * time.Second)
		wantErr(t, h.write(), multidb.ErrTwoPrimaries)
		refuses(h.primary)
		time.Sleep(3 * time.Second)
		check(t, h.write())
		h.wantWrites(1, 2)
	})
}

// Of two that nobody has decided between, none becomes the primary because the
// other is silent.
func TestARivalThatIsSilentKeepsItsVote(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		h.replicas[0].Promote()
		wantErr(t, h.write(), multidb.ErrTwoPrimaries)
		back := refuses(h.replicas[0])
		h.wantRefusals(10 * time.Second)
		back()
		h.wantRefusals(time.Second)
		h.replicas[0].Demote()
		time.Sleep(2 * time.Second)
		check(t, h.write())
		h.wantWrites(1, 0)
	})
}

// The way back to the old primary, in the ways in which it is gone.
func TestFailback(t *testing.T) {
	bubble(t, func(t *testing.T) { // it was made a replica, and the other dies
		h := newHerd(t, 1, discover)
		comesBack := h.deposes()
		h.primary.Demote()
		comesBack()
		time.Sleep(3 * time.Second)
		check(t, h.write())
		refuses(h.replicas[0])
		h.primary.Promote()
		for h.write() != nil {
		}
		h.wantWrites(2, 2)
	})
	bubble(t, func(t *testing.T) { // it was made one while nobody used the database
		h := newHerd(t, 1, discover)
		comesBack := h.deposes()
		h.primary.Demote()
		time.Sleep(time.Hour)
		comesBack()
		time.Sleep(time.Hour)
		refuses(h.replicas[0])
		h.primary.Promote()
		for h.write() != nil {
		}
		h.wantWrites(2, 1)
	})
	bubble(t, func(t *testing.T) { // the other is a replica now
		h := newHerd(t, 1, discover)
		h.deposes()()
		h.replicas[0].Demote()
		time.Sleep(3 * time.Second)
		check(t, h.write())
		h.wantWrites(2, 1)
	})
	bubble(t, func(t *testing.T) { // the other is lost, and a person knows that
		h := newHerd(t, 1, discover)
		h.deposes()()
		time.Sleep(3 * time.Second)
		refuses(h.replicas[0])
		h.wantRefusals(3 * time.Second)
		check(t, multidb.FromDB(h.db).Engine("replica1").Drain(t.Context()))
		check(t, h.write())
		h.wantWrites(2, 1)
	})
}

// A primary that restarts is the primary, and needs nobody's word for it.
func TestAPrimaryThatRestartsIsThePrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		for range 3 {
			check(t, h.write())
			back := refuses(h.primary)
			time.AfterFunc(2*time.Second, back)
			for h.write() != nil {
			}
		}
		h.wantWrites(6, 0)
	})
	bubble(t, func(t *testing.T) { // also the one that was promoted
		h := newHerd(t, 1, discover)
		h.deposes()
		back := refuses(h.replicas[0])
		time.AfterFunc(2*time.Second, back)
		for h.write() != nil {
		}
		h.wantWrites(1, 2)
	})
}

// The same while nobody looks: the program did nothing for an hour.
func TestRolesAreAskedAnewAfterARest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 2, discover)
		check(t, h.write())
		time.Sleep(10 * time.Second)
		before := h.replicas[1].Count(testdb.OpQuery)
		time.Sleep(time.Hour)
		if n := h.replicas[1].Count(testdb.OpQuery); n != before {
			t.Errorf("nobody used the database, and it was asked %d times", n-before)
		}
		h.primary.Demote()
		h.replicas[0].Promote()
		check(t, h.write())
		h.wantWrites(1, 1, 0)
	})
}

// An engine that was asked for its role once a second for long, and is down for a
// moment then, is asked at once whether it is back.
func TestAnEngineThatAnsweredForLongIsMissedSoon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		for range 120 {
			check(t, h.write())
			h.where(t.Context())
			time.Sleep(500 * time.Millisecond)
		}
		comesBack := refuses(h.replicas[0])
		h.where(t.Context())
		time.Sleep(time.Second)
		comesBack()
		time.Sleep(2 * time.Second)
		if s := h.stats("replica1").State; s != multidb.Up {
			t.Errorf("replica1 is %s two seconds after it is back", s)
		}
	})
}

// A primary that hangs is left when another has taken its place.
func TestAHangingPrimaryIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		check(t, h.write())
		hang := func(c *testdb.Call) error {
			<-c.Context.Done()
			return c.Context.Err()
		}
		for _, op := range []testdb.Op{testdb.OpDial, testdb.OpExec, testdb.OpQuery, testdb.OpPing} {
			h.primary.On(op, hang)
		}
		h.replicas[0].Promote()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go h.db.ExecContext(ctx, "DELETE FROM t") // nobody can help this one
		time.Sleep(10 * time.Second)
		check(t, h.write())
		h.wantWrites(1, 1)
		time.Sleep(20 * time.Second)
		synctest.Wait()
	})
}

func TestDiscoverNeedsADialectThatCanTell(t *testing.T) {
	c := multidb.Config{Discover: true, Primary: engine(testdb.NewFake(t, "a", testdb.Full)), Replicas: []multidb.Engine{engine(testdb.NewFake(t, "b", testdb.Full))}}
	c.Primary.Driver, c.Replicas[0].Driver = "sqlite", "sqlite"
	if _, err := multidb.NewConnector(c); err == nil || !strings.Contains(err.Error(), "multidb: discover:") {
		t.Errorf("got %v", err)
	}
}

// The engine that holds the state that a write asks for has become a replica.
func TestTheStateOfAWriteIsOnAFormerPrimary(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		conn := must(h.db.Conn(t.Context()))
		defer conn.Close()
		must(conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"))
		h.failOver()
		time.Sleep(5 * time.Second)
		_, err := conn.ExecContext(t.Context(), "INSERT INTO t VALUES (LAST_INSERT_ID())")
		wantErr(t, err, multidb.ErrReadOnlyEngine)
		h.wantWrites(1, 0)
	})
}

// A primary that has become a replica gets no write, also while nobody has taken its
// place.
func TestAPrimaryIsBelievedThatItIsAReplica(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover)
		check(t, h.write())
		use := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				h.where(t.Context())
			}
		}
		use(2 * time.Second)
		h.primary.Demote()
		use(5 * time.Second)
		wantErr(t, h.write(), multidb.ErrNoPrimary)
		h.primary.Promote()
		check(t, h.write())
		h.wantWrites(2, 0)
	})
}

// That all connections are in use is no doubt about the primary.
func TestWritesWaitTheirTurnWhereRolesAreAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover, func(c *multidb.Config) { c.MaxOpenTotal = 4 })
		h.primary.On(testdb.OpExec, func(*testdb.Call) error { time.Sleep(500 * time.Millisecond); return nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 32 { // each waits for 7 others before it
			all.Go(func() {
				for ctx.Err() == nil {
					begun := time.Now()
					if err := h.write(); err != nil || time.Since(begun) > 5*time.Second {
						t.Errorf("a write took %v: %v", time.Since(begun), err)
					}
				}
			})
		}
		all.Wait()
	})
}

// A driver that does not heed its context keeps nobody from finding the new primary.
func TestAQuestionThatIsNeverAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, discover, func(c *multidb.Config) { c.FailoverTimeout = multidb.Duration(time.Minute) })
		check(t, h.write())
		h.primary.On(testdb.OpQuery, func(*testdb.Call) error { time.Sleep(15 * time.Minute); return io.EOF })
		swallows(h.primary)
		time.Sleep(time.Minute)
		h.replicas[0].Promote()
		for range 3 {
			check(t, h.write())
			time.Sleep(time.Minute)
		}
		h.wantWrites(1, 3)
		time.Sleep(20 * time.Minute)
	})
}
