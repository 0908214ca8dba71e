package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/turns"
)

// ormStatements are of the length and the kind that ORMs write.
var ormStatements = map[multidb.Dialect]string{
	multidb.Postgres: ormStatement,
	multidb.MySQL:    strings.NewReplacer(`"`, "`", "$1", "?", "$2", "?").Replace(ormStatement),
	multidb.SQLite:   strings.NewReplacer("$1", "?", "$2", "?").Replace(ormStatement),
}

const ormStatement = `SELECT "users"."id", "users"."name", "users"."email", "users"."created_at" FROM "users" ` +
	`WHERE "users"."deleted_at" IS NULL AND "users"."account_id" = $1 ORDER BY "users"."id" DESC LIMIT 20 OFFSET $2`

// longStatement is 1 MiB of values.
var longStatement = "INSERT INTO t (a, b) VALUES (1, 'it''s')" + strings.Repeat(", (12345, 'some text')", 1<<20/22)

// classification times Classify itself. What a statement costs whose text was
// seen before is in BenchmarkFactsRepeated of the root package, where the cache is.
func classification(ctx context.Context, e effort) (table, error) {
	t := table{
		title:  fmt.Sprintf("Classification: median of %d rounds (and the quartiles)", e.classifyRounds),
		header: []string{"statement", "time", "budget", "", "speed", "budget", ""},
	}
	type statement struct {
		name    string
		dialect multidb.Dialect
		text    string
		calls   int
		time    float64 // budget in ns; 0: none
		speed   float64 // budget in MB/s; 0: none
	}
	var statements []statement
	for _, d := range []multidb.Dialect{multidb.Postgres, multidb.MySQL, multidb.SQLite} {
		orm := ormStatements[d]
		statements = append(statements,
			statement{fmt.Sprintf("of an ORM, %d bytes, %v", len(orm), d), d, orm, 2000, 1000, 0},
			statement{fmt.Sprintf("1 MiB of values, %v", d), d, longStatement, 4, 0, 150})
	}
	for _, s := range statements {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		took := classifyTimes(s.dialect, s.text, s.calls, e.classifyRounds)
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

func classifyTimes(d multidb.Dialect, text string, calls, rounds int) turns.Spread {
	var times []time.Duration
	for range rounds {
		took, _ := turns.Time(calls, 1, func() error {
			multidb.Classify(d, text)
			return nil
		})
		times = append(times, took/time.Duration(calls))
	}
	return turns.Nanoseconds(times)
}
