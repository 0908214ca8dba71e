package main

import (
	"testing"

	"github.com/multidb-go/multidb/internal/turns"
)

// allocations returns what one call allocates. The runtime, database/sql's
// goroutines and pools that the collector has emptied add to it now and then, and
// nothing ever takes away: so the least of several measurements is the truth.
func allocations(do turns.Action) float64 {
	measure := func() float64 { return testing.AllocsPerRun(100, func() { do() }) }
	least := measure()
	for range 9 {
		least = min(least, measure())
	}
	return least
}
