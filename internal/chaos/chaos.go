// Package chaos runs a load of readers and writers through multidb while
// something happens to the servers, and counts what became of every statement.
// The commands chaos and integration/chaos print it as a table; a test runs one
// scenario with Run.
package chaos

import (
	"context"
	"fmt"
	"time"
)

// Quick is the length of a round that shows whether a scenario holds at all.
const Quick = 3 * time.Second

// Row is what one round came to.
type Row struct {
	Scenario *Scenario
	Via      string // "multidb", "multidb, random", "by hand"

	system        *System
	reads, writes work
	again         time.Duration // from when there was a primary again to the first write; 0 if there always was
	audit         audit
	judged        bool // rows of other programs are for comparison
}

// Way is what the load goes through.
type Way struct {
	Name   string
	open   func(f *fleet) (program, error)
	judged bool
}

// Multidb is multidb with a kind of balance; "" is the default one.
func Multidb(balance string) Way {
	name := "multidb"
	if balance != "" {
		name += ", " + balance
	}
	return Way{name, func(f *fleet) (program, error) { return f.openMultidb(balance) }, true}
}

// ByHand is two *sql.DBs, one for reads and one for writes.
var ByHand = Way{"by hand", (*fleet).openByHand, false}

// On reports whether a scenario applies to a system.
func (s *Scenario) On(system *System) bool { return s.only == nil || s.only == system }

// Ways are what a scenario is run through.
func (s *Scenario) Ways(byHand bool) (ways []Way) {
	balances := []string{""}
	if s.everyChoice {
		balances = []string{"least_busy", "round_robin", "random"}
	}
	for _, balance := range balances {
		ways = append(ways, Multidb(balance))
	}
	if byHand {
		ways = append(ways, ByHand)
	}
	return ways
}

// Run starts servers, runs one round on them, and stops them.
func Run(ctx context.Context, system *System, s *Scenario, way Way, length time.Duration) (Row, error) {
	row := Row{Scenario: s, Via: way.Name, system: system, judged: way.judged}
	f, err := startFleet(ctx, system, s)
	if err != nil {
		return row, fmt.Errorf("chaos: %s on %s: %w", s.Name, system.Name, err)
	}
	defer f.stop()
	if err := row.fill(ctx, f, way, length); err != nil {
		return row, fmt.Errorf("chaos: %s on %s: %w", s.Name, system.Name, err)
	}
	return row, nil
}

func (r *Row) fill(ctx context.Context, f *fleet, way Way, length time.Duration) error {
	p, err := way.open(f)
	if err != nil {
		return err
	}
	defer p.close()
	l := &load{system: f.system, program: p, long: r.Scenario.longReads, misread: r.Scenario.misread}
	if l.misread && !way.judged {
		l.program.reads = l.program.writes // by hand one says which is which
	}
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		r.reads, r.writes = l.run(ctx, enough)
	}()
	err = r.Scenario.during(ctx, f, timesOf(length))
	close(enough)
	<-done
	if err != nil {
		return err
	}
	if !f.accepts.IsZero() {
		r.again = r.writes.firstAfter(f.accepts)
	}
	r.audit, err = f.audit(ctx, r.writes.ids)
	return err
}

// Faults are the figures that must be zero and are not, in words, and the one that
// must not be long. See also [Excesses].
func (r *Row) Faults() (faults []string) {
	if !r.judged {
		return nil
	}
	failedReads, failedWrites := r.reads.failed, r.writes.failed
	if r.system != nil && r.Scenario.readsSuffer == r.system {
		failedReads = 0
	}
	if r.Scenario.primarySuffers {
		failedWrites = 0
	}
	for _, figure := range []struct {
		n    int
		what string
	}{
		{failedReads, "reads failed although a server was there to answer them"},
		{failedWrites, "writes failed although the primary was there to do them"},
		{r.audit.lost, "acknowledged writes were lost"},
		{r.audit.twice, "writes were done twice"},
		{r.audit.onReplica, "writes were done by a replica"},
		{r.audit.onStranger, "writes were done by the old primary"},
	} {
		if figure.n > 0 {
			faults = append(faults, fmt.Sprintf("%d %s", figure.n, figure.what))
		}
	}
	if r.again > writesFlowAgain {
		faults = append(faults, fmt.Sprintf("the first write came %s after there was a primary again", show(r.again)))
	}
	return faults
}

// Errors are the errors that the load met, with how often.
func (r *Row) Errors() (lines []string) {
	for _, part := range []struct {
		what string
		work *work
	}{{"read", &r.reads}, {"write", &r.writes}} {
		for _, kind := range part.work.kinds() {
			lines = append(lines, fmt.Sprintf("%s, %d times: %s", part.what, part.work.errors[kind], kind))
		}
	}
	return lines
}
