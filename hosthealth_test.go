package multidb_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What is known of a server is known to all its engines. The fleet's tenants have
// the default connect timeout, 5 s.

const (
	connectTimeout = 5 * time.Second
	late           = connectTimeout / 8
)

// readAll reads of n tenants at once, and returns how long each took.
func (f *fleet) readAll(from, n int) (took []time.Duration) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		all.Go(func() {
			d, err := f.read(tenant(from+i), 30*time.Second)
			if err != nil {
				f.t.Errorf("a read of %s: %v", tenant(from+i), err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

func TestADeadServerIsFoundOutOnceForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 500
		f := newFleet(t, 0, []string{"reader"})
		f.fails("reader", hole)
		took := f.readAll(0, n)
		if median, worst := took[n/2], took[n-1]; median > 2*late || worst > connectTimeout+late {
			t.Errorf("the median read took %v, the slowest %v", median, worst)
		}
		time.Sleep(time.Second)
		f.dials("reader")
		if took := f.readAll(n, 100); took[99] > late {
			t.Errorf("when it was known, a read took %v", took[99])
		}
		time.Sleep(20 * time.Second)
		if dials, atOnce := f.dials("reader"); dials > 25 || atOnce > 1 {
			t.Errorf("the dead server was dialled %d times in 20 s, %d at once; want one at a time by the watcher", dials, atOnce)
		}

		f.fails("reader", nil)
		time.Sleep(connectTimeout + 2*time.Second)
		for _, e := range multidb.FromDB(f.db).Stats().Engines {
			if e.State != multidb.Up {
				t.Errorf("%s is %s", e.Name, e.State)
			}
		}
		if dials, _ := f.dials("reader"); dials > 40 {
			t.Errorf("the watcher dialled %d times to bring %d engines back", dials, n+100)
		}
		before := f.reads("reader")
		f.readAll(0, 200)
		if got := f.reads("reader") - before; got != 200 {
			t.Errorf("the server that is back answered %d of 200 reads", got)
		}
	})
}

// Nobody listens: no statement need try that twice, and the watcher tries it once.
func TestAServerThatRefusesConnectionsIsAskedOnceForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 300
		f := newFleet(t, 40, nil)
		f.readAll(0, n)
		f.fails("writer", func(context.Context, string) error { return syscall.ECONNREFUSED })
		for i := range n {
			f.read(tenant(n+i), time.Second) // of tenants that were not open yet, too
		}
		f.dials("writer")
		for i := range n {
			if _, err := f.read(tenant(n+i), time.Second); err == nil || !strings.Contains(err.Error(), "down since") {
				t.Fatalf("got %v", err)
			}
		}
		time.Sleep(20 * time.Second)
		if dials, _ := f.dials("writer"); dials > 40 {
			t.Errorf("the dead server was dialled %d times in 20 s", dials)
		}
		f.fails("writer", nil)
		time.Sleep(2 * time.Second)
		f.readAll(0, 2*n)
	})
}

// A refusal is the answer of a server that lives, and of one database.
func TestARefusedTenantTellsNothingOfTheOthers(t *testing.T) {
	for _, code := range []sqlState{"3D000", "28P01", "28000", "53300", "08P01", "57P03"} {
		t.Run(string(code), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, 40, []string{"reader"})
				refusal := func(_ context.Context, database string) error {
					if database == "t0" {
						return code
					}
					return nil
				}
				f.fails("reader", refusal)
				f.fails("writer", refusal)
				f.readAll(1, 20)
				before := f.reads("reader")
				for range 20 {
					_, err := f.read(tenant(0), time.Second)
					wantErr(t, err, code)
					f.readAll(1, 20)
					for i := range 5 {
						check(t, f.write(tenant(1+i), time.Second))
					}
				}
				if n := f.reads("reader") - before; n != 400 {
					t.Errorf("%d of 400 reads of other tenants went to the replica", n)
				}
			})
		})
	}
}

