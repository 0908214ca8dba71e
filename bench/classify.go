package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/turns"
)

// ormStatement is of the length and the kind that ORMs write.
const ormStatement = `SELECT "users"."id", "users"."name", "users"."email", "users"."created_at" FROM "users" ` +
	`WHERE "users"."deleted_at" IS NULL AND "users"."account_id" = $1 ORDER BY "users"."id" DESC LIMIT 20 OFFSET $2`

// longStatement is 1 MiB of values.
var longStatement = "INSERT INTO t (a, b) VALUES (1, 'it''s')" + strings.Repeat(", (12345, 'some text')", 1<<20/22)

// classification times Classify itself. What a statement costs whose text was
// seen before is in BenchmarkClassified of the root package, where the cache is.
func classification(ctx context.Context, e effort) (table, error) {
	t := table{
		title:  fmt.Sprintf("Classification, PostgreSQL's dialect: median of %d rounds (and the quartiles)", e.classifyRounds),
		header: []string{"statement", "time", "budget", "", "speed", "budget", ""},
	}
	for _, s := range []struct {
		name, text string
		calls      int
		time       float64 // budget in ns; 0: none
		speed      float64 // budget in MB/s; 0: none
	}{
		{fmt.Sprintf("of an ORM, %d bytes", len(ormStatement)), ormStatement, 2000, 1000, 0},
		{"1 MiB of values", longStatement, 4, 0, 150},
	} {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		took := classifyTimes(s.text, s.calls, e.classifyRounds)
		speed := float64(len(s.text)) / took.Median * 1000 // bytes in ns to MB in s
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

func classifyTimes(text string, calls, rounds int) turns.Spread {
	var times []time.Duration
	for range rounds {
		took, _ := turns.Time(calls, 1, func() error {
			multidb.Classify(multidb.Postgres, text)
			return nil
		})
		times = append(times, took/time.Duration(calls))
	}
	return turns.Nanoseconds(times)
}
