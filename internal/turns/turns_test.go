package turns

import (
	"errors"
	"testing"
	"time"
)

var sink [][]byte

func TestAllocsAreExact(t *testing.T) {
	count, bytes, err := Allocs(1000, func() error {
		sink = [][]byte{make([]byte, 64), make([]byte, 128)}
		return nil
	})
	if err != nil || count < 3 || count > 3.1 || bytes < 192 || bytes > 300 {
		t.Errorf("%.2f allocations of %.0f bytes, %v", count, bytes, err)
	}
}

func TestInTurnsCallsEveryActionAsOften(t *testing.T) {
	var calls [3]int
	var order []int
	var actions []Action
	for i := range calls {
		actions = append(actions, func() error { calls[i]++; order = append(order, i); return nil })
	}
	times, err := Take(t.Context(), 5, 2, 1, actions)
	if err != nil || calls != [3]int{12, 12, 12} {
		t.Errorf("%v, %v", calls, err)
	}
	for i := range actions {
		if len(times[i]) != 5 {
			t.Errorf("%d times of Action %d", len(times[i]), i)
		}
	}
	if order[0] == order[6] {
		t.Error("the same Action begins in every round")
	}
}

func TestInTurnsStopsAtAnError(t *testing.T) {
	refused := errors.New("refused")
	_, err := Take(t.Context(), 5, 2, 2, []Action{func() error { return nil }, func() error { return refused }})
	if err != refused {
		t.Error(err)
	}
}

func TestRatiosAreTakenWithinARound(t *testing.T) {
	// The machine is slower from round to round, and the ratio is 2 in most.
	base := []time.Duration{10, 100, 1000, 10, 1000}
	times := []time.Duration{20, 200, 2000, 5, 9000}
	if s := Ratios(times, base); s != (Spread{2, 2, 2}) {
		t.Errorf("%+v", s)
	}
}
