package chaos

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/multidb-go/multidb"
)

const (
	readers = 8
	writers = 4
	seeds   = 1000 // rows that are there from the start, with ids from 1

	// What a user waits for before he goes elsewhere. A write may outlast a
	// failover.
	readPatience  = 3 * time.Second
	writePatience = 10 * time.Second

	// Between two statements of a worker, so that what is measured is not how
	// full the processors are.
	thinking = time.Millisecond
)

// load is readers and writers at work.
type load struct {
	system  *System
	program program
	long    bool // every other read takes long
	misread bool // the writes look like reads

	written [writers]atomic.Int64 // the last id that each writer has acknowledged
}

// work is what the statements of one kind came to.
type work struct {
	run, failed int
	unknown     int // failed with ErrUnknownOutcome
	took        []time.Duration
	errors      map[string]int
	ids         []int64 // of the writes that were acknowledged
	acked       []time.Time
}

// run works until enough ends; what is begun then is brought to its end.
func (l *load) run(ctx context.Context, enough <-chan struct{}) (reads, writes work) {
	var perReader [readers]work
	var perWriter [writers]work
	var running sync.WaitGroup
	for i := range perReader {
		running.Go(func() {
			for n := 0; goOn(enough); n++ {
				perReader[i].time(ctx, readPatience, func(ctx context.Context) error { return l.read(ctx, n) })
			}
		})
	}
	for i := range perWriter {
		running.Go(func() {
			for id := int64(i+1) * 1_000_000_000; goOn(enough); id++ {
				err := perWriter[i].time(ctx, writePatience, func(ctx context.Context) error { return l.write(ctx, id) })
				if err == nil {
					perWriter[i].ids = append(perWriter[i].ids, id)
					perWriter[i].acked = append(perWriter[i].acked, time.Now())
					l.written[i].Store(id)
				}
			}
		})
	}
	running.Wait()
	return sum(perReader[:]), sum(perWriter[:])
}

// goOn is false when it is enough.
func goOn(enough <-chan struct{}) bool {
	select {
	case <-enough:
		return false
	case <-time.After(thinking):
		return true
	}
}

// body is what the row of that id must say.
func body(id int64) string { return fmt.Sprint("row ", id) }

// read reads a row that is there, or one that was written a moment ago and that
// a replica may not have yet.
func (l *load) read(ctx context.Context, n int) error {
	query, id, seed := l.system.read, rand.Int64N(seeds)+1, true
	if l.long && n%2 == 0 {
		query = l.system.long
	}
	if last := l.written[n%writers].Load(); last > 0 && n%3 == 0 {
		id, seed = last, false
	}
	rows, err := l.program.reads.QueryContext(ctx, query, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := 0
	for ; rows.Next(); found++ {
		var gotID int64
		var gotBody string
		if err := rows.Scan(&gotID, &gotBody); err != nil {
			return err
		}
		if gotID != id || gotBody != body(id) {
			return fmt.Errorf("malformed: row %d is %d, %q", id, gotID, gotBody)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if seed && found != 1 {
		return fmt.Errorf("malformed: a row is there %d times", found)
	}
	return nil
}

// write writes with arguments, or as literal text: a driver that misunderstands
// a lost reply of the one may understand that of the other.
func (l *load) write(ctx context.Context, id int64) (err error) {
	switch {
	case l.misread:
		var noted int64
		err = l.program.writes.QueryRowContext(ctx, l.system.misread, id, body(id)).Scan(&noted)
	case id%2 == 0:
		_, err = l.program.writes.ExecContext(ctx, l.system.insert, id, body(id))
	default:
		_, err = l.program.writes.ExecContext(ctx, fmt.Sprintf(l.system.literal, id, body(id)))
	}
	return err
}

// time does one statement and notes how it went.
func (w *work) time(ctx context.Context, patience time.Duration, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	err := do(ctx)
	w.took = append(w.took, time.Since(began))
	w.run++
	if err != nil {
		w.failed++
		if errors.Is(err, multidb.ErrUnknownOutcome) {
			w.unknown++
		}
		if w.errors == nil {
			w.errors = make(map[string]int)
		}
		w.errors[kindOf(err)]++
	}
	return err
}

var numbers = regexp.MustCompile(`\d{7,}|:\d+`)

// kindOf is an error's text without what differs from one to the next.
func kindOf(err error) string {
	if errors.Is(err, sql.ErrConnDone) {
		return sql.ErrConnDone.Error()
	}
	return numbers.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "…")
}

func sum(all []work) (total work) {
	total.errors = make(map[string]int)
	for _, w := range all {
		total.run += w.run
		total.failed += w.failed
		total.unknown += w.unknown
		total.took = append(total.took, w.took...)
		total.ids = append(total.ids, w.ids...)
		total.acked = append(total.acked, w.acked...)
		for kind, n := range w.errors {
			total.errors[kind] += n
		}
	}
	slices.Sort(total.took)
	return total
}

// firstAfter is how long after a moment the first write was acknowledged; a very long
// time if none was.
func (w *work) firstAfter(moment time.Time) time.Duration {
	first := time.Duration(math.MaxInt64)
	for _, at := range w.acked {
		if d := at.Sub(moment); d >= 0 {
			first = min(first, d)
		}
	}
	return first
}

// percentile is 0 if nothing was done.
func (w *work) percentile(p int) time.Duration {
	if len(w.took) == 0 {
		return 0
	}
	return w.took[min(len(w.took)-1, len(w.took)*p/100)]
}

// kinds are the errors, the most frequent first.
func (w *work) kinds() []string {
	var kinds []string
	for kind := range w.errors {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(w.errors[b]-w.errors[a], cmp.Compare(a, b)) })
	return kinds
}
