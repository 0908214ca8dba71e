package testdb

import (
	"context"
	"database/sql/driver"
	"reflect"
)

// Shape says which optional interfaces of database/sql/driver the connector,
// connections, statements and rows of a Fake have.
type Shape struct {
	Name string

	connector func(*fakeConnector) driver.Connector
	conn      func(*fakeConn) driver.Conn
	stmt      func(*fakeStmt) driver.Stmt
	rows      func(*fakeRows) driver.Rows
}

// Full has all optional interfaces, Bare none. The others are Full but for what
// their names say.
var (
	Full = Shape{Name: "Full", connector: closing, conn: fullConn, stmt: fullStmt, rows: fullRows}
	Bare = Shape{Name: "Bare", connector: notClosing, conn: bareConn, stmt: bareStmt, rows: bareRows}

	OnlyExecer = Full.with("OnlyExecer", func(c *fakeConn) driver.Conn {
		return struct {
			base
			execer
			preparer
			beginner
			sessionResetter
			validator
		}{base{c}, execer{c}, preparer{c}, beginner{c}, sessionResetter{c}, validator{c}}
	})
	OnlyQueryer = Full.with("OnlyQueryer", func(c *fakeConn) driver.Conn {
		return struct {
			base
			queryer
			preparer
			beginner
			sessionResetter
			validator
		}{base{c}, queryer{c}, preparer{c}, beginner{c}, sessionResetter{c}, validator{c}}
	})
	// WithoutContexts has Execer and Queryer in the forms from before contexts,
	// and nothing else of the connection's interfaces.
	WithoutContexts = Full.with("WithoutContexts", func(c *fakeConn) driver.Conn {
		return struct {
			base
			oldExecer
			oldQueryer
		}{base{c}, oldExecer{c}, oldQueryer{c}}
	}).withStmt(bareStmt)
	NoValidator = Full.with("NoValidator", func(c *fakeConn) driver.Conn {
		return struct {
			base
			execer
			queryer
			preparer
			beginner
			pinger
			sessionResetter
			checker
		}{base{c}, execer{c}, queryer{c}, preparer{c}, beginner{c}, pinger{c}, sessionResetter{c}, checker{c}}
	})
	NoResetter = Full.with("NoResetter", func(c *fakeConn) driver.Conn {
		return struct {
			base
			execer
			queryer
			preparer
			beginner
			pinger
			notReset
			checker
		}{base{c}, execer{c}, queryer{c}, preparer{c}, beginner{c}, pinger{c}, notReset{c}, checker{c}}
	})
	// NoStmtChecker leaves the arguments of statements to the connection.
	NoStmtChecker = Full.with("NoStmtChecker", fullConn).withStmt(func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			stmtContexts
		}{s, stmtContexts{s}}
	})
	// OnlyStmtChecker has neither checker nor fast path on the connection.
	OnlyStmtChecker = Full.with("OnlyStmtChecker", func(c *fakeConn) driver.Conn {
		return struct {
			base
			preparer
			sessionResetter
			validator
		}{base{c}, preparer{c}, sessionResetter{c}, validator{c}}
	})
	// OnlyColumnConverter has no checkers.
	OnlyColumnConverter = Full.with("OnlyColumnConverter", func(c *fakeConn) driver.Conn {
		return struct {
			base
			preparer
			sessionResetter
			validator
		}{base{c}, preparer{c}, sessionResetter{c}, validator{c}}
	}).withStmt(func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			columnConverter
		}{s, columnConverter{s}}
	})

	// Shapes are all of them.
	Shapes = []Shape{Full, Bare, OnlyExecer, OnlyQueryer, WithoutContexts, NoValidator, NoResetter,
		NoStmtChecker, OnlyStmtChecker, OnlyColumnConverter}
)

func (s Shape) with(name string, conn func(*fakeConn) driver.Conn) Shape {
	s.Name, s.conn = name, conn
	return s
}

func (s Shape) withStmt(stmt func(*fakeStmt) driver.Stmt) Shape {
	s.stmt = stmt
	return s
}

// giveRows keeps a nil *fakeRows out of a driver.Rows.
func (s Shape) giveRows(rows *fakeRows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	return s.rows(rows), nil
}

// Connectors.

func closing(k *fakeConnector) driver.Connector    { return closingConnector{k} }
func notClosing(k *fakeConnector) driver.Connector { return k }

// Connections: one type for what every connection has, and one for each
// optional interface.

type base struct{ conn *fakeConn }

