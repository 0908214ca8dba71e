package pool_test

import (
	"container/list"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

// A load has users choose a tenant for each use, by Zipf's law with the exponent
// 1.1. All tenants are on one server. Its time is a bubble's, so that it needs
// none, and is the same on each machine.
type load struct {
	name     string
	tenants  int
	limit    int           // of connections in total
	use      time.Duration // how long a connection is used
	dial     time.Duration // how long the server works on a dial
	atOnce   int           // how many dials it works on
	warmUp   time.Duration
	measured time.Duration
	gain     float64 // how much better a Cap has to be than plain LRU
}

const (
	loadUsers = 64
	loadDials = 16 // the limit of dials in progress, of the policies that have one
)

var loads = []load{
	{"200 tenants, limit 150", 200, 150, 200 * time.Microsecond, 2 * time.Millisecond, 1000, time.Second, time.Second, 2},
	{"the same, server with 250 dials/s", 200, 150, 200 * time.Microsecond, 4 * time.Millisecond, 1, 3 * time.Second, 4 * time.Second, 2},
	{"the same, uses of 1 ms", 200, 150, time.Millisecond, 4 * time.Millisecond, 1, 3 * time.Second, 4 * time.Second, 2},
	{"200 tenants, limit 50", 200, 50, 200 * time.Microsecond, 2 * time.Millisecond, 1000, time.Second, time.Second, 2},
	{"the same, server with 250 dials/s", 200, 50, 200 * time.Microsecond, 4 * time.Millisecond, 1, 3 * time.Second, 4 * time.Second, 2},
	// Each sixth use is of a tenant beyond the first 1,000. There is little to gain.
	{"10,000 tenants, limit 1,000", 10_000, 1000, 200 * time.Microsecond, 2 * time.Millisecond, 1000, time.Second, time.Second, 0.9},
	{"the same, server with 250 dials/s", 10_000, 1000, 200 * time.Microsecond, 4 * time.Millisecond, 1, 6 * time.Second, 4 * time.Second, 0.9},
}

// loadServer counts what the policies do to it.
type loadServer struct {
	load
	working   chan struct{} // one for each dial it works on
	mu        sync.Mutex
	measuring bool
	uses      int
	dials     int
	open      int
	peak      int
}

func (s *loadServer) opens() {
	s.mu.Lock()
	s.open++
	s.peak = max(s.peak, s.open)
	if s.measuring {
		s.dials++
	}
	s.mu.Unlock()
	s.working <- struct{}{}
	time.Sleep(s.dial)
	<-s.working
}

func (s *loadServer) closes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

func (s *loadServer) used() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.measuring {
		s.uses++
	}
}

func (s *loadServer) measure(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measuring = on
}

// policy is a way to have connections for tenants.
type policy struct {
	name string
	open func(s *loadServer) tenancy
}

type tenancy interface {
	use(tenant int, work func())
	close()
}

var policies = []policy{
	{"Cap", func(s *loadServer) tenancy {
		return openTenants(s, pool.Options{MaxIdle: 64, Host: pool.NewCap(s.limit).Host(0, loadDials)})
	}},
	{"plain LRU", openPlainLRU},
	{"pools with total/N, at least 1", func(s *loadServer) tenancy {
		n := max(1, s.limit/s.tenants)
		return openTenants(s, pool.Options{MaxIdle: n, MaxOpen: n})
	}},
}

type tenantPools []*pool.Pool[*loadConn]

type loadConn struct {
	nullConn
	server *loadServer
}

func (c *loadConn) Close() error { c.server.closes(); return nil }

func openTenants(s *loadServer, o pool.Options) tenancy {
	pools := make(tenantPools, s.tenants)
	for i := range pools {
		pools[i] = pool.New(func(context.Context) (*loadConn, error) {
			s.opens()
			return &loadConn{server: s}, nil
		}, o)
	}
	return pools
}

func (pools tenantPools) use(tenant int, work func()) {
	c, err := pools[tenant].Take(context.Background())
	if err != nil {
		panic(err)
	}
	work()
	pools[tenant].Put(c)
}

func (pools tenantPools) close() {
	for _, p := range pools {
		p.Close()
	}
}

