package integration

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
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
				var cut *cutter
				f := d.open(t, func(c *multidb.Config) {
					cut, c.Primary.DSN = cutInFrontOf(t, c.Primary.DSN)
					if way.change != nil {
						way.change(c)
					}
				})
				mustExec(t, f.direct, "CREATE TABLE visits (id INT, note VARCHAR(40))")
				f.DB.SetMaxIdleConns(1)
				scan(t, f.onPrimary(), f, d.whereAmI)

				cut.answer.Store(true)
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

// cutter stands between a program and its server. When answer is set it
// swallows the next answer and closes its connection.
type cutter struct {
	answer  atomic.Bool
	server  string
	running sync.WaitGroup
}

// cutInFrontOf returns a cutter and the DSN that leads through it.
func cutInFrontOf(t testing.TB, dsn string) (*cutter, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{server: hostOf(t, dsn)}
	c.running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			c.running.Go(func() { c.serve(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		c.running.Wait()
	})
	return c, strings.Replace(dsn, c.server, listener.Addr().String(), 1)
}

// hostOf finds host:port in a URL or in a DSN of go-sql-driver/mysql.
func hostOf(t testing.TB, dsn string) string {
	t.Helper()
	if _, rest, ok := strings.Cut(dsn, "tcp("); ok {
		host, _, _ := strings.Cut(rest, ")")
		return host
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { // ends when either side is closed
		io.Copy(server, client)
		server.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil || c.answer.CompareAndSwap(true, false) {
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
