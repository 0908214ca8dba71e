package testdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands between a program and a server on 127.0.0.1 and fails as networks
// and servers do. What it does may be changed at any time, with Set.
type Proxy struct {
	DSN string // leads through the proxy

	server  string // host:port
	address string // host:port of the proxy, the same for all its life

	ctx     context.Context // ends with Stop
	stop    context.CancelFunc
	running sync.WaitGroup          // all goroutines of the proxy
	now     atomic.Pointer[episode] // what happens at present
	cut     atomic.Int64            // replies swallowed so far

	mu       sync.Mutex          // guards what follows, and makes one change at a time
	listener *net.TCPListener    // nil while connects are refused
	fillers  map[string]net.Conn // by local address: our own, which fill the listener's queue
	links    map[*link]bool
}

// NewProxy starts a proxy for a test, at whose end it is stopped.
func NewProxy(t testing.TB, dsn string) *Proxy {
	t.Helper()
	p, err := StartProxy(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// StartProxy starts a proxy in front of the server that a DSN names by
// 127.0.0.1 and a port. The caller stops it.
func StartProxy(dsn string) (*Proxy, error) {
	server := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(dsn)
	if server == "" {
		return nil, errors.New("multidb: test proxy: the DSN has no address 127.0.0.1:port")
	}
	port, err := freePort() // of the range where it can be had again after Refuse
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		server:  server,
		address: fmt.Sprintf("127.0.0.1:%d", port),
		fillers: make(map[string]net.Conn),
		links:   make(map[*link]bool),
	}
	p.DSN = p.Through(dsn)
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.now.Store(newEpisode(Pass))
	if err := p.listen(); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// Set changes what the proxy does from now on, also to the connections that
// exist. With Drop it returns when connects hang.
func (p *Proxy) Set(f Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return errors.New("multidb: test proxy: set after Stop")
	}
	before := p.now.Swap(newEpisode(f))
	defer close(before.over)
	if f.kind == refuse {
		p.hangUp()
		return nil
	}
	if p.listener == nil {
		if err := p.listen(); err != nil {
			return err
		}
	}
	if f.kind == drop {
		return p.holdConnects()
	}
	return p.takeConnects()
}

// Through is another DSN of the same server, for another user say, through the
// proxy.
func (p *Proxy) Through(dsn string) string { return strings.Replace(dsn, p.server, p.address, 1) }

// Cut is how many replies were swallowed so far.
func (p *Proxy) Cut() int { return int(p.cut.Load()) }

// Stop ends all connections and returns when nothing of the proxy is left.
func (p *Proxy) Stop() {
	p.mu.Lock()
	p.stop()
	p.hangUp()
	p.mu.Unlock()
	p.running.Wait()
}

// listen begins to accept connections; p.mu is held, or nobody else knows p.
func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		return fmt.Errorf("multidb: test proxy: %w", err)
	}
	p.listener = l.(*net.TCPListener)
	p.running.Go(func() { p.accept(l.(*net.TCPListener)) })
	return nil
}

func (p *Proxy) accept(l *net.TCPListener) {
	for {
		client, err := l.Accept()
		switch e := p.now.Load(); {
		case err == nil:
			p.running.Go(func() { p.serve(client.(*net.TCPConn)) })
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return // closed
		case e.kind == drop:
			select {
			case <-e.over:
			case <-p.ctx.Done():
			}
		}
	}
}

// holdConnects makes connects hang, which needs no privilege: the kernel drops
// the first packet of a connection while the listener's queue is full. The queue
// is made as short as can be and filled with a connection of our own, and that
// one more hangs is the proof that it is full. p.mu is held.
func (p *Proxy) holdConnects() error {
	if err := p.listener.SetDeadline(time.Unix(1, 0)); err != nil { // ends Accept
		return fmt.Errorf("multidb: test proxy: %w", err)
	}
	if err := setBacklog(p.listener, 0); err != nil {
		return fmt.Errorf("multidb: test proxy: %w", err)
	}
	for range 10 {
		c, err := net.DialTimeout("tcp", p.address, 100*time.Millisecond)
		if hung, ok := errors.AsType[net.Error](err); ok && hung.Timeout() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("multidb: test proxy: %w", err)
		}
		p.fillers[c.LocalAddr().String()] = c
	}
	return errors.New("multidb: test proxy: connects do not hang, although the queue is full")
}

// takeConnects ends what holdConnects began; p.mu is held.
func (p *Proxy) takeConnects() error {
	if err := setBacklog(p.listener, 128); err != nil {
		return fmt.Errorf("multidb: test proxy: %w", err)
	}
	return p.listener.SetDeadline(time.Time{})
}

// hangUp refuses connects and resets all connections; p.mu is held.
func (p *Proxy) hangUp() {
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for address, c := range p.fillers {
		c.Close()
		delete(p.fillers, address)
	}
	for l := range p.links {
		l.reset()
	}
}
