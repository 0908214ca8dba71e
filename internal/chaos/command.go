package chaos

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Main is the command for one system. It does not return.
func Main(system *System) {
	only := flag.String("only", "", "run one scenario: "+strings.Join(names(system), ", "))
	seconds := flag.Float64("seconds", 10, "how long a round is")
	quick := flag.Bool("quick", false, "rounds of a few seconds")
	markdown := flag.Bool("markdown", false, "print the table for a document")
	byHand := flag.Bool("by-hand", true, "run each scenario also through two *sql.DBs made by hand")
	errors := flag.Bool("errors", false, "show which errors the load met")
	flag.Parse()
	length := time.Duration(*seconds * float64(time.Second))
	if *quick {
		length = Quick
	}
	chosen := choose(system, *only)
	if len(chosen) == 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	rows, err := runAll(ctx, system, chosen, length, *byHand)
	stop()
	if *markdown {
		PrintMarkdown(os.Stdout, rows)
	} else {
		Print(os.Stdout, rows)
	}
	if !report(rows, *errors) || err != nil {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(0)
}

// report names what must not be, and reports whether all is well.
func report(rows []Row, errors bool) (ok bool) {
	ok = true
	for _, r := range rows {
		for _, fault := range r.Faults() {
			fmt.Fprintf(os.Stderr, "%s, %s: %s\n", r.Scenario.Name, r.Via, fault)
			ok = false
		}
		if errors {
			for _, line := range r.Errors() {
				fmt.Fprintf(os.Stderr, "  %s, %s: %s\n", r.Scenario.Name, r.Via, line)
			}
		}
	}
	for _, excess := range Excesses(rows) {
		fmt.Fprintln(os.Stderr, excess)
		ok = false
	}
	return ok
}

func runAll(ctx context.Context, system *System, chosen []*Scenario, length time.Duration, byHand bool) (rows []Row, err error) {
	fmt.Fprintf(os.Stderr, "%s, %d readers, %d writers; settings beside the engines: %v\n", system.Name, readers, writers, settings(""))
	for _, s := range chosen {
		for _, way := range s.Ways(byHand) {
			fmt.Fprintf(os.Stderr, "%s, %s: %s\n", s.Name, way.Name, s.Story)
			row, err := Run(ctx, system, s, way, length)
			if err != nil {
				return rows, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func choose(system *System, name string) (chosen []*Scenario) {
	for _, s := range Scenarios {
		if s.On(system) && (name == "" || name == s.Name) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func names(system *System) (all []string) {
	for _, s := range choose(system, "") {
		all = append(all, s.Name)
	}
	return all
}
