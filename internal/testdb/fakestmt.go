package testdb

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// fakeStmt is a prepared statement. As for fakeConn, a Shape gives it the optional
// interfaces.
type fakeStmt struct {
	conn   *fakeConn
	text   string
	closed bool
	rows   int // open rows of this statement
}

func (s *fakeStmt) Close() error {
	leave, err := s.conn.enter(noContext, OpStmtClose, s.text, s.text)
	defer leave()
	if s.closed {
		s.conn.server.violate(s.conn, "statement closed twice: %s", s.text)
		return err
	}
	s.closed = true
	if s.rows > 0 {
		s.conn.server.violate(s.conn, "statement closed with rows open: %s", s.text)
	}
	s.conn.stmts.Add(-1)
	return err
}

func (s *fakeStmt) NumInput() int {
	s.use(OpNumInput)
	leave, _ := s.conn.enter(noContext, OpNumInput, s.text, "")
	defer leave()
	return numInput(s.text)
}

func (s *fakeStmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	leave, err := s.conn.enter(ctx, OpStmtExec, s.text, s.text+describeArgs(args))
	defer leave()
	s.use(OpStmtExec)
	if err != nil {
		return nil, err
	}
	return s.conn.effect(s.text, args)
}

func (s *fakeStmt) query(ctx context.Context, args []driver.NamedValue) (*fakeRows, error) {
	leave, err := s.conn.enter(ctx, OpStmtQuery, s.text, s.text+describeArgs(args))
	defer leave()
	s.use(OpStmtQuery)
	if err != nil {
		return nil, err
	}
	return s.conn.answer(s.text, args, s)
}

// use is where a statement differs from a connection: to run it again ends the
// rows of its last run in some databases.
func (s *fakeStmt) use(op Op) {
	if s.closed {
		s.conn.server.violate(s.conn, "%s after the statement's Close: %s", op, s.text)
	}
	if s.rows > 0 && op != OpNumInput {
		s.conn.server.violate(s.conn, "%s while rows of the same statement are open: %s", op, s.text)
	}
}

// Exec and Query are the methods of driver.Stmt without a context.

func (s *fakeStmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.exec(noContext, named(args))
}

func (s *fakeStmt) Query(args []driver.Value) (driver.Rows, error) {
	rows, err := s.query(noContext, named(args))
	return s.conn.server.shape.giveRows(rows, err)
}

func named(values []driver.Value) []driver.NamedValue {
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}

// Option is an argument that a Fake's checkers take away, as drivers do with
// options to themselves.
type Option string

// Array is an argument that only a Fake's checkers understand.
type Array []string

// StmtOnly is an argument that only the checker of a Fake's statements understands.
type StmtOnly struct{ Text string }

// Refused is an argument that a Fake's checkers refuse with this error.
type Refused struct{ Err error }

// check is the connection's NamedValueChecker.
func (c *fakeConn) check(nv *driver.NamedValue) error {
	leave, err := c.enter(noContext, OpCheck, "", fmt.Sprintf("%T", nv.Value))
	defer leave()
	if err != nil {
		return err
	}
	return checkValue(nv)
}

// check is the statement's NamedValueChecker.
func (s *fakeStmt) check(nv *driver.NamedValue) error {
	leave, err := s.conn.enter(noContext, OpStmtCheck, s.text, fmt.Sprintf("%T", nv.Value))
	defer leave()
	if err != nil {
		return err
	}
	if v, ok := nv.Value.(StmtOnly); ok {
		nv.Value = "only " + v.Text
		return nil
	}
	return checkValue(nv)
}

func checkValue(nv *driver.NamedValue) error {
	switch v := nv.Value.(type) {
	case Option:
		return driver.ErrRemoveArgument
	case Refused:
		return v.Err
	case Array, uint64, outArgument:
		return nil
	}
	return driver.ErrSkip
}

// column is the statement's ColumnConverter: the first column takes every
// value as text.
func (s *fakeStmt) column(index int) driver.ValueConverter {
	leave, _ := s.conn.enter(noContext, OpConvert, s.text, fmt.Sprint(index))
	defer leave()
	if index == 0 {
		return textConverter{}
	}
	return driver.DefaultParameterConverter
}

type textConverter struct{}

func (textConverter) ConvertValue(v any) (driver.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case outArgument:
		return nil, fmt.Errorf("fake: %T is not text", v)
	}
	return fmt.Sprintf("text %v", v), nil
}
