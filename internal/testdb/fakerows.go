package testdb

import (
	"database/sql/driver"
	"io"
	"math"
	"reflect"
)

// fakeRows are the answer to a query: one result set or more. The values of type
// []byte of a row lie in a buffer that is overwritten when the row is over, so
// that whoever keeps one finds it out.
type fakeRows struct {
	conn   *fakeConn
	stmt   *fakeStmt // nil if none was prepared
	sets   []resultSet
	next   int // row of the first set
	buffer []byte
	closed bool
}

type resultSet struct {
	columns []string
	rows    [][]driver.Value
}

func (c *fakeConn) newRows(sets []resultSet, stmt *fakeStmt) *fakeRows {
	c.rows++
	if stmt != nil {
		stmt.rows++
	}
	return &fakeRows{conn: c, stmt: stmt, sets: sets}
}

func (r *fakeRows) Columns() []string { return r.sets[0].columns }

func (r *fakeRows) Next(dest []driver.Value) error {
	leave, err := r.enter(OpNext)
	defer leave()
	r.scribble()
	switch {
	case err != nil:
		return err
	case r.conn.dead.Load():
		return io.ErrUnexpectedEOF
	case r.next >= len(r.sets[0].rows):
		return io.EOF
	}
	for i, v := range r.sets[0].rows[r.next] {
		dest[i] = r.buffered(v)
	}
	r.next++
	return nil
}

func (r *fakeRows) Close() error {
	leave, err := r.enter(OpRowsClose)
	defer leave()
	r.scribble()
	if r.closed {
		return err // enter has seen it
	}
	r.closed = true
	r.conn.rows--
	if r.stmt != nil {
		r.stmt.rows--
	}
	return err
}

func (r *fakeRows) enter(op Op) (leave func(), err error) {
	leave, err = r.conn.enter(noContext, op, "", "")
	if r.closed {
		r.conn.server.violate(r.conn, "%s after the rows' Close", op)
	}
	return leave, err
}

func (r *fakeRows) buffered(v driver.Value) driver.Value {
	text, ok := v.([]byte)
	if !ok {
		return v
	}
	start := len(r.buffer)
	r.buffer = append(r.buffer, text...)
	return r.buffer[start:len(r.buffer):len(r.buffer)]
}

func (r *fakeRows) scribble() {
	for i := range r.buffer {
		r.buffer[i] = '#'
	}
	r.buffer = r.buffer[:0]
}

// The optional methods, under names of their own.

func (r *fakeRows) hasNextSet() bool {
	leave, _ := r.enter(OpHasNextSet)
	defer leave()
	return len(r.sets) > 1
}

func (r *fakeRows) nextSet() error {
	leave, err := r.enter(OpNextSet)
	defer leave()
	if err != nil {
		return err
	}
	if len(r.sets) < 2 {
		return io.EOF
	}
	r.sets, r.next = r.sets[1:], 0
	return nil
}

// first is the first value of a column, which says what type the column has.
func (r *fakeRows) first(column int) driver.Value {
	if len(r.sets[0].rows) == 0 {
		return nil
	}
	return r.sets[0].rows[0][column]
}

func (r *fakeRows) scanType(column int) reflect.Type {
	if v := r.first(column); v != nil {
		return reflect.TypeOf(v)
	}
	return reflect.TypeFor[any]()
}

func (r *fakeRows) typeName(column int) string {
	switch r.first(column).(type) {
	case int64:
		return "INT8"
	case float64:
		return "NUMERIC"
	case []byte:
		return "TEXT"
	}
	return "UNKNOWN"
}

func (r *fakeRows) typeLength(column int) (int64, bool) {
	_, text := r.first(column).([]byte)
	return math.MaxInt64, text
}

func (r *fakeRows) nullable(column int) (nullable, ok bool) { return r.first(column) == nil, true }

func (r *fakeRows) precisionScale(column int) (precision, scale int64, ok bool) {
	_, number := r.first(column).(float64)
	return 10, 2, number
}
