package testdb

import (
	"net"
	"sync/atomic"
	"time"
)

// link is one connection through a proxy.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	asked          atomic.Bool // the client has sent something since the last reply
}

// serve connects a client to the server until one of them, or the proxy, has
// enough.
func (p *Proxy) serve(client *net.TCPConn) {
	defer client.Close()
	if p.isFiller(client) {
		return
	}
	if _, ok := p.gate(); !ok {
		client.SetLinger(0)
		return
	}
	dialer := net.Dialer{}
	server, err := dialer.DialContext(p.ctx, "tcp", p.server)
	if err != nil {
		client.SetLinger(0) // a reset: the nearest to "refused" once it is accepted
		return
	}
	l := &link{proxy: p, client: client, server: server.(*net.TCPConn)}
	defer l.end()
	if !p.register(l) {
		l.reset()
		return
	}
	p.running.Go(func() {
		defer l.end()
		l.forwardRequests()
	})
	l.forwardReplies()
}

// isFiller recognizes and ends the connections that have filled the queue.
func (p *Proxy) isFiller(client net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ours, ok := p.fillers[client.RemoteAddr().String()]
	if ok {
		ours.Close()
		delete(p.fillers, client.RemoteAddr().String())
	}
	return ok
}

// register makes a link known to hangUp. It reports false if that came before.
func (p *Proxy) register(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil || p.now.Load().kind == refuse {
		return false
	}
	p.links[l] = true
	return true
}

// gate waits while nothing is forwarded, and returns the episode in which it
// ended. ok is false if nothing will be forwarded any more.
func (p *Proxy) gate() (e *episode, ok bool) {
	for {
		e := p.now.Load()
		if e.kind == refuse || p.ctx.Err() != nil {
			return nil, false
		}
		if !e.hangs() {
			return e, true
		}
		select {
		case <-e.over:
		case <-p.ctx.Done():
		}
	}
}

func (l *link) forwardRequests() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := l.client.Read(buffer)
		// The end of a connection does not come through either.
		if _, ok := l.proxy.gate(); !ok || err != nil {
			return
		}
		l.asked.Store(true)
		if _, err := l.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *link) forwardReplies() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buffer)
		e, ok := l.proxy.gate()
		if !ok || err != nil || !l.proxy.wait(e.delay) {
			return
		}
		if l.asked.Swap(false) && e.swallows() {
			l.proxy.cut.Add(1)
			return
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// wait reports false if the proxy was stopped meanwhile.
func (p *Proxy) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// end closes both sides; it may be called again.
func (l *link) end() {
	l.client.Close()
	l.server.Close()
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	delete(l.proxy.links, l)
}

// reset is an end that the client sees as "connection reset".
func (l *link) reset() {
	l.client.SetLinger(0)
	l.client.Close()
	l.server.Close()
}
