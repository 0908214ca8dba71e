package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

// allocations counts what each operation allocates over a child driver that does
// nothing.
func allocations(_ context.Context, e effort) (table, error) {
	t := allocTable("a null child driver")
	contenders, err := contendersOver(testdb.NullConnector{})
	if err != nil {
		return t, err
	}
	defer closeAll(contenders)
	for _, o := range operations {
		actions, err := o.actions(contenders)
		if err != nil {
			return t, err
		}
		if err := t.addAllocs(o, e.allocCalls, actions); err != nil {
			return t, err
		}
	}
	return t, nil
}

func allocTable(over string) table {
	return table{
		title:  "Allocations of one call over " + over + " (exact)",
		header: []string{"operation", "child", "again", "held", "leased", "added", "budget", ""},
	}
}

// addAllocs adds a row with the allocations of each contender.
func (t *table) addAllocs(o operation, calls int, actions []turns.Action) error {
	row := []string{o.name}
	var counts []float64
	for _, do := range actions {
		count, bytes, err := turns.Allocs(calls, do)
		if err != nil {
			return err
		}
		counts = append(counts, count)
		row = append(row, fmt.Sprintf("%.2f (%.0f B)", count, bytes))
	}
	added := slices.Max(counts) - counts[0]
	budget := o.allocs + 0.1 // less than a tenth is the runtime's own, now and then
	t.failed = t.failed || added > budget
	t.add(append(row, fmt.Sprintf("%+.2f", added), fmt.Sprintf("%+.0f", o.allocs), verdict(added, budget))...)
	return nil
}

// nullPairs times each operation over a child driver that does nothing.
func nullPairs(ctx context.Context, e effort) (table, error) {
	t := table{
		title:  fmt.Sprintf("Time over a null child driver: ratio to the child, median of %d rounds of %d calls (and the quartiles)", e.nullRounds, e.nullCalls),
		header: []string{"operation", "goroutines", "child", "again", "held", "leased", "held adds", "leased adds", "budget", ""},
	}
	contenders, err := contendersOver(testdb.NullConnector{})
	if err != nil {
		return t, err
	}
	defer closeAll(contenders)
	for _, o := range operations {
		actions, err := o.actions(contenders)
		if err != nil {
			return t, err
		}
		for _, goroutines := range []int{1, 2, 64} {
			times, err := turns.Take(ctx, e.nullRounds, e.nullCalls, goroutines, actions)
			if err != nil {
				return t, err
			}
			child := turns.Nanoseconds(times[0]).Median
			again, held, leased := turns.Ratios(times[1], times[0]), turns.Ratios(times[2], times[0]), turns.Ratios(times[3], times[0])
			added := func(r turns.Spread) string { return fmt.Sprintf("%+.0f ns", (r.Median-1)*child) }
			t.add(o.name, fmt.Sprint(goroutines), fmt.Sprintf("%.0f ns", child),
				again.String(), held.String(), leased.String(), added(held), added(leased),
				fmt.Sprintf("%.2f", o.time), verdict(max(held.Median, leased.Median), o.time))
		}
	}
	return t, nil
}