// Behind a proxy some databases may hang while the others answer. Reads of those
// may avoid its replica for a moment; nothing of theirs fails.
func TestADatabaseThatHangsIsNotItsServer(t *testing.T) {
	fallback := func(c *multidb.Config) { c.Fallback = "error" }
	for name, change := range map[string]func(*multidb.Config){"primary": func(*multidb.Config) {}, "error": fallback} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, 40, []string{"reader"}, change)
				f.readAll(0, 20)
				for _, server := range []string{"reader", "writer"} {
					f.fails(server, hanging("hung"))
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				var all sync.WaitGroup
				for i := range 3 {
					all.Go(func() {
						for ctx.Err() == nil {
							f.read(fmt.Sprintf("hung%d", i), 20*time.Second)
							f.write(fmt.Sprintf("hung%d", i), 20*time.Second)
							time.Sleep(time.Second)
						}
					})
				}
				n := 0
				before := f.reads("reader")
				for ; ctx.Err() == nil; n++ {
					name := tenant(1 + n%60) // more than there may be connections
					if d, err := f.read(name, 10*time.Second); err != nil || d > time.Second {
						t.Errorf("a read of %s took %v: %v", name, d, err)
					}
					if err := f.write(name, 10*time.Second); err != nil {
						t.Errorf("a write of %s: %v", name, err)
					}
					time.Sleep(50 * time.Millisecond)
				}
				if got := f.reads("reader") - before; got < n*9/10 {
					t.Errorf("the replica answered %d of %d reads", got, n)
				}
				all.Wait()
			})
		})
	}
}

func hanging(prefix string) func(context.Context, string) error {
	return func(ctx context.Context, database string) error {
		if strings.HasPrefix(database, prefix) {
			return hole(ctx, database)
		}
		return nil
	}
}

// The same where nobody else happens to dial: what the server answers on the
// connections that it has shows that it lives.
func TestAServerThatAnswersIsNotDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 0, nil)
		f.readAll(0, 5)
		f.fails("writer", hanging("hung"))
		done := make(chan error)
		for i := range 2 { // the second fails before another can be asked
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				done <- f.write(fmt.Sprintf("hung%d", i), 20*time.Second)
			}()
		}
		if err := <-done; err == nil {
			t.Error("it did not hang")
		}
		check(t, f.write(tenant(1), time.Second))
		if err := <-done; err == nil {
			t.Error("it did not hang")
		}
		check(t, f.write("cold", time.Second))
	})
}

// A replica is avoided from the first dial that hangs on, by those who wait for
// theirs, too, unless the server has answered somebody since, or nobody else may
// answer.
func TestASuspectedReplica(t *testing.T) {
	// suspect has a read of a tenant hang until the server is suspected.
	suspect := func(f *fleet) {
		f.fails("reader", hanging("hung"))
		check(t, f.write("hung", time.Second)) // so that the primary answers it at once then
		f.read("hung", 20*time.Second)
	}
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 0, []string{"reader"})
		f.readAll(0, 1)
		before := f.reads("reader")
		suspect(f)
		f.readAll(0, 1)
		if n := f.reads("reader") - before; n != 0 {
			t.Error("a suspected replica was read from")
		}
		time.Sleep(time.Second) // another engine was asked
		f.readAll(0, 1)
		if n := f.reads("reader") - before; n != 1 {
			t.Error("the replica is not used again")
		}
	})
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 0, []string{"reader"})
		f.readAll(0, 1)
		var other sync.WaitGroup
		other.Go(func() {
			time.Sleep(time.Second)
			f.readAll(1, 1) // by a new connection
		})
		before := f.reads("reader")
		suspect(f)
		other.Wait()
		f.readAll(0, 1)
		if n := f.reads("reader") - before; n != 2 {
			t.Errorf("the server that answered another was read from %d times, want twice", n)
		}
	})
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 0, []string{"reader"}, func(c *multidb.Config) { c.Fallback = "error" })
		f.readAll(0, 1)
		suspect(f)
		f.readAll(0, 1)
	})
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 4, []string{"reader"}) // one dial at a time
		f.fails("reader", hole)
		var first sync.WaitGroup
		first.Go(func() { f.readAll(0, 1) })
		time.Sleep(connectTimeout - 100*time.Millisecond)
		if took := f.readAll(1, 1); took[0] > 150*time.Millisecond {
			t.Errorf("a read that waited for its dial when the server was suspected took %v", took[0])
		}
		first.Wait()
	})
	bubble(t, func(t *testing.T) { // who answered last is asked first
		f := newFleet(t, 0, []string{"reader"})
		for i := range 50 {
			f.read(fmt.Sprintf("hung%d", i), time.Second)
		}
		time.Sleep(10 * time.Minute) // until no connection is left
		f.readAll(0, 1)
		suspect(f)
		time.Sleep(100 * time.Millisecond)
		before := f.reads("reader")
		f.readAll(0, 1)
		if n := f.reads("reader") - before; n != 1 {
			t.Error("the replica is not used again")
		}
	})
}

