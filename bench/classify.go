package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/sqlcases"
	"github.com/multidb-go/multidb/internal/turns"
)

// longStatement is 1 MiB of values.
var longStatement = "INSERT INTO t (a, b) VALUES (1, 'it''s')" + strings.Repeat(", (12345, 'some text')", 1<<20/22)

// classification times Classify itself, with many statements of an ORM in turn: with one
// and the same, a processor knows after a while what comes next. What a text costs a
// connection is in BenchmarkFactsFirst and BenchmarkFactsRepeated of the root package,
// where the cache is.
func classification(ctx context.Context, e effort) (table, error) {
	t := table{
		title:  fmt.Sprintf("Classification: median of %d rounds (and the quartiles)", e.classifyRounds),
		header: []string{"statement", "time", "budget", "", "speed", "budget", ""},
	}
	type statement struct {
		name    string
		dialect multidb.Dialect
		texts   []string
		calls   int
		time    float64 // budget in ns; 0: none
		speed   float64 // budget in MB/s; 0: none
	}
	var statements []statement
	for _, d := range []multidb.Dialect{multidb.Postgres, multidb.MySQL, multidb.SQLite} {
		orm := sqlcases.Generated(d.String(), 300)
		statements = append(statements,
			statement{fmt.Sprintf("of an ORM, %.0f bytes, %v", meanLength(orm), d), d, orm, 3000, 1000, 0},
			statement{fmt.Sprintf("1 MiB of values, %v", d), d, []string{longStatement}, 4, 0, 150})
	}
	for _, s := range statements {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		took := classifyTimes(s.dialect, s.texts, s.calls, e.classifyRounds)
		speed := meanLength(s.texts) / took.Median * 1000 // bytes in ns to MB in s
		row := []string{s.name, fmt.Sprintf("%.0f (%.0f-%.0f) ns", took.Median, took.Low, took.High)}
		if s.time > 0 {
			row = append(row, fmt.Sprintf("%.0f ns", s.time), verdict(took.Median, s.time), fmt.Sprintf("%.0f MB/s", speed))
		} else {
			row = append(row, "", "", fmt.Sprintf("%.0f MB/s", speed), fmt.Sprintf("%.0f MB/s", s.speed), verdict(s.speed, speed))
		}
		t.add(row...)
	}
	return t, nil
}

func meanLength(texts []string) float64 {
	return float64(len(strings.Join(texts, ""))) / float64(len(texts))
}

func classifyTimes(d multidb.Dialect, texts []string, calls, rounds int) turns.Spread {
	var times []time.Duration
	for range rounds {
		i := 0
		took, _ := turns.Time(calls, 1, func() error {
			multidb.Classify(d, texts[i%len(texts)])
			i++
			return nil
		})
		times = append(times, took/time.Duration(calls))
	}
	return turns.Nanoseconds(times)
}