// plainLRU is what a Cap is compared with: at the limit, the connection that was
// idle longest is closed, whosever it is, and where none is idle, the next that
// comes back is for the first who waits.
type plainLRU struct {
	server  *loadServer
	dials   chan struct{}
	mu      sync.Mutex
	free    int
	idle    map[int][]*list.Element // of each tenant, the last is the next
	lru     list.List               // of the tenants of what is idle
	waiters list.List               // of lruWaiter
}

type lruWaiter struct {
	tenant int
	served chan bool // true: with a connection; false: with a place
}

func openPlainLRU(s *loadServer) tenancy {
	return &plainLRU{server: s, dials: make(chan struct{}, loadDials), free: s.limit, idle: make(map[int][]*list.Element)}
}

func (p *plainLRU) use(tenant int, work func()) {
	if !p.take(tenant) {
		p.dials <- struct{}{}
		p.server.opens()
		<-p.dials
	}
	work()
	p.put(tenant)
}

func (p *plainLRU) take(tenant int) (connected bool) {
	p.mu.Lock()
	if idle := p.idle[tenant]; len(idle) > 0 {
		p.lru.Remove(idle[len(idle)-1])
		p.idle[tenant] = idle[:len(idle)-1]
		p.mu.Unlock()
		return true
	}
	if p.free > 0 {
		p.free--
	} else if oldest := p.lru.Front(); oldest != nil {
		owner := p.lru.Remove(oldest).(int)
		p.idle[owner] = p.idle[owner][1:]
		p.server.closes()
	} else {
		w := lruWaiter{tenant, make(chan bool, 1)}
		p.waiters.PushBack(w)
		p.mu.Unlock()
		return <-w.served
	}
	p.mu.Unlock()
	return false
}

func (p *plainLRU) put(tenant int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.waiters.Front(); first != nil {
		w := p.waiters.Remove(first).(lruWaiter)
		if w.tenant != tenant {
			p.server.closes()
		}
		w.served <- w.tenant == tenant
		return
	}
	p.idle[tenant] = append(p.idle[tenant], p.lru.PushBack(tenant))
}

func (p *plainLRU) close() {}

// simulate lets l run for its time under a policy.
func simulate(t *testing.T, l load, p policy) *loadServer {
	s := &loadServer{load: l}
	synctest.Test(t, func(t *testing.T) {
		s.working = make(chan struct{}, l.atOnce)
		tenants := p.open(s)
		var stop atomic.Bool
		var users sync.WaitGroup
		for i := range loadUsers {
			users.Go(func() {
				zipf := rand.NewZipf(rand.New(rand.NewPCG(uint64(i), 7)), 1.1, 1, uint64(l.tenants-1))
				for !stop.Load() {
					tenants.use(int(zipf.Uint64()), func() { time.Sleep(l.use) })
					s.used()
				}
			})
		}
		time.Sleep(l.warmUp)
		s.measure(true)
		time.Sleep(l.measured)
		s.measure(false)
		stop.Store(true)
		users.Wait()
		tenants.close()
		time.Sleep(time.Minute) // dials go on
	})
	return s
}

// TestSimulation prints what a Cap is good for; see it with -v.
func TestSimulation(t *testing.T) {
	loads := loads
	if underRace {
		loads = loads[1:2] // all take long then, and show nothing more
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "load\tpolicy\tuses/s\tdials/s\tpeak")
	for _, l := range loads {
		uses := make(map[string]float64)
		for _, p := range policies {
			s := simulate(t, l, p)
			uses[p.name] = float64(s.uses) / l.measured.Seconds()
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f\t%d\n", l.name, p.name, uses[p.name], float64(s.dials)/l.measured.Seconds(), s.peak)
			if p.name == "Cap" && s.peak > l.limit {
				t.Errorf("%s: %d connections, limit %d", l.name, s.peak, l.limit)
			}
		}
		if gain := uses["Cap"] / uses["plain LRU"]; gain < l.gain {
			t.Errorf("%s: %.2f times the uses of plain LRU, want %v", l.name, gain, l.gain)
		}
	}
	w.Flush()
	t.Logf("\n%s", &table)
}