// A statement that has nowhere else to go waits on in the line for its dial.
func TestANamedReplicaIsWaitedFor(t *testing.T) {
	for name, change := range map[string]func(*multidb.Config){
		"named":    func(*multidb.Config) {},
		"fallback": func(c *multidb.Config) { c.Fallback = "error" },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, 4, []string{"reader"}, change) // one dial at a time
				f.fails("reader", func(context.Context, string) error { time.Sleep(2 * time.Second); return nil })
				var all sync.WaitGroup
				for i := range 4 {
					all.Go(func() {
						ctx := multidb.WithDatabase(t.Context(), tenant(i))
						if name == "named" {
							ctx = multidb.WithEngine(ctx, tenant(i)+".replica1")
						}
						var one int64
						check(t, f.db.QueryRowContext(ctx, "SELECT 1").Scan(&one))
					})
				}
				all.Wait()
				if n := f.reads("reader"); n != 4 {
					t.Errorf("the replica answered %d of 4 reads", n)
				}
			})
		})
	}
}

// A server that swallows packets gets a part of the places, and the tenants of
// another one do not notice.
func TestADeadServerLeavesPlacesForTheOthers(t *testing.T) {
	for _, limit := range []int{4, 16, 40} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, limit, []string{"dead"}, func(c *multidb.Config) {
					c.Resolve = func(_ context.Context, name string) (multidb.Database, error) {
						server := "writer"
						if strings.HasPrefix(name, "x") {
							server = "dead"
						}
						return multidb.Database{Primary: multidb.Engine{DSN: "postgres://" + server + "/" + name}}, nil
					}
				})
				f.fails("dead", hole)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var all sync.WaitGroup
				for i := range 60 {
					all.Go(func() {
						for n := 0; ctx.Err() == nil; n++ {
							f.read(fmt.Sprintf("x%d-%d", i, n), 10*time.Second)
							time.Sleep(time.Second)
						}
					})
				}
				time.Sleep(time.Second)
				for n := 0; ctx.Err() == nil; n++ {
					if d, err := f.read(tenant(n%30), 10*time.Second); err != nil || d > 100*time.Millisecond {
						t.Errorf("a read of %s took %v: %v", tenant(n%30), d, err)
					}
					time.Sleep(10 * time.Millisecond)
				}
				if _, atOnce := f.dials("dead"); atOnce > max(1, limit/4) {
					t.Errorf("the dead server was dialled %d times at once", atOnce)
				}
				all.Wait()
			})
		})
	}
}

// Engines of which nobody can tell the server share a limit, and nothing else.
func TestEnginesOfUnknownServersAreNotOneServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1, func(c *multidb.Config) { c.MaxOpenPerHost = 50 })
		h.replicas[0].On(testdb.OpDial, func(*testdb.Call) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		for range 3 {
			if at := h.where(t.Context()); at != "primary" {
				t.Errorf("answered by %s", at)
			}
			check(t, h.write())
		}
	})
}

// withReadDatabase gives each tenant a replica at the primary's own address, as a
// proxy may have it.
func withReadDatabase(c *multidb.Config) {
	c.Tenants.Replicas = append(c.Tenants.Replicas, multidb.Engine{DSN: "postgres://writer/{tenant}_ro"})
}

// An engine that has trouble of its own is asked again, though the server is asked
// through another one whose trouble lasts.
func TestNoEngineIsForgottenWhileItsServerIsAsked(t *testing.T) {
	for name, first := range map[string]struct{ primary, replica error }{
		"suspected": {io.EOF, nil},
		"down":      {io.EOF, syscall.ECONNREFUSED},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, 20, nil, withReadDatabase)
				var well atomic.Bool
				f.fails("writer", func(ctx context.Context, database string) error {
					isReplica := strings.HasSuffix(database, "_ro")
					switch {
					case isReplica && (well.Load() || first.replica == nil):
						return hole(ctx, database)
					case isReplica:
						return first.replica
					case well.Load():
						return nil
					}
					return first.primary
				})
				f.write("t0", time.Second)
				f.read("t0", 300*time.Millisecond)
				time.Sleep(6 * time.Second)
				well.Store(true) // the primary, that is
				time.Sleep(time.Minute)
				check(t, f.write("t0", 10*time.Second))
			})
		})
	}
}

// A driver that does not heed its context keeps no server down.
func TestAServerIsAskedAgainThoughOneQuestionHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 40, nil)
		f.readAll(0, 10)
		var stuck atomic.Bool
		f.fails("writer", func(context.Context, string) error {
			if stuck.CompareAndSwap(true, false) {
				time.Sleep(20 * time.Minute)
				return io.EOF
			}
			return syscall.ECONNREFUSED
		})
		f.read("t20", time.Second)
		f.read("t21", time.Second)
		stuck.Store(true)
		time.Sleep(3 * time.Second)
		f.fails("writer", nil)
		time.Sleep(time.Minute)
		_, err := f.read("t0", 10*time.Second)
		check(t, err)
		time.Sleep(20 * time.Minute)
	})
}
