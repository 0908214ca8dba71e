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

func BenchmarkTakePut(b *testing.B) {
	p := pool.New(dialNull, service)
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

func BenchmarkTakePutParallel(b *testing.B) {
	p := pool.New(dialNull, service)
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

// BenchmarkPoolAtRest measures the memory of a pool that was used once, and
// whose connection has gone since.
func BenchmarkPoolAtRest(b *testing.B) {
	pools := make([]*pool.Pool[*nullConn], 0, b.N)
	before := heap()
	for range b.N {
		p := pool.New(dialNull, service)
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
