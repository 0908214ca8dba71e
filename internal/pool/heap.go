package pool

// entry is a place in a heap, in which it is found by where it stands. Who owns
// it can leave from the middle.
type entry[T any] struct {
	of  T
	key uint64
	at  int // its index, counted from 1; 0: it is in no heap
}

// heap has the entry with the least key first.
type heap[T any] []*entry[T]

// set puts e in, or changes its key.
func (h *heap[T]) set(e *entry[T], key uint64) {
	e.key = key
	if e.at == 0 {
		*h = append(*h, e)
		e.at = len(*h)
	}
	h.settle(e)
}

// remove does nothing if e is in no heap.
func (h *heap[T]) remove(e *entry[T]) {
	if e.at == 0 {
		return
	}
	last := len(*h) - 1
	moved := (*h)[last]
	h.place(moved, e.at-1)
	(*h)[last] = nil
	*h = (*h)[:last]
	e.at = 0
	if moved != e {
		h.settle(moved)
	}
}

// settle moves e up, or else down, to where its key belongs.
func (h heap[T]) settle(e *entry[T]) {
	i := e.at - 1
	for i > 0 && e.key < h[(i-1)/2].key {
		h.place(h[(i-1)/2], i)
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].key < h[child].key {
			child++
		}
		if child >= len(h) || e.key <= h[child].key {
			break
		}
		h.place(h[child], i)
		i = child
	}
	h.place(e, i)
}

func (h heap[T]) place(e *entry[T], i int) {
	h[i] = e
	e.at = i + 1
}
