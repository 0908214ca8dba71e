package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// action is one call of a library.
type action func() error

// inTurns times the actions in rounds. In each round every action is called the
// same number of times; who begins changes from round to round. It returns the
// time of one call, by action and round.
func inTurns(ctx context.Context, rounds, calls int, actions []action) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(actions))
	for round := -1; round < rounds; round++ { // the first warms up
		for i := range actions {
			i = (i + round + 1) % len(actions)
			begin := time.Now()
			for range calls {
				if err := actions[i](); err != nil {
					return nil, err
				}
			}
			if round >= 0 {
				times[i] = append(times[i], time.Since(begin)/time.Duration(calls))
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// spread is a distribution in three numbers: the median, and the quartiles,
// between which the middle half lies.
type spread struct{ low, median, high float64 }

// String writes a ratio as "1.08 (1.04-1.13)".
func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.median, s.low, s.high) }

func spreadOf(values []float64) spread {
	slices.Sort(values)
	at := func(part float64) float64 { return values[int(part*float64(len(values)-1)+0.5)] }
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

func nanoseconds(times []time.Duration) spread {
	values := make([]float64, len(times))
	for i := range times {
		values[i] = float64(times[i])
	}
	return spreadOf(values)
}

// allocations returns what one call allocates. The runtime, database/sql's
// goroutines and pools that the collector has emptied add to it now and then, and
// nothing ever takes away: so the least of several measurements is the truth.
func allocations(do action) float64 {
	measure := func() float64 { return testing.AllocsPerRun(100, func() { do() }) }
	least := measure()
	for range 9 {
		least = min(least, measure())
	}
	return least
}
