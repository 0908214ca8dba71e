package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// eachOwnMariaDB runs a test for each way of the driver, at the same time, on
// servers of its own.
func eachOwnMariaDB(t *testing.T, test func(t *testing.T, d childDriver, cluster *testdb.MariaDBCluster)) {
	for _, name := range []string{mysqlPrepared.name, mysqlInterpolated.name} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := testdb.OwnMariaDB(t, testdb.MariaDBOptions{Replicas: 1})
			d, interpolated := mysqlDrivers(func(testing.TB) *testdb.MariaDBCluster { return cluster })
			if name == interpolated.name {
				d = interpolated
			}
			test(t, d, cluster)
		})
	}
}

// One failover of MariaDB from beginning to end: the primary dies while a write is
// under way, the replica is promoted, the old primary comes back and takes writes,
// and is made a replica.
func TestMariaDBFailover(t *testing.T) {
	eachOwnMariaDB(t, func(t *testing.T, d childDriver, cluster *testdb.MariaDBCluster) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f := d.open(t, func(c *multidb.Config) {
			c.Discover = true
			c.FailoverTimeout = multidb.Duration(time.Minute)
		})
		onNew, err := sql.Open("mysql", f.replicas[0])
		do(t, err)
		defer onNew.Close()
		f.exec(createVisits)
		id := 0
		write := func() error {
			id++
			_, err := f.ExecContext(ctx, "INSERT INTO visits VALUES (?, 'tea')", id)
			return err
		}
		rows := func(server *sql.DB) string { return scan(t, ctx, server, "SELECT COUNT(*) FROM visits") }
		do(t, write())
		do(t, cluster.WaitReplay(ctx))

		slow := lossyMySQL(d)
		failed := make(chan error, 1)
		go func() {
			_, err := f.ExecContext(ctx, slow.slowWrite)
			failed <- err
		}()
		waitFor(t, f.direct, "1", slow.count)
		do(t, cluster.Primary().Kill(ctx))
		if err := <-failed; !errors.Is(err, multidb.ErrUnknownOutcome) {
			t.Errorf("the write that was under way: %T %v", err, err)
		}
		// A write that is not sent waits until there is a primary.
		go func() { failed <- write() }()
		do(t, cluster.Replicas()[0].Promote(ctx))
		if err := <-failed; err != nil {
			t.Errorf("the write that waited: %v", err)
		}
		if n := rows(onNew); n != "2" {
			t.Errorf("the new primary has %s rows, want 2", n)
		}
		if n := scan(t, ctx, onNew, slow.count); n != "0" {
			t.Error("the write that was under way runs again")
		}
		if e := f.engine("replica1"); e.Role != multidb.Primary {
			t.Errorf("replica1 is called a %s", e.Role)
		}

		do(t, cluster.StartStranger(ctx))
		written := 2
		f.eventually("two primaries are noticed", func() bool {
			err := write()
			if err == nil {
				written++
				return false
			}
			if !errors.Is(err, multidb.ErrTwoPrimaries) || !strings.Contains(err.Error(), `"primary"`) || !strings.Contains(err.Error(), `"replica1"`) {
				t.Fatalf("with two primaries: %v", err)
			}
			return true
		})
		if err := write(); !errors.Is(err, multidb.ErrTwoPrimaries) {
			t.Errorf("a write while there are two primaries: %v", err)
		}

		do(t, cluster.SetReadOnly(ctx, cluster.Primary(), true))
		f.eventually("writes are taken again", func() bool {
			err := write()
			if err != nil && !errors.Is(err, multidb.ErrTwoPrimaries) {
				t.Fatal(err)
			}
			return err == nil
		})
		if n, want := rows(onNew), fmt.Sprint(written+1); n != want {
			t.Errorf("the new primary has %s rows, want %s", n, want)
		}
		if n := rows(f.direct); n != "1" {
			t.Errorf("the old primary has %s rows: the one from before, and no other", n)
		}
	})
}