func (b base) Prepare(query string) (driver.Stmt, error) { return b.conn.prepare(noContext, query) }
func (b base) Begin() (driver.Tx, error)                 { return b.conn.begin(noContext, driver.TxOptions{}) }
func (b base) Close() error                              { return b.conn.close() }

type execer struct{ conn *fakeConn }

func (x execer) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return x.conn.exec(ctx, query, args)
}

type oldExecer struct{ conn *fakeConn }

func (x oldExecer) Exec(query string, args []driver.Value) (driver.Result, error) {
	return x.conn.exec(noContext, query, named(args))
}

type queryer struct{ conn *fakeConn }

func (x queryer) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := x.conn.query(ctx, query, args)
	return x.conn.server.shape.giveRows(rows, err)
}

type oldQueryer struct{ conn *fakeConn }

func (x oldQueryer) Query(query string, args []driver.Value) (driver.Rows, error) {
	rows, err := x.conn.query(noContext, query, named(args))
	return x.conn.server.shape.giveRows(rows, err)
}

type preparer struct{ conn *fakeConn }

func (x preparer) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return x.conn.prepare(ctx, query)
}

type beginner struct{ conn *fakeConn }

func (x beginner) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return x.conn.begin(ctx, opts)
}

type pinger struct{ conn *fakeConn }

func (x pinger) Ping(ctx context.Context) error { return x.conn.ping(ctx) }

type sessionResetter struct{ conn *fakeConn }

func (x sessionResetter) ResetSession(ctx context.Context) error { return x.conn.reset(ctx) }

type validator struct{ conn *fakeConn }

func (x validator) IsValid() bool { return x.conn.isValid() }

// notReset is the validator of a connection that cannot be reset.
type notReset struct{ conn *fakeConn }

func (x notReset) IsValid() bool {
	valid := x.conn.isValid()
	x.conn.returned = false
	return valid
}

type checker struct{ conn *fakeConn }

func (x checker) CheckNamedValue(nv *driver.NamedValue) error { return x.conn.check(nv) }

func bareConn(c *fakeConn) driver.Conn { return base{c} }

func fullConn(c *fakeConn) driver.Conn {
	return struct {
		base
		execer
		queryer
		preparer
		beginner
		pinger
		sessionResetter
		validator
		checker
	}{base{c}, execer{c}, queryer{c}, preparer{c}, beginner{c}, pinger{c}, sessionResetter{c}, validator{c}, checker{c}}
}

// Statements.

type stmtContexts struct{ stmt *fakeStmt }

func (x stmtContexts) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return x.stmt.exec(ctx, args)
}

func (x stmtContexts) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := x.stmt.query(ctx, args)
	return x.stmt.conn.server.shape.giveRows(rows, err)
}

type stmtChecker struct{ stmt *fakeStmt }

func (x stmtChecker) CheckNamedValue(nv *driver.NamedValue) error { return x.stmt.check(nv) }

type columnConverter struct{ stmt *fakeStmt }

func (x columnConverter) ColumnConverter(index int) driver.ValueConverter {
	return x.stmt.column(index)
}

func bareStmt(s *fakeStmt) driver.Stmt { return s }

func fullStmt(s *fakeStmt) driver.Stmt {
	return struct {
		*fakeStmt
		stmtContexts
		stmtChecker
		columnConverter
	}{s, stmtContexts{s}, stmtChecker{s}, columnConverter{s}}
}

// Rows.

type rowsExtras struct{ rows *fakeRows }

func (x rowsExtras) HasNextResultSet() bool                  { return x.rows.hasNextSet() }
func (x rowsExtras) NextResultSet() error                    { return x.rows.nextSet() }
func (x rowsExtras) ColumnTypeScanType(i int) reflect.Type   { return x.rows.scanType(i) }
func (x rowsExtras) ColumnTypeDatabaseTypeName(i int) string { return x.rows.typeName(i) }
func (x rowsExtras) ColumnTypeLength(i int) (int64, bool)    { return x.rows.typeLength(i) }
func (x rowsExtras) ColumnTypeNullable(i int) (bool, bool)   { return x.rows.nullable(i) }
func (x rowsExtras) ColumnTypePrecisionScale(i int) (int64, int64, bool) {
	return x.rows.precisionScale(i)
}

func bareRows(r *fakeRows) driver.Rows { return r }

func fullRows(r *fakeRows) driver.Rows {
	return struct {
		*fakeRows
		rowsExtras
	}{r, rowsExtras{r}}
}
