package multidb_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What one Conn has parked is there for another, although the first is not used
// again.
func TestParkedChildServesAnotherConn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full, maxOpen(1))
		first, second := must(s.db.Conn(t.Context())), must(s.db.Conn(t.Context()))
		must(first.ExecContext(t.Context(), "DELETE FROM t"))
		check(t, first.Close())
		must(second.ExecContext(t.Context(), "DELETE FROM t"))
		check(t, second.Close())
		must(s.db.Exec("DELETE FROM t"))
		if n := s.primary.Count(testdb.OpDial); n != 1 {
			t.Errorf("dialled %d times, want once", n)
		}
	})
}

// A Conn that database/sql does not keep leaves its child to the pool.
func TestConnThatIsClosedLeavesItsChildToOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		s.db.SetMaxIdleConns(-1)
		for range 3 {
			must(s.db.Exec("DELETE FROM t"))
		}
		if dials, open := s.primary.Count(testdb.OpDial), s.primary.Open(); dials != 1 || open != 1 {
			t.Errorf("dialled %d times, %d open, want one connection that is kept", dials, open)
		}
	})
}

// A Conn may use more engines than it has room to park children of.
func TestConnOfManyEngines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := multidb.Config{Databases: make(map[string]multidb.Database)}
		var names []string
		var fakes []*testdb.Fake
		for i := range 5 {
			name := fmt.Sprintf("tenant%d", i)
			fake := testdb.NewFake(t, name, testdb.Full)
			names, fakes = append(names, name), append(fakes, fake)
			c.Databases[name] = multidb.Database{Primary: engine(fake)}
		}
		db := openConfig(t, c)
		for range 3 {
			for _, name := range names {
				must(db.ExecContext(multidb.WithDatabase(t.Context(), name), "DELETE FROM t"))
			}
		}
		conn := must(db.Conn(t.Context())) // and many in one use
		for _, name := range names {
			must(conn.ExecContext(multidb.WithDatabase(t.Context(), name), "DELETE FROM t"))
		}
		check(t, conn.Close())
		checkNoLeases(t, db)
		for i, fake := range fakes {
			e, _ := multidb.FromDB(db).Stats().Engine(names[i])
			if fake.Count(testdb.OpDial) != 1 || e.Pool.Idle != 1 {
				t.Errorf("%s: dialled %d times, %d idle", names[i], fake.Count(testdb.OpDial), e.Pool.Idle)
			}
		}
		check(t, db.Close())
		for _, fake := range fakes {
			fake.CheckClosed(t)
		}
	})
}

func openTwoReplicas(t *testing.T) (db *sql.DB, replicas [2]*testdb.Fake) {
	c := multidb.Config{Primary: engine(testdb.NewFake(t, "primary", testdb.Full))}
	for i := range replicas {
		replicas[i] = testdb.NewFake(t, fmt.Sprintf("replica%d", i+1), testdb.Full)
		replicas[i].Replica = true
		c.Replicas = append(c.Replicas, engine(replicas[i]))
	}
	db = openConfig(t, c)
	t.Cleanup(func() { check(t, db.Close()) })
	return db, replicas
}

// Reads are balanced as if nothing was parked.
func TestParkedChildHasNoSayInTheRoute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		db, replicas := openTwoReplicas(t)
		var one int
		for range 400 {
			check(t, db.QueryRow("SELECT 1").Scan(&one))
		}
		// The deviation allowed is ten times the standard one.
		for _, r := range replicas {
			if n := r.Count(testdb.OpQuery); n < 100 || n > 300 {
				t.Errorf("one of two replicas got %d of 400 reads", n)
			}
		}
	})
}

func TestReadsGoToTheLessBusyReplica(t *testing.T) {
	bubble(t, func(t *testing.T) {
		db, replicas := openTwoReplicas(t)
		var one int
		for range 20 { // what is parked does not count
			check(t, db.QueryRow("SELECT 1").Scan(&one))
		}
		busy, idle := replicas[0], replicas[1]
		tx := must(db.BeginTx(multidb.WithEngine(t.Context(), "replica1"), &sql.TxOptions{ReadOnly: true}))
		before := busy.Count(testdb.OpQuery)
		for range 50 {
			check(t, db.QueryRow("SELECT 1").Scan(&one))
		}
		if n := busy.Count(testdb.OpQuery) - before; n != 0 {
			t.Errorf("%d of 50 reads went to the replica with a lease, %d in all to the other", n, idle.Count(testdb.OpQuery))
		}
		check(t, tx.Commit())
		before = busy.Count(testdb.OpQuery)
		for range 50 {
			check(t, db.QueryRow("SELECT 1").Scan(&one))
		}
		if busy.Count(testdb.OpQuery) == before {
			t.Error("no read goes to the replica although its lease has ended")
		}
	})
}
