package pool_test
import ("testing";"sync";"sync/atomic")
func BenchmarkFloor(b *testing.B) {
	var mu sync.Mutex; var n atomic.Int64
	for b.Loop() { mu.Lock(); n.Add(1); mu.Unlock(); mu.Lock(); n.Add(-1); mu.Unlock() }
}
