package integration

import (
	"database/sql"
	"fmt"
	"reflect"
	"testing"
)

// What a program can learn of a statement is taken down here, so that multidb
// and the child driver alone can be compared by value.

type answer struct {
	Sets []resultSet
	Err  failure
}

type resultSet struct {
	Columns []column
	Rows    [][]any
}

type column struct {
	Name, Type       string
	ScanType         reflect.Type
	Length           int64
	HasLength        bool
	Precision, Scale int64
	HasScale         bool
	Nullable         bool
	HasNullable      bool
}

// failure is an error's type and text.
type failure struct{ Type, Text string }

func failureOf(err error) failure {
	if err == nil {
		return failure{}
	}
	return failure{fmt.Sprintf("%T", err), err.Error()}
}

// answerOf reads all result sets.
func answerOf(rows *sql.Rows, err error) answer {
	if err != nil {
		return answer{Err: failureOf(err)}
	}
	defer rows.Close()
	var a answer
	for {
		set, err := readSet(rows)
		if err != nil {
			a.Err = failureOf(err)
			return a
		}
		a.Sets = append(a.Sets, set)
		if !rows.NextResultSet() {
			break
		}
	}
	if err := rows.Err(); err != nil {
		a.Err = failureOf(err)
	} else {
		a.Err = failureOf(rows.Close())
	}
	return a
}

func readSet(rows *sql.Rows) (resultSet, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return resultSet{}, err
	}
	var set resultSet
	for _, t := range types {
		c := column{Name: t.Name(), Type: t.DatabaseTypeName(), ScanType: t.ScanType()}
		c.Length, c.HasLength = t.Length()
		c.Precision, c.Scale, c.HasScale = t.DecimalSize()
		c.Nullable, c.HasNullable = t.Nullable()
		set.Columns = append(set.Columns, c)
	}
	for rows.Next() {
		row := make([]any, len(types))
		targets := make([]any, len(types))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return set, err
		}
		set.Rows = append(set.Rows, row)
	}
	return set, rows.Err()
}

// effect is what a program learns of an Exec.
type effect struct {
	LastInsertID, RowsAffected int64
	IDErr, RowsErr, Err        failure
}

func effectOf(result sql.Result, err error) effect {
	if err != nil {
		return effect{Err: failureOf(err)}
	}
	var e effect
	e.LastInsertID, err = result.LastInsertId()
	e.IDErr = failureOf(err)
	e.RowsAffected, err = result.RowsAffected()
	e.RowsErr = failureOf(err)
	return e
}

// same runs do directly and through multidb and compares what it gives. It
// returns what multidb gave.
func same[T any](f *fleet, what string, do func(db *sql.DB) T) T {
	f.t.Helper()
	directly, through := do(f.direct), do(f.DB)
	if !reflect.DeepEqual(directly, through) {
		f.t.Errorf("%s:\nthrough multidb %+v\ndirectly        %+v", what, through, directly)
	}
	return through
}

// sameQuery compares a query in each way that a program may run it.
func (f *fleet) sameQuery(query string, args ...any) {
	f.t.Helper()
	ctx := f.t.Context()
	ways := map[string]func(db *sql.DB) answer{
		"DB": func(db *sql.DB) answer { return answerOf(db.QueryContext(ctx, query, args...)) },
		"Conn": func(db *sql.DB) answer {
			conn := mustConn(f.t, db)
			defer conn.Close()
			return answerOf(conn.QueryContext(ctx, query, args...))
		},
		"Stmt": func(db *sql.DB) answer { return f.prepared(db, query, args) },
		"Tx": func(db *sql.DB) answer {
			tx := mustBegin(f.t, db, nil)
			defer tx.Rollback()
			return answerOf(tx.QueryContext(ctx, query, args...))
		},
	}
	for name, way := range ways {
		same(f, fmt.Sprintf("%s with %v on a %s", query, args, name), way)
	}
}

func (f *fleet) prepared(db *sql.DB, query string, args []any) answer {
	stmt, err := db.PrepareContext(f.t.Context(), query)
	if err != nil {
		return answer{Err: failureOf(err)}
	}
	defer stmt.Close()
	first := answerOf(stmt.QueryContext(f.t.Context(), args...))
	second := answerOf(stmt.QueryContext(f.t.Context(), args...))
	if !reflect.DeepEqual(first, second) {
		f.t.Errorf("%s with %v: the second execution gives %+v, the first gave %+v", query, args, second, first)
	}
	return first
}

// each runs a test for every driver, and for further ones.
func each(t *testing.T, test func(t *testing.T, d childDriver), more ...childDriver) {
	for _, d := range append(drivers, more...) {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}
