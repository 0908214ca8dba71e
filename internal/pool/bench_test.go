package pool_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/multidb-go/multidb/internal/pool"
)

type nullConn struct{ pool.Base }

func (*nullConn) Reset(context.Context) error { return nil }
func (*nullConn) Valid() bool                 { return true }
func (*nullConn) Close() error                { return nil }

func dialNull(context.Context) (*nullConn, error) { return new(nullConn), nil }

// service are limits as an engine has them by default.
var service = pool.Options{MaxIdle: 64, MaxLifetime: time.Hour, MaxIdleTime: 5 * time.Minute}

// capped are those of an engine that shares the limits of its server.
func capped() pool.Options {
	o := service
	o.Host = pool.NewCap(1000).Host(500, 16)
	return o
}

func BenchmarkTakePut(b *testing.B)       { takePut(b, service) }
func BenchmarkTakePutCapped(b *testing.B) { takePut(b, capped()) }

func takePut(b *testing.B, o pool.Options) {
	p := pool.New(dialNull, o)
	defer p.Close()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		c, err := p.Take(ctx)
		if err != nil {
			b.Fatal(err)
		}
		p.Put(c)
	}
}

func BenchmarkTakePutParallel(b *testing.B)       { takePutParallel(b, service) }
func BenchmarkTakePutParallelCapped(b *testing.B) { takePutParallel(b, capped()) }

func takePutParallel(b *testing.B, o pool.Options) {
	p := pool.New(dialNull, o)
	defer p.Close()
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c, err := p.Take(ctx)
			if err != nil {
				b.Error(err)
				return
			}
			p.Put(c)
		}
	})
}

// BenchmarkEvict has each use of a connection close that of another pool.
func BenchmarkEvict(b *testing.B) {
	const limit = 1000
	o := service
	o.Host = pool.NewCap(limit).Host(0, 16)
	pools := make([]*pool.Pool[*nullConn], 10*limit)
	for i := range pools {
		pools[i] = pool.New(dialNull, o)
		defer pools[i].Close()
	}
	for i := range b.N {
		p := pools[i%len(pools)]
		c, err := p.Take(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		p.Put(c)
	}
}

// BenchmarkPoolAtRest measures the memory of a pool that was used once, and
// whose connection has gone since.
func BenchmarkPoolAtRest(b *testing.B)       { poolAtRest(b, service) }
func BenchmarkPoolAtRestCapped(b *testing.B) { poolAtRest(b, capped()) }

func poolAtRest(b *testing.B, o pool.Options) {
	pools := make([]*pool.Pool[*nullConn], 0, b.N)
	before := heap()
	for range b.N {
		p := pool.New(dialNull, o)
		c, err := p.Take(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		p.Discard(c)
		pools = append(pools, p)
	}
	b.ReportMetric(float64(heap()-before)/float64(b.N), "bytes/pool")
	runtime.KeepAlive(pools)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
