package integration

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What a lost connection costs, on the servers that can lose one.

// lossy is a driver whose server's connections can be killed.
type lossy struct {
	childDriver
	slowWrite string // an INSERT into visits that waits for a minute
	count     string // of sessions of the database that run slowWrite
	kill      func(t testing.TB, f *fleet)

	// idleCheck is how long a connection must have been idle before it is looked
	// at.
	idleCheck time.Duration
}

var lossyDrivers = []lossy{lossyLibpq, lossyMySQL(mysqlPrepared), lossyMySQL(mysqlInterpolated)}

func eachLossy(t *testing.T, test func(t *testing.T, d lossy)) {
	for _, d := range lossyDrivers {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

func TestKilledIdleConnectionsCostNoStatement(t *testing.T) {
	eachLossy(t, func(t *testing.T, d lossy) {
		f := d.open(t, nil)
		f.exec(createVisits)
		insert := mustPrepare(t, f, d.sql("INSERT INTO visits VALUES (?, 'tea')"))
		var conns []*sql.Conn
		for range 8 {
			conn := mustConn(t, f.DB)
			scan(t, f.onPrimary(), conn, d.whereAmI)
			conns = append(conns, conn)
		}
		for _, conn := range conns {
			conn.Close()
		}
		d.kill(t, f)
		time.Sleep(d.idleCheck)
		for i := range 20 {
			if _, err := f.ExecContext(t.Context(), d.sql("INSERT INTO visits VALUES (?, 'tea')"), 100+i); err != nil {
				t.Errorf("insert %d: %v", i, err)
			}
			if _, err := insert.ExecContext(t.Context(), i); err != nil {
				t.Errorf("prepared insert %d: %v", i, err)
			}
			scan(t, f.onPrimary(), f, d.whereAmI)
		}
		if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "40" {
			t.Errorf("there are %s rows, not 40", n)
		}
	})
}

func TestWriteKilledInFlightHasAnUnknownOutcome(t *testing.T) {
	eachLossy(t, func(t *testing.T, d lossy) {
		f := d.open(t, nil)
		f.exec(createVisits)
		failed := make(chan error, 1)
		go func() {
			_, err := f.ExecContext(t.Context(), d.slowWrite)
			failed <- err
		}()
		waitFor(t, f.direct, "1", d.count)
		d.kill(t, f)
		if err := <-failed; !errors.Is(err, multidb.ErrUnknownOutcome) {
			t.Errorf("the error is %T %v", err, err)
		}
		if n := scan(t, t.Context(), f.direct, d.count); n != "0" {
			t.Error("the write runs again")
		}
	})
}

// The server does the write, and its answer is lost.
func TestWriteWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	eachLossy(t, func(t *testing.T, d lossy) {
		for _, way := range []struct {
			name   string
			change func(*multidb.Config)
		}{
			{"several engines", nil},
			{"one engine", func(c *multidb.Config) { c.Replicas = nil }},
		} {
			t.Run(way.name, func(t *testing.T) {
				var proxy *testdb.Proxy
				f := d.open(t, func(c *multidb.Config) {
					proxy = testdb.NewProxy(t, c.Primary.DSN)
					c.Primary.DSN = proxy.DSN
					if way.change != nil {
						way.change(c)
					}
				})
				mustExec(t, f.direct, "CREATE TABLE visits (id INT, note VARCHAR(40))")
				f.DB.SetMaxIdleConns(1)
				scan(t, f.onPrimary(), f, d.whereAmI)

				if err := proxy.Set(testdb.CutNext); err != nil {
					t.Fatal(err)
				}
				_, err := f.ExecContext(t.Context(), "INSERT INTO visits VALUES (1, 'tea')")
				waitFor(t, f.direct, "0", d.count)
				if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "1" {
					t.Errorf("the write was done %s times", n)
				}
				if err == nil || way.change == nil && !errors.Is(err, multidb.ErrUnknownOutcome) {
					t.Errorf("the error is %T %v", err, err)
				}
				if _, err := f.ExecContext(t.Context(), "INSERT INTO visits VALUES (2, 'milk')"); err != nil {
					t.Errorf("the next write: %v", err)
				}
			})
		}
	})
}
