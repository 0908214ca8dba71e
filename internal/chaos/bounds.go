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
}

func longestRead(r *Row) time.Duration { return r.reads.percentile(100) }
func slowReads(r *Row) time.Duration   { return r.reads.percentile(99) }

func (b *bound) limit(other *Row) time.Duration {
	return time.Duration(b.times*float64(b.of(other))) + b.slack
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
			if took, limit := b.of(&r), b.limit(&other); took > limit {
				faults = append(faults, fmt.Sprintf("%s, %s: %s %s, and at most %s were allowed: %g times the %s of %s, and %s",
					r.Scenario.Name, r.Via, b.what, show(took), show(limit), b.times, show(b.of(&other)), b.against, show(b.slack)))
			}
		}
	}
	return faults
}
