package pool_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// server is what the connections of a test lead to. It counts as a real server
// would, and notices every use that no connection would survive.
type server struct {
	t       *testing.T
	maxOpen int                             // 0: none
	dialing func(ctx context.Context) error // what a dial does; nil: it succeeds at once
	closing func()                          // what a close does before the server knows of it

	mu    sync.Mutex
	conns []*conn // all there ever were
	open  int     // being opened, open or being closed
	peak  int
}

func (s *server) dial(ctx context.Context) (*conn, error) {
	s.count(+1)
	opened := false
	defer func() {
		if !opened {
			s.count(-1)
		}
	}()
	if s.dialing != nil {
		if err := s.dialing(ctx); err != nil {
			return nil, err
		}
	}
	opened = true
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &conn{server: s, id: len(s.conns)}
	s.conns = append(s.conns, c)
	return c, nil
}

func (s *server) count(delta int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += delta
	s.peak = max(s.peak, s.open)
	if s.maxOpen > 0 && s.open > s.maxOpen {
		s.t.Errorf("%d connections at the server, the limit is %d", s.open, s.maxOpen)
	}
}

func (s *server) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// most returns the highest number there ever was at once.
func (s *server) most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

type conn struct {
	pool.Base
	server *server
	id     int

	reset   func(ctx context.Context) error // nil: it succeeds
	broken  atomic.Bool                     // Valid says no
	closeTo error                           // what Close returns

	resets int // not guarded: -race finds two that use the connection at once
	busy   atomic.Bool
	closed atomic.Bool
}

func (c *conn) Reset(ctx context.Context) error {
	defer c.use()()
	c.resets++
	if c.reset != nil {
		return c.reset(ctx)
	}
	return nil
}

func (c *conn) Valid() bool {
	defer c.use()()
	return !c.broken.Load()
}

func (c *conn) Close() error {
	defer c.use()()
	if c.closed.Swap(true) {
		c.server.t.Errorf("connection %d closed twice", c.id)
	}
	if c.server.closing != nil {
		c.server.closing()
	}
	c.server.count(-1)
	return c.closeTo
}

// use marks the connection as used until the returned function is called.
func (c *conn) use() (done func()) {
	if c.busy.Swap(true) {
		c.server.t.Errorf("connection %d used by two at once", c.id)
	}
	if c.closed.Load() {
		c.server.t.Errorf("connection %d used after it was closed", c.id)
	}
	return func() { c.busy.Store(false) }
}

// run runs f in a bubble of fake time, with a pool that f need not close. When
// it returns, nothing is left: no connection, no goroutine, no timer.
func run(t *testing.T, o pool.Options, f func(t *testing.T, s *server, p *pool.Pool[*conn])) {
	t.Helper()
	if o.MaxIdle == 0 {
		o.MaxIdle = 100
	}
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine stays behind
		s := &server{t: t, maxOpen: o.MaxOpen}
		p := pool.New(s.dial, o)
		f(t, s, p)
		p.Close()
		synctest.Wait()
		if n := s.opened(); n != 0 {
			t.Errorf("%d connections open at the end", n)
		}
		if got := p.Stats(); got.Open != 0 || got.InUse != 0 || got.Idle != 0 {
			t.Errorf("after Close: %+v", got)
		}
		if p.ClockRuns() {
			t.Error("the clock runs on after Close")
		}
	})
}

func take(t *testing.T, p *pool.Pool[*conn]) *conn {
	t.Helper()
	c, err := p.Take(t.Context())
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	return c
}

// takeMany takes n connections that are held at the same time.
func takeMany(t *testing.T, p *pool.Pool[*conn], n int) []*conn {
	t.Helper()
	var conns []*conn
	for range n {
		conns = append(conns, take(t, p))
	}
	return conns
}

func putAll(p *pool.Pool[*conn], conns []*conn) {
	for _, c := range conns {
		p.Put(c)
	}
}

// taking is a Take under way in a goroutine.
type taking struct {
	conn *conn
	err  error
	done chan struct{}
}

// startTake returns when the Take has come as far as it can for now.
func startTake(ctx context.Context, p *pool.Pool[*conn]) *taking {
	k := &taking{done: make(chan struct{})}
	go func() {
		defer close(k.done)
		k.conn, k.err = p.Take(ctx)
	}()
	synctest.Wait()
	return k
}

func (k *taking) waits() bool {
	select {
	case <-k.done:
		return false
	default:
		return true
	}
}

func (k *taking) result() (*conn, error) {
	<-k.done
	return k.conn, k.err
}

// slow is a dial that takes d, and heeds its context.
func slow(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deaf is a dial that takes d, whatever its context says.
func deaf(d time.Duration) func(ctx context.Context) error {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}