// The roles change in good order, and no connection is lost: the old primary says
// that it does not write, and what it refused is done by the new one. But not a part
// of a transaction.
func TestMariaDBSwitchover(t *testing.T) {
	eachOwnMariaDB(t, func(t *testing.T, d childDriver, cluster *testdb.MariaDBCluster) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f := d.open(t, func(c *multidb.Config) { c.Discover = true })
		f.exec(createVisits)
		insert := mustPrepare(t, f, "INSERT INTO visits VALUES (?, 'prepared')")
		if _, err := insert.ExecContext(ctx, 1); err != nil {
			t.Fatal(err)
		}
		tx := mustBegin(t, f.DB, nil)
		scan(t, ctx, tx, d.whereAmI)
		do(t, cluster.WaitReplay(ctx))
		do(t, cluster.SetReadOnly(ctx, cluster.Primary(), true))
		do(t, cluster.Replicas()[0].Promote(ctx))

		_, err := tx.ExecContext(ctx, "INSERT INTO visits VALUES (2, 'in a transaction')")
		if refused, ok := err.(*mysql.MySQLError); !ok || refused.Number != 1290 {
			t.Errorf("in a transaction: %T %v, want the driver's own refusal", err, err)
		}
		tx.Rollback()
		readOnly, writable := cluster.Primary(), cluster.Replicas()[0]
		for i, write := range []func(id int) error{
			func(id int) error { _, err := insert.ExecContext(ctx, id); return err },
			func(id int) error {
				_, err := f.ExecContext(ctx, "INSERT INTO visits VALUES (?, 'with an argument')", id)
				return err
			},
			func(id int) error {
				_, err := f.ExecContext(ctx, fmt.Sprintf("INSERT INTO visits VALUES (%d, 'a text')", id))
				return err
			},
			func(id int) error {
				return drain(f.QueryContext(ctx, "INSERT INTO visits VALUES (?, 'with rows') RETURNING id", id))
			},
			func(id int) error {
				stmt, err := f.PrepareContext(ctx, "INSERT INTO visits VALUES (?, 'prepared anew')")
				if err != nil {
					return err
				}
				defer stmt.Close()
				_, err = stmt.ExecContext(ctx, id)
				return err
			},
		} {
			if err := write(10 + i); err != nil {
				t.Errorf("write %d: %v", i, err)
			}
			do(t, cluster.SetReadOnly(ctx, writable, true)) // and back again
			do(t, cluster.SetReadOnly(ctx, readOnly, false))
			readOnly, writable = writable, readOnly
		}
		other, err := sql.Open("mysql", f.replicas[0])
		do(t, err)
		defer other.Close()
		// Since the promotion neither has what the other took.
		const count = "SELECT COUNT(*) FROM visits WHERE id > 1"
		if a, b := scan(t, ctx, f.direct, count), scan(t, ctx, other, count); a != "2" || b != "3" {
			t.Errorf("the servers have %s and %s rows, want 2 and 3", a, b)
		}
	})
}

// A primary that hangs up before it has said who it is, as a balancer does whose
// server is gone, is no primary that can be reached. The driver has an error of its
// own for it.
func TestAWriteWaitsForAPrimaryThatHangsUp(t *testing.T) {
	for _, d := range lossyDrivers {
		t.Run(d.name, func(t *testing.T) {
			var proxy *testdb.Proxy
			f := d.open(t, func(c *multidb.Config) {
				proxy = testdb.NewProxy(t, c.Primary.DSN)
				c.Primary.DSN = proxy.DSN
				c.FailoverTimeout = multidb.Duration(time.Minute)
			})
			mustExec(t, f.direct, createVisits)
			do(t, proxy.Set(testdb.Cut(1, 0)))
			failed := make(chan error, 1)
			go func() {
				_, err := f.ExecContext(t.Context(), "INSERT INTO visits VALUES (1, 'tea')")
				failed <- err
			}()
			f.eventually("the primary is down", func() bool { return f.engine("primary").State == multidb.Down || len(failed) > 0 })
			do(t, proxy.Set(testdb.Pass))
			if err := <-failed; err != nil {
				t.Errorf("%T %v", err, err)
			}
			if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "1" {
				t.Errorf("the write was done %s times", n)
			}
		})
	}
}
