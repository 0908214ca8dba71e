package testdb_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/multidb-go/multidb/internal/testdb"
)

// echo is a server that repeats every line, and remembers them.
type echo struct {
	address string
	mu      sync.Mutex
	lines   []string
}

func startEcho(t testing.TB) *echo {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	e := &echo{address: listener.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { e.serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait() // the proxy, which was started later, has closed the connections
	})
	return e
}

func (e *echo) serve(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		e.mu.Lock()
		e.lines = append(e.lines, lines.Text())
		e.mu.Unlock()
		fmt.Fprintln(conn, lines.Text())
	}
}

func (e *echo) heard(line string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.lines, line)
}

// client speaks to an echo.
type client struct {
	net.Conn
	t testing.TB
}

func connect(t testing.TB, p *testdb.Proxy) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.DSN)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return &client{conn, t}
}

func (c *client) say(line string) {
	c.t.Helper()
	_, err := fmt.Fprintln(c, line)
	must(c.t, err)
}

func (c *client) hear() (string, error) {
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *client) mustHear(want string) {
	c.t.Helper()
	if line, err := c.hear(); line != want || err != nil {
		c.t.Errorf("heard %q, %v; want %q", line, err, want)
	}
}

// mustHearNothing waits a little.
func (c *client) mustHearNothing() {
	c.t.Helper()
	must(c.t, c.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	if line, err := c.hear(); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("heard %q, %v; want nothing", line, err)
	}
	must(c.t, c.SetReadDeadline(time.Time{}))
}

func TestProxyPasses(t *testing.T) {
	p := testdb.NewProxy(t, startEcho(t).address)
	c := connect(t, p)
	for _, line := range []string{"one", "two"} {
		c.say(line)
		c.mustHear(line)
	}
}

func TestProxyDSN(t *testing.T) {
	for _, dsn := range []string{"postgres://app@127.0.0.1:5432/shop?x=1", "app@tcp(127.0.0.1:5432)/shop"} {
		p := testdb.NewProxy(t, dsn)
		before, after, _ := strings.Cut(dsn, "127.0.0.1:5432")
		if !strings.HasPrefix(p.DSN, before+"127.0.0.1:") || !strings.HasSuffix(p.DSN, after) || p.DSN == dsn {
			t.Errorf("%s became %s", dsn, p.DSN)
		}
	}
	if _, err := testdb.StartProxy("postgres://db.example:5432/shop"); err == nil {
		t.Error("a proxy in front of nothing that it knows")
	}
}

func TestProxyRefuses(t *testing.T) {
	p := testdb.NewProxy(t, startEcho(t).address)
	old := connect(t, p)
	old.say("one")
	old.mustHear("one")
	must(t, p.Set(testdb.Refuse))
	if _, err := old.hear(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection from before: %v", err)
	}
	if _, err := net.Dial("tcp", p.DSN); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a connect: %v", err)
	}
	must(t, p.Set(testdb.Pass))
	again := connect(t, p)
	again.say("two")
	again.mustHear("two")
}

func TestProxyResetsWhereNoServerIs(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody.Close()
	conn, err := net.Dial("tcp", testdb.NewProxy(t, nobody.Addr().String()).DSN)
	if err == nil { // the reset may be as fast as the connect
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection to nobody: %v", err)
	}
}

func TestProxyDrops(t *testing.T) {
	e := startEcho(t)
	p := testdb.NewProxy(t, e.address)
	c := connect(t, p)
	c.say("one")
	c.mustHear("one")
	for range 2 { // also the second time
		must(t, p.Set(testdb.Drop))
		c.say("two")
		late := make(chan error)
		go func() { // it hangs, and is let in when the fault is over
			conn, err := net.Dial("tcp", p.DSN)
			if err == nil {
				conn.Close()
			}
			late <- err
		}()
		for range 3 {
			conn, err := net.DialTimeout("tcp", p.DSN, 100*time.Millisecond)
			if hung, ok := errors.AsType[net.Error](err); !ok || !hung.Timeout() {
				t.Errorf("a connect does not hang: %v %v", conn, err)
			}
		}
		c.mustHearNothing()
		if e.heard("two") {
			t.Error("the server was reached")
		}
		must(t, p.Set(testdb.Pass))
		c.mustHear("two")
		must(t, <-late)
		other := connect(t, p)
		other.say("three")
		other.mustHear("three")
		e.mu.Lock()
		e.lines = nil
		e.mu.Unlock()
	}
}

func TestProxyDropsTheEndOfAConnection(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	p := testdb.NewProxy(t, server.Addr().String())
	c := connect(t, p)
	atServer, err := server.Accept()
	must(t, err)
	must(t, p.Set(testdb.Drop))
	atServer.Close()
	c.mustHearNothing()
	must(t, p.Set(testdb.Pass))
	if _, err := c.hear(); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
}

