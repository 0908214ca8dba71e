package integration

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What becomes of statements on MariaDB when its servers fail.

// readers read the rows of visits, one by its id at a time, until they are
// stopped.
type readers struct {
	f       *fleet
	done    atomic.Int64
	stopped chan struct{}
	running sync.WaitGroup
}

const rowsRead = 10

func (f *fleet) startReaders() *readers {
	r := &readers{f: f, stopped: make(chan struct{})}
	for range 4 {
		r.running.Go(r.run)
	}
	return r
}

func (r *readers) run() {
	for i := 0; ; i++ {
		select {
		case <-r.stopped:
			return
		default:
		}
		var note string
		err := r.f.QueryRowContext(r.f.t.Context(), "SELECT note FROM visits WHERE id = ?", i%rowsRead).Scan(&note)
		if want := fmt.Sprint("note ", i%rowsRead); err != nil || note != want {
			r.f.t.Errorf("read %q, want %q: %v", note, want, err)
			return
		}
		r.done.Add(1)
	}
}

func (r *readers) stop() {
	close(r.stopped)
	r.running.Wait()
}

// more waits until n more reads were answered.
func (r *readers) more(n int64) {
	r.f.t.Helper()
	until := r.done.Load() + n
	r.f.eventually("reads go on", func() bool { return r.done.Load() >= until })
}

// eventually waits until the answer is yes.
func (f *fleet) eventually(what string, ask func() bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 30*time.Second)
	defer cancel()
	for !ask() {
		if ctx.Err() != nil {
			f.t.Fatalf("never: %s; %+v", what, multidb.FromDB(f.DB).Stats())
		}
		time.Sleep(time.Millisecond)
	}
}

// replicaAnswers waits until the replica answers reads again.
func (f *fleet) replicaAnswers() {
	f.t.Helper()
	answered := f.engine("replica1").Routed["read"]
	f.eventually("the replica answers", func() bool { return f.engine("replica1").Routed["read"] >= answered+50 })
}

func do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMariaDBReadsGoOnWhileTheReplicaFails(t *testing.T) {
	cluster := testdb.OwnMariaDB(t, testdb.MariaDBOptions{Replicas: 1})
	replica := cluster.Replicas()[0]
	prepared, interpolated := mysqlDrivers(func(testing.TB) *testdb.MariaDBCluster { return cluster })
	for _, d := range []childDriver{prepared, interpolated} {
		t.Run(d.name, func(t *testing.T) {
			f := d.open(t, nil)
			f.exec(createVisits)
			for i := range rowsRead {
				f.exec("INSERT INTO visits VALUES (?, ?)", i, fmt.Sprint("note ", i))
			}
			for _, fault := range []struct {
				name  string
				moves bool // reads move away that were sent to the replica, or about to be
				begin func(ctx context.Context)
				end   func(ctx context.Context)
			}{
				{"killed", true,
					func(ctx context.Context) { do(t, replica.Kill(ctx)) },
					func(ctx context.Context) { do(t, replica.Start(ctx)) }},
				{"restarted", true, func(ctx context.Context) { do(t, replica.Restart(ctx)) }, nil},
				{"sessions ended", true, func(ctx context.Context) { f.endReplicaSessions(ctx, replica) }, nil},
				{"too many connections", true, func(ctx context.Context) { f.fill(ctx, replica) }, nil},
				{"drained", false,
					func(ctx context.Context) { f.drain(ctx) },
					func(context.Context) { do(t, multidb.FromDB(f.DB).Engine("replica1").Resume()) }},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				readers := f.startReaders()
				f.replicaAnswers()
				moved := f.engine("replica1").Moved
				fault.begin(ctx)
				readers.more(100)
				if n := f.engine("replica1").Moved; fault.moves && n == moved {
					t.Errorf("%s: no read has moved: this shows nothing", fault.name)
				}
				if fault.end != nil {
					fault.end(ctx)
				}
				f.replicaAnswers()
				readers.stop()
				cancel()
				if t.Failed() {
					t.Fatalf("failed while the replica was: %s", fault.name)
				}
				if n := f.childrenInUse(); n != 0 {
					t.Errorf("%s: %d children were not given back", fault.name, n)
				}
			}
		})
	}
}

// endReplicaSessions ends sessions until some of them were in the middle of a read.
func (f *fleet) endReplicaSessions(ctx context.Context, replica *testdb.Server) {
	f.t.Helper()
	moved := f.engine("replica1").Moved
	f.eventually("reads move from sessions that end", func() bool {
		do(f.t, replica.EndSessions(ctx, "app"))
		return f.engine("replica1").Moved > moved+3
	})
}

// fill takes all connections of the replica, and those that are in use, too, until
// reads are refused one.
func (f *fleet) fill(ctx context.Context, replica *testdb.Server) {
	f.t.Helper()
	greedy, err := sql.Open("mysql", replica.DSN(""))
	do(f.t, err)
	defer greedy.Close()
	release, err := testdb.Occupy(ctx, greedy)
	do(f.t, err)
	defer release()
	f.endReplicaSessions(ctx, replica)
}

func (f *fleet) drain(ctx context.Context) {
	f.t.Helper()
	do(f.t, multidb.FromDB(f.DB).Engine("replica1").Drain(ctx))
	direct, err := sql.Open("mysql", f.replicas[0])
	do(f.t, err)
	defer direct.Close()
	const others = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
	waitFor(f.t, direct, "0", others) // a session ends a little later than its connection
	answered := f.engine("primary").Routed["read, no replica can answer"]
	f.eventually("the primary answers", func() bool {
		return f.engine("primary").Routed["read, no replica can answer"] >= answered+50
	})
	if n := scan(f.t, ctx, direct, others); n != "0" {
		f.t.Errorf("%s sessions on the drained replica", n)
	}
}
