// Command bench measures what multidb costs over its child driver, and compares
// it with the budgets.
//
//	go run ./bench          # all, in ten to fifteen minutes
//	go run ./bench -quick   # does it run at all? The times mean little
//	go run ./bench -only null
//
// The child driver and multidb take turns in one process, and a ratio is taken
// within each turn, because a machine that is busy with other things changes its
// speed by more than multidb costs. docs/benchmarks.md says what the rows mean.
//
// It fails if an exact figure, the allocations, is over its budget. A time that
// is over its budget is marked: whether the machine or the code is to blame is
// for the reader to find out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

// section is one table.
type section struct {
	name string
	run  func(ctx context.Context, effort effort) (table, error)
}

var sections = []section{
	{"allocs", allocations},
	{"null", nullPairs},
	{"postgres-allocs", postgresAllocations},
	{"postgres", postgresPairs},
	{"connections", peakConnections},
	{"first", firstStatements}, // before what fills the heap: it times single calls
	{"tenants", manyTenants},
	{"tenants-null", manyNullTenants},
	{"classify", classification},
}

func main() {
	quick := flag.Bool("quick", false, "a few rounds of everything, to see that it runs; the times mean little")
	only := flag.String("only", "", "run one section: "+strings.Join(names(), ", "))
	flag.Parse()

	chosen, err := choose(*only)
	if err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: bench [-quick] [-only section]", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !run(ctx, chosen, effortOf(*quick)) {
		stop()
		os.Exit(1)
	}
}

// run prints the tables and reports whether all of them could be measured and
// the exact figures kept their budgets.
func run(ctx context.Context, chosen []section, e effort) bool {
	// The heap is so small that the collector would run all the time, and rounds
	// with and without it are far apart.
	debug.SetGCPercent(1000)
	fmt.Printf("%s %s/%s, %d processors\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	ok := true
	for _, s := range chosen {
		t, err := s.run(ctx, e)
		if err != nil {
			fmt.Fprintf(os.Stderr, "\nbench: %s: %v\n", s.name, err)
			ok = false
			continue
		}
		t.print(os.Stdout)
		ok = ok && !t.failed
	}
	return ok
}

func names() []string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

func choose(name string) ([]section, error) {
	if name == "" {
		return sections, nil
	}
	for _, s := range sections {
		if s.name == name {
			return []section{s}, nil
		}
	}
	return nil, fmt.Errorf("(there is no section %q)", name)
}

// effort is how much is measured.
type effort struct {
	allocCalls     int // calls over which allocations are averaged
	nullRounds     int
	nullCalls      int // of one contender in one round
	postgresRounds int
	postgresCalls  int
	peakRounds     int
	peakCalls      int
	classifyRounds int

	tenantRounds     int
	tenantCalls      int
	nullTenantRounds int
	nullTenantCalls  int
	firstRounds      int
}

func effortOf(quick bool) effort {
	if quick {
		return effort{
			allocCalls: 1000,
			nullRounds: 5, nullCalls: 640,
			postgresRounds: 5, postgresCalls: 160,
			peakRounds: 1, peakCalls: 6400,
			classifyRounds: 5,
			tenantRounds:   1, tenantCalls: 6400,
			nullTenantRounds: 1, nullTenantCalls: 64_000,
			firstRounds: 50,
		}
	}
	return effort{
		allocCalls: 20_000,
		nullRounds: 601, nullCalls: 1280,
		postgresRounds: 101, postgresCalls: 640,
		peakRounds: 7, peakCalls: 64_000,
		classifyRounds: 51,
		tenantRounds:   3, tenantCalls: 12_800,
		nullTenantRounds: 3, nullTenantCalls: 128_000,
		firstRounds: 1001,
	}
}
