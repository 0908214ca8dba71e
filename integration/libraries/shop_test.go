package libraries

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// shop is one database on a primary and its replicas: through multidb with
// reader/writer split and, beside it, the primary through the child driver alone.
//
// A test says of each part of what a library does whether a person would call it
// reads or writes. What it calls reads, and runs outside of transactions, must be
// served by replicas; what it calls writes by the primary alone.
type shop struct {
	*sql.DB
	direct *sql.DB
	t      testing.TB
	server server
	endpoints

	served, read uint64 // statements of what were reads: by replicas; by anyone
}

// floor is the part of the reads that replicas must serve, in percent.
const floor = 90

// open makes a database of its own. change may change the configuration first.
func (s server) open(t testing.TB, change ...func(*multidb.Config)) *shop {
	t.Helper()
	f := &shop{t: t, server: s, endpoints: s.start(t)}
	config := multidb.Config{Driver: s.driver, Primary: multidb.Engine{DSN: f.primary},
		ConnectTimeout: multidb.Duration(time.Minute)} // a busy machine is no dead replica
	for _, dsn := range f.replicas {
		config.Replicas = append(config.Replicas, multidb.Engine{DSN: dsn})
	}
	for _, c := range change {
		c(&config)
	}
	connector, err := multidb.NewConnector(config)
	must(t, err)
	f.DB = sql.OpenDB(connector)
	f.direct, err = sql.Open(s.driver, f.primary)
	must(t, err)
	t.Cleanup(func() {
		f.check(connector)
		must(t, f.DB.Close())
		must(t, f.direct.Close())
	})
	return f
}

// check looks back on a test: the share of reads, and what a server refused.
func (f *shop) check(connector *multidb.Connector) {
	f.t.Helper()
	f.waitNoneInUse(connector)
	for _, e := range connector.Stats().Engines {
		if e.Rescued > 0 {
			f.t.Errorf("%s refused %d statements as writes", e.Name, e.Rescued)
		}
	}
	if f.read == 0 {
		return
	}
	percent := 100 * float64(f.served) / float64(f.read)
	f.t.Logf("replicas served %d of %d reads, %.0f percent", f.served, f.read, percent)
	if percent < floor {
		f.t.Errorf("replicas served %.0f percent of the reads, not %d", percent, floor)
	}
}

// waitNoneInUse waits until all children were given back. What a context ended,
// database/sql gives back in a goroutine of its own.
func (f *shop) waitNoneInUse(connector *multidb.Connector) {
	f.t.Helper()
	inUse := func() (n int) {
		for _, e := range connector.Stats().Engines {
			n += e.Pool.InUse
		}
		return n
	}
	for deadline := time.Now().Add(20 * time.Second); inUse() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Errorf("children were not given back: %+v", connector.Stats())
			return
		}
	}
}

// reads runs what a person would call reads, outside of transactions.
func (f *shop) reads(do func()) {
	f.t.Helper()
	before := f.routed()
	do()
	delta := f.routed().minus(before)
	served, others := delta.on(multidb.Replica), delta.on(multidb.Primary)
	if served+others == 0 {
		f.t.Error("what were to be reads ran no statement")
	}
	f.served, f.read = f.served+served, f.read+served+others
	if others > 0 {
		f.t.Logf("reads that ran on the primary: %v", delta)
	}
}

// writes runs what must reach the primary alone, and waits until the replicas
// have what it did.
func (f *shop) writes(do func()) {
	f.t.Helper()
	before := f.routed()
	do()
	delta := f.routed().minus(before)
	if delta.on(multidb.Primary) == 0 {
		f.t.Error("what were to be writes ran no statement")
	}
	if delta.on(multidb.Replica) > 0 {
		f.t.Errorf("part of what were to be writes ran on replicas: %v", delta)
	}
	f.caughtUp()
}

func (f *shop) caughtUp() {
	f.t.Helper()
	must(f.t, f.catchUp(f.t.Context()))
}

// exec prepares the ground for a test, for all engines, past multidb.
func (f *shop) exec(queries ...string) {
	f.t.Helper()
	for _, query := range queries {
		mustExec(f.t, f.direct, query)
	}
	f.caughtUp()
}

// count is one number that the primary gives, asked past multidb.
func (f *shop) count(query string) (n int) {
	f.t.Helper()
	if err := f.direct.QueryRowContext(f.t.Context(), query).Scan(&n); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// isOn checks what a library got as the answer to the server's whereAmI.
func (f *shop) isOn(role string, answer int, err error) {
	f.t.Helper()
	must(f.t, err)
	if at := map[int]string{0: multidb.Primary, 1: multidb.Replica}[answer]; at != role {
		f.t.Errorf("the server that answered is a %s, not a %s", at, role)
	}
}

// onPrimary is for what must not be asked of a replica.
func (f *shop) onPrimary() context.Context {
	return multidb.WithEngine(f.t.Context(), multidb.Primary)
}

// routed is how many statements ran, by role and reason.
type routed map[string]map[string]uint64

func (f *shop) routed() routed {
	r := routed{multidb.Primary: {}, multidb.Replica: {}}
	for _, e := range multidb.FromDB(f.DB).Stats().Engines {
		for reason, n := range e.Routed {
			if reason != "ping" && !strings.HasPrefix(reason, "begin") {
				r[e.Role][reason] += n
			}
		}
	}
	return r
}

func (r routed) minus(before routed) routed {
	delta := make(routed)
	for role, reasons := range r {
		delta[role] = make(map[string]uint64)
		for reason, n := range reasons {
			if n > before[role][reason] {
				delta[role][reason] = n - before[role][reason]
			}
		}
	}
	return delta
}

func (r routed) on(role string) (n uint64) {
	for _, count := range r[role] {
		n += count
	}
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func mustExec(t testing.TB, q execer, query string, args ...any) {
	t.Helper()
	if _, err := q.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// equal checks a value of which only one is right.
func equal[T any](t testing.TB, what string, got T, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s is %s, not %s", what, g, w)
	}
}
