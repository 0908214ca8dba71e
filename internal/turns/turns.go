// Package turns measures what is compared with each other in turns, because a
// machine that is busy with other things changes its speed by more than what is to
// be found out.
package turns

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Action is one operation on a database, done once.
type Action func() error

// Take times the actions in rounds. In each round every action is called the
// same number of times, from the same number of goroutines; who begins changes
// from round to round. It returns the time of one call, by action and round.
func Take(ctx context.Context, rounds, calls, goroutines int, actions []Action) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(actions))
	for round := -1; round < rounds; round++ { // the first warms up
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range actions {
			i = (i + round + 1) % len(actions)
			took, err := Time(calls, goroutines, actions[i])
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				times[i] = append(times[i], took/time.Duration(calls))
			}
		}
	}
	return times, nil
}

// Time calls do from several goroutines, and returns how long all calls took
// together. The first of them is the caller's: a new one has a small stack, and
// what grows it would be measured.
func Time(calls, goroutines int, do Action) (time.Duration, error) {
	errs := make([]error, goroutines)
	repeat := func(g int) {
		for range calls / goroutines {
			if errs[g] = do(); errs[g] != nil {
				return
			}
		}
	}
	var wg sync.WaitGroup
	begin := time.Now()
	for g := 1; g < goroutines; g++ {
		wg.Go(func() { repeat(g) })
	}
	repeat(0)
	wg.Wait()
	took := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

// Spread is a distribution in three numbers: the median, and the quartiles,
// between which the middle half lies.
type Spread struct{ Low, Median, High float64 }

// String writes a ratio as "1.08 (1.04-1.13)".
func (s Spread) String() string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.Median, s.Low, s.High) }

// SpreadOf returns the spread of the values, which it leaves as they are.
func SpreadOf(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	at := func(part float64) float64 { return sorted[int(part*float64(len(sorted)-1)+0.5)] }
	return Spread{at(0.25), at(0.5), at(0.75)}
}

// Ratios compares two actions round by round.
func Ratios(times, base []time.Duration) Spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i]) / float64(base[i])
	}
	return SpreadOf(values)
}

// Differences is by how many nanoseconds two actions are apart, round by round.
func Differences(times, base []time.Duration) Spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i] - base[i])
	}
	return SpreadOf(values)
}

// Nanoseconds returns the spread of times.
func Nanoseconds(times []time.Duration) Spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i])
	}
	return SpreadOf(values)
}

// Allocs returns how many allocations, of how many bytes together, one call does
// on average. Nothing else runs meanwhile but the runtime itself, which only ever
// adds: so the least of several tries is the truth.
func Allocs(calls int, do Action) (count, bytes float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err := do(); err != nil {
		return 0, 0, err
	}
	for try := range 5 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range calls {
			if err := do(); err != nil {
				return 0, 0, err
			}
		}
		runtime.ReadMemStats(&after)
		n := float64(after.Mallocs-before.Mallocs) / float64(calls)
		if try == 0 || n < count {
			count = n
			bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(calls)
		}
	}
	return count, bytes, nil
}
