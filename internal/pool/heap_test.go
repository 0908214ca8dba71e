package pool

import (
	"math/rand/v2"
	"testing"
)

func TestTheHeapHasTheLeastFirstWhateverIsMovedOrRemoved(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h heap[int]
	entries := make([]entry[int], 100)
	keys := make(map[int]uint64) // of those that are in
	for i := range entries {
		entries[i].of = i
	}
	for range 20_000 {
		i := r.IntN(len(entries))
		if r.IntN(3) == 0 {
			h.remove(&entries[i])
			delete(keys, i)
		} else {
			keys[i] = r.Uint64N(1000)
			h.set(&entries[i], keys[i])
		}
		if len(h) != len(keys) {
			t.Fatalf("%d entries, want %d", len(h), len(keys))
		}
		for _, key := range keys {
			if key < h[0].key {
				t.Fatalf("%d is first, and there is %d", h[0].key, key)
			}
		}
		if len(h) > 0 && (keys[h[0].of] != h[0].key || h[0].at != 1) {
			t.Fatalf("first is %+v", *h[0])
		}
	}
}
