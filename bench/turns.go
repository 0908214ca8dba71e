package main

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// action is one operation on a database, done once.
type action func() error

// inTurns times the actions in rounds. In each round every action is called the
// same number of times, from the same number of goroutines; who begins changes
// from round to round. It returns the time of one call, by action and round.
func inTurns(ctx context.Context, rounds, calls, goroutines int, actions []action) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(actions))
	for round := -1; round < rounds; round++ { // the first warms up
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range actions {
			i = (i + round + 1) % len(actions)
			took, err := timed(calls, goroutines, actions[i])
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

// timed calls do from several goroutines, and returns how long all calls took
// together.
func timed(calls, goroutines int, do action) (time.Duration, error) {
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	begin := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			for range calls / goroutines {
				if errs[g] = do(); errs[g] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

// spread is a distribution in three numbers: the median, and the quartiles,
// between which the middle half lies.
type spread struct{ low, median, high float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	at := func(part float64) float64 { return sorted[int(part*float64(len(sorted)-1)+0.5)] }
	return spread{at(0.25), at(0.5), at(0.75)}
}

// ratios compares two actions round by round.
func ratios(times, base []time.Duration) spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i]) / float64(base[i])
	}
	return spreadOf(values)
}

// differences is by how many nanoseconds two actions are apart, round by round.
func differences(times, base []time.Duration) spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i] - base[i])
	}
	return spreadOf(values)
}

func nanoseconds(times []time.Duration) spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i])
	}
	return spreadOf(values)
}

// allocs returns how many allocations, of how many bytes together, one call does
// on average. Nothing else runs meanwhile but the runtime itself, which only ever
// adds: so the least of several tries is the truth.
func allocs(calls int, do action) (count, bytes float64, err error) {
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
