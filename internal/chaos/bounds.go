package chaos

import (
	"fmt"
	"time"
)

// writesFlowAgain is how long after there is a primary again the first write must be
// acknowledged.
const writesFlowAgain = 2 * time.Second

// bound compares a figure of a round with that of another one, through the same
// program: how long anything takes on this machine is not known otherwise. The
// machine may be busier in the one round than in the other, so there is slack;
// what a bound is to find, a wait for a timeout or for a server that is far away,
// is longer.
type bound struct {
	against string // the other scenario
	what    string
	of      func(r *Row) time.Duration
	times   float64
	slack   time.Duration

	// beside is a figure of the same round, of what nothing is done to: if that is
	// worse than the other round's, it is the machine, and counts instead. May be nil.
	beside func(r *Row) time.Duration
}

func longestRead(r *Row) time.Duration  { return r.reads.percentile(100) }
func longestWrite(r *Row) time.Duration { return r.writes.percentile(100) }
func slowReads(r *Row) time.Duration    { return r.reads.percentile(99) }

// usual is how long it may take, before the factor and the slack.
func (b *bound) usual(r, other *Row) time.Duration {
	usual := b.of(other)
	if b.beside != nil {
		usual = max(usual, b.beside(r))
	}
	return usual
}

// Excesses are the figures that are above their bounds, in words. A round whose
// counterpart is not among the rows is not judged.
func Excesses(rows []Row) (faults []string) {
	for _, r := range rows {
		b := r.Scenario.bound
		if b == nil || !r.judged {
			continue
		}
		for _, other := range rows {
			if other.Scenario.Name != b.against || other.Via != r.Via {
				continue
			}
			took, usual := b.of(&r), b.usual(&r, &other)
			if took > time.Duration(b.times*float64(usual))+b.slack {
				faults = append(faults, fmt.Sprintf("%s, %s: %s %s, and at most %g times %s (see %s) and %s were allowed",
					r.Scenario.Name, r.Via, b.what, show(took), b.times, show(usual), b.against, show(b.slack)))
			}
		}
	}
	return faults
}
