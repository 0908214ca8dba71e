// Command bench measures what multidb costs below other people's libraries: the
// same statements of sqlx, ent, bun and gorm on pgx alone and on multidb, in
// turns, on one PostgreSQL server that it starts and stops.
//
//	go -C integration/libraries run ./bench          # in about two minutes
//	go -C integration/libraries run ./bench -quick   # does it run at all? The times mean nothing
//
// It fails if multidb adds allocations to running a statement. docs/benchmarks.md says
// what the columns mean.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"text/tabwriter"

	"github.com/multidb-go/multidb/internal/turns"
)

func main() {
	quick := flag.Bool("quick", false, "a few rounds, to see that it runs; the times mean nothing")
	flag.Parse()
	rounds := 201
	if *quick {
		rounds = 5
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// callsInTurn is how many statements one contender runs before it is another's
// turn: tens of milliseconds.
const callsInTurn = 50

func run(ctx context.Context, rounds int) error {
	// The heap is so small that the collector would run all the time, and rounds
	// with and without it are far apart.
	debug.SetGCPercent(1000)
	s, err := openShop(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Printf("%s %s/%s, %d processors\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	fmt.Printf("Libraries over PostgreSQL through pgx: allocations of one call, and its time, median of %d rounds of %d calls (and the quartiles)\n\n",
		rounds, callsInTurn)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  library\tcall\tchild\tmultidb adds\tchild\tagain\tmultidb")
	over := 0
	for _, o := range operations {
		actions, err := s.actions(o)
		if err != nil {
			return err
		}
		child, multidb := allocations(actions[0]), allocations(actions[2])
		if multidb > child+o.adds {
			over++
		}
		times, err := turns.Take(ctx, rounds, callsInTurn, 1, actions)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", o.library, o.name, err)
		}
		fmt.Fprintf(w, "  %s\t%s\t%.0f\t%+.0f\t%.0f us\t%v\t%v\n", o.library, o.name, child, multidb-child,
			turns.Nanoseconds(times[0]).Median/1000, turns.Ratios(times[1], times[0]), turns.Ratios(times[2], times[0]))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if over > 0 {
		return fmt.Errorf("multidb adds more allocations than it may to %d calls", over)
	}
	return nil
}
