//go:build !race

package multidb

import (
	"fmt"
	"runtime"
	"testing"
)

// The race detector keeps memory of its own, so these run without it.

// heap is what is in use after everything that is not was collected.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMemoryAfterManyTenants(t *testing.T) {
	k := mustConnector(t, Config{MaxDatabases: 1000, Tenants: Database{Primary: Engine{DSN: "postgres://app@db/{tenant}"}}})
	pass := func(from, to int) {
		for i := from; i < to; i++ {
			if _, err := k.tenants.find(t.Context(), fmt.Sprintf("t%06d", i)); err != nil {
				t.Fatal(err)
			}
		}
		k.tenants.closing.Wait()
	}
	pass(0, 2000)
	before := heap()
	pass(2000, 102_000)
	after := heap()
	if n := len(k.tenants.all()); n != 1000 {
		t.Errorf("%d are open", n)
	}
	if after > before+8*100_000 { // a pointer for each that was forgotten; some hundred KiB come and go
		t.Errorf("memory grew from %d to %d bytes", before, after)
	}
	runtime.KeepAlive(k)
}

func BenchmarkOpenTenant(b *testing.B) {
	k := mustConnector(b, Config{MaxDatabases: 1000, Tenants: Database{Primary: Engine{DSN: "postgres://app@db/{tenant}"}}})
	names := make([]string, b.N)
	for i := range names {
		names[i] = fmt.Sprintf("t%08d", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, name := range names {
		if _, err := k.tenants.find(b.Context(), name); err != nil {
			b.Fatal(err)
		}
	}
}
