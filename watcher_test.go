package multidb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// What the watcher asks counts among the connections. The fleet fails the test when
// there are more than there may be.

func tenant(i int) string { return fmt.Sprintf("t%d", i) }

func TestTheWatcherKeepsToTheCap(t *testing.T) {
	const tenants, limit = 300, 40
	bubble(t, func(t *testing.T) {
		f := newFleet(t, limit, []string{"reader"}, discover)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for g := range 16 {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					name := tenant(r.IntN(tenants))
					if _, err := f.read(name, 10*time.Second); err != nil {
						t.Errorf("a read of %s: %v", name, err)
					}
					if n%20 == 0 {
						if err := f.write(name, 10*time.Second); err != nil {
							t.Errorf("a write of %s: %v", name, err)
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		all.Wait()
	})
	for name, fault := range map[string]func(context.Context, string) error{
		"hangs":   hole,
		"refuses": func(context.Context, string) error { return syscall.ECONNREFUSED },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, limit, nil)
				for i := range tenants {
					if _, err := f.read(tenant(i), time.Second); err != nil {
						t.Fatal(err)
					}
				}
				f.fails("writer", fault)
				var all sync.WaitGroup
				for i := range tenants {
					all.Go(func() { f.read(tenant(i), 20*time.Second) })
				}
				all.Wait()
				time.Sleep(10 * time.Second)
				f.fails("writer", nil)
				time.Sleep(5 * time.Second)
				for i := range tenants {
					if _, err := f.read(tenant(i), time.Second); err != nil {
						t.Errorf("after the server is back: %s: %v", tenant(i), err)
					}
				}
			})
		})
	}
}

// Where there is no place to ask the primary by, what is known of it grows old, and
// nobody takes its place unasked.
func TestAPrimaryThatCouldNotBeAskedIsDoubted(t *testing.T) {
	for _, rivals := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			f := newFleet(t, 2, []string{"reader"}, discover)
			check(t, f.write("t0", time.Second))
			f.readAll(0, 1)
			tx := must(f.db.BeginTx(multidb.WithDatabase(t.Context(), "other"), nil)) // has the place of t0's primary
			f.failOver("reader", rivals)
			for range 30 {
				time.Sleep(100 * time.Millisecond)
				f.readAll(0, 1)
			}
			before, beside := f.writes("writer"), f.writes("reader")
			check(t, tx.Rollback())
			err := f.write("t0", 5*time.Second)
			if rivals {
				wantErr(t, err, multidb.ErrTwoPrimaries)
				beside--
			} else {
				check(t, err)
			}
			if n, m := f.writes("writer")-before, f.writes("reader")-beside; n != 0 || m != 1 {
				t.Errorf("rivals %t: the old primary got %d writes, the new one %d", rivals, n, m)
			}
		})
	}
}

// refusing makes the server refuse the databases whose names begin so.
func refusing(prefix string, err error) func(context.Context, string) error {
	return func(_ context.Context, database string) error {
		if strings.HasPrefix(database, prefix) {
			return err
		}
		return nil
	}
}

func TestTenantsThatDoNotExistAreNoLoad(t *testing.T) {
	for name, change := range map[string]func(*multidb.Config){"split": func(*multidb.Config) {}, "discover": discover} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				const n = 300
				f := newFleet(t, 40, []string{"reader"}, change)
				for _, server := range []string{"writer", "reader"} {
					f.fails(server, refusing("bogus", sqlState("3D000")))
				}
				for i := range n {
					_, err := f.read(fmt.Sprintf("bogus%d", i), time.Second)
					wantErr(t, err, sqlState("3D000"))
				}
				time.Sleep(time.Minute)
				for _, server := range []string{"writer", "reader"} {
					if dials, _ := f.dials(server); dials > 3*n {
						t.Errorf("%s was dialled %d times in a minute for %d statements", server, dials, n)
					}
				}
				time.Sleep(3 * time.Minute)
				for _, server := range []string{"writer", "reader"} {
					if dials, _ := f.dials(server); dials > 0 {
						t.Errorf("%s was dialled %d times for tenants that nobody uses", server, dials)
					}
				}
			})
		})
	}
}

// The same while somebody goes on using it, and the replica alone refuses.
func TestARefusalIsAskedAboutNowAndThen(t *testing.T) {
	for _, err := range []error{sqlState("28P01"), &numberedError{Number: 1044}, &numberedError{Number: 1045}, &numberedError{Number: 1049}} {
		t.Run(err.Error(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFleet(t, 40, []string{"reader"})
				readForAMinute := func() (byReplica int) {
					before := f.reads("reader")
					for range 600 {
						if _, err := f.read("t1", time.Second); err != nil {
							t.Fatal(err)
						}
						time.Sleep(100 * time.Millisecond)
					}
					return f.reads("reader") - before
				}
				f.fails("reader", refusing("t", err))
				readForAMinute()
				if dials, _ := f.dials("reader"); dials < 5 || dials > 20 {
					t.Errorf("the replica was dialled %d times in a minute", dials)
				}
				f.fails("reader", nil)
				if readForAMinute() == 0 {
					t.Error("the replica was not used again")
				}
			})
		})
	}
}

func TestNamesThatAreNoTenantsPutNoneOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFleet(t, 40, nil, func(c *multidb.Config) { c.MaxDatabases = 10 })
		f.fails("writer", refusing("bogus", sqlState("3D000")))
		f.readAll(0, 9)
		for i := range 100 {
			f.read(fmt.Sprintf("bogus%d", i), time.Second)
		}
		tenants := 0
		for _, e := range multidb.FromDB(f.db).Stats().Engines {
			if strings.HasPrefix(e.Name, "t") {
				tenants++
			}
		}
		if tenants != 9 {
			t.Errorf("%d of 9 tenants are left", tenants)
		}
	})
}
