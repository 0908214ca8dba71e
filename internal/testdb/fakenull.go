package testdb

import (
	"context"
	"database/sql/driver"
	"io"
)

// NullConnector leads to the fastest child driver there can be, for measuring what
// is above it: nothing is sent anywhere, and every query answers with one row of
// one number.
type NullConnector struct{}

func (NullConnector) Connect(context.Context) (driver.Conn, error) { return new(nullConn), nil }
func (NullConnector) Driver() driver.Driver                        { return NullDriver{} }

// NullDriver is the driver of NullConnector.
type NullDriver struct{}

func (NullDriver) Open(string) (driver.Conn, error) { return new(nullConn), nil }

// nullConn is its own statement, transaction and rows, so that nothing is
// allocated. It serves one query at a time.
type nullConn struct{ done bool }

var (
	_ driver.ExecerContext      = (*nullConn)(nil)
	_ driver.QueryerContext     = (*nullConn)(nil)
	_ driver.ConnBeginTx        = (*nullConn)(nil)
	_ driver.ConnPrepareContext = (*nullConn)(nil)
	_ driver.SessionResetter    = (*nullConn)(nil)
	_ driver.Validator          = (*nullConn)(nil)
	_ driver.Pinger             = (*nullConn)(nil)
)

func (c *nullConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func (c *nullConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return c.rows(), nil
}

func (c *nullConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return &nullStmt{c}, nil
}

func (c *nullConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return nullTx{}, nil
}

func (c *nullConn) Prepare(string) (driver.Stmt, error) { return &nullStmt{c}, nil }
func (c *nullConn) Begin() (driver.Tx, error)           { return nullTx{}, nil }
func (c *nullConn) ResetSession(context.Context) error  { return nil }
func (c *nullConn) IsValid() bool                       { return true }
func (c *nullConn) Ping(context.Context) error          { return nil }
func (c *nullConn) Close() error                        { return nil }

func (c *nullConn) rows() driver.Rows {
	c.done = false
	return (*nullRows)(c)
}

type nullTx struct{}

func (nullTx) Commit() error   { return nil }
func (nullTx) Rollback() error { return nil }

type nullStmt struct{ conn *nullConn }

func (s *nullStmt) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func (s *nullStmt) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	return s.conn.rows(), nil
}

func (s *nullStmt) Exec([]driver.Value) (driver.Result, error) { return driver.RowsAffected(1), nil }
func (s *nullStmt) Query([]driver.Value) (driver.Rows, error)  { return s.conn.rows(), nil }
func (s *nullStmt) NumInput() int                              { return -1 }
func (s *nullStmt) Close() error                               { return nil }

type nullRows nullConn

var (
	nullColumns              = []string{"n"}
	nullValue   driver.Value = int64(1)
)

func (r *nullRows) Columns() []string { return nullColumns }
func (r *nullRows) Close() error      { return nil }

func (r *nullRows) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	dest[0] = nullValue
	return nil
}