func TestProxyIsMute(t *testing.T) {
	e := startEcho(t)
	p := testdb.NewProxy(t, e.address)
	old := connect(t, p)
	old.say("one")
	old.mustHear("one")
	must(t, p.Set(testdb.Mute))
	accepted := connect(t, p)
	for _, c := range []*client{old, accepted} {
		c.say("two")
		c.mustHearNothing()
	}
	if e.heard("two") {
		t.Error("the server was reached")
	}
	must(t, p.Set(testdb.Pass))
	old.mustHear("two")
	accepted.mustHear("two")
}

func TestProxyDelays(t *testing.T) {
	const delay = 50 * time.Millisecond
	p := testdb.NewProxy(t, startEcho(t).address)
	c := connect(t, p)
	must(t, p.Set(testdb.Delay(delay)))
	began := time.Now()
	c.say("one")
	c.mustHear("one")
	if took := time.Since(began); took < delay {
		t.Errorf("the reply took %v", took)
	}
}

// cutPattern makes requests, each on a connection of its own, and tells which
// replies were swallowed.
func cutPattern(t testing.TB, e *echo, f testdb.Fault, requests int) (pattern []bool) {
	t.Helper()
	p := testdb.NewProxy(t, e.address)
	must(t, p.Set(f))
	for i := range requests {
		c := connect(t, p)
		line := fmt.Sprint("request ", p.DSN, i)
		c.say(line)
		heard, err := c.hear()
		if !e.heard(line) {
			t.Fatal("the server did not get what was asked")
		}
		if err != nil && err != io.EOF || err == nil && heard != line {
			t.Fatalf("heard %q, %v", heard, err)
		}
		pattern = append(pattern, err == io.EOF)
		c.Close()
	}
	if cuts := countTrue(pattern); p.Cut() != cuts {
		t.Errorf("the proxy counts %d, not %d", p.Cut(), cuts)
	}
	return pattern
}

func countTrue(bools []bool) (n int) {
	for _, b := range bools {
		if b {
			n++
		}
	}
	return n
}

func TestProxyCuts(t *testing.T) {
	e := startEcho(t)
	first := cutPattern(t, e, testdb.Cut(0.2, 7), 100)
	if again := cutPattern(t, e, testdb.Cut(0.2, 7), 100); !slices.Equal(first, again) {
		t.Error("the same seed cuts other replies")
	}
	if other := cutPattern(t, e, testdb.Cut(0.2, 8), 100); slices.Equal(first, other) {
		t.Error("another seed cuts the same replies")
	}
	if cuts := countTrue(first); cuts < 5 || cuts > 50 {
		t.Errorf("%d of 100 replies were cut with a probability of 0.2", cuts)
	}
	if all := cutPattern(t, e, testdb.Cut(1, 7), 5); slices.Contains(all, false) {
		t.Errorf("cut with certainty: %v", all)
	}
}

func TestProxyCutsTheNextReply(t *testing.T) {
	pattern := cutPattern(t, startEcho(t), testdb.CutNext, 4)
	if !slices.Equal(pattern, []bool{true, false, false, false}) {
		t.Errorf("cut: %v", pattern)
	}
}

func TestProxyStopsUnderEveryFault(t *testing.T) {
	for name, fault := range map[string]testdb.Fault{
		"pass": testdb.Pass, "refuse": testdb.Refuse, "drop": testdb.Drop, "mute": testdb.Mute,
		"delay": testdb.Delay(time.Hour), "cut": testdb.Cut(0.5, 1),
	} {
		t.Run(name, func(t *testing.T) {
			p := testdb.NewProxy(t, startEcho(t).address)
			c := connect(t, p)
			must(t, p.Set(fault))
			fmt.Fprintln(c, "one") // fails if the connection was reset
			p.Stop()
			if running := goroutinesOfProxies(); running != "" {
				t.Errorf("left after Stop:\n%s", running)
			}
			if _, err := net.Dial("tcp", p.DSN); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("after Stop a connect gives %v", err)
			}
			if err := p.Set(testdb.Pass); err == nil {
				t.Error("a stopped proxy can be set")
			}
			p.Stop() // again is nothing
		})
	}
}

func goroutinesOfProxies() (stacks string) {
	all := make([]byte, 1<<20)
	for _, stack := range strings.Split(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(stack, "testdb.(*Proxy)") || strings.Contains(stack, "testdb.(*link)") {
			stacks += stack + "\n\n"
		}
	}
	return stacks
}

// What a program sees of it: PostgreSQL has done the write, and the answer is
// lost.
func TestProxyInFrontOfPostgres(t *testing.T) {
	ctx := limit(t)
	cluster := testdb.Postgres(t)
	database := cluster.Database(t)
	pgExec(ctx, t, cluster.Primary(), database, "CREATE TABLE notes (n int)")
	p := testdb.NewProxy(t, cluster.Primary().DSN(database))
	conn := pgConnTo(ctx, t, p.DSN)
	must(t, conn.Ping(ctx))
	must(t, p.Set(testdb.CutNext))
	if _, err := conn.Exec(ctx, "INSERT INTO notes VALUES (1)"); err == nil {
		t.Error("the answer came")
	}
	if n := pgValue[int](ctx, t, cluster.Primary(), database, "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("the write was done %d times", n)
	}
}
