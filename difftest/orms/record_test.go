package orms

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"sync"
)

// statement is a text as a tool sent it.
type statement struct {
	From string // the tool
	Text string
}

// recorder is a connector that notes the texts that pass through it. Before a
// query runs, tried is told about it.
type recorder struct {
	driver.Connector
	tried func(query string, args []driver.NamedValue)

	mu    sync.Mutex // guards what follows
	tool  string
	texts []statement
}

func (r *recorder) use(tool string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tool = tool
}

// note returns whether the text is new.
func (r *recorder) note(query string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := statement{r.tool, query}
	if slices.Contains(r.texts, s) {
		return false
	}
	r.texts = append(r.texts, s)
	return true
}

func (r *recorder) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c.(child), r}, nil
}

// dsn makes a connector of a driver that has none.
type dsn struct {
	driver driver.Driver
	name   string
}

func (d dsn) Connect(context.Context) (driver.Conn, error) { return d.driver.Open(d.name) }
func (d dsn) Driver() driver.Driver                        { return d.driver }

func connector(d driver.Driver, name string) (driver.Connector, error) {
	if d, ok := d.(driver.DriverContext); ok {
		return d.OpenConnector(name)
	}
	return dsn{d, name}, nil
}

// child is what the connections of the three drivers have.
type child interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.QueryerContext
	driver.ExecerContext
}

type conn struct {
	child
	*recorder
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.child.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	value, err := driver.DefaultParameterConverter.ConvertValue(v.Value)
	v.Value = value
	return err
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.try(query, args)
	return c.child.QueryContext(ctx, query, args)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.note(query)
	return c.child.ExecContext(ctx, query, args)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.child.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{s, c, query}, nil
}

func (c *conn) try(query string, args []driver.NamedValue) {
	if c.note(query) {
		c.tried(query, args)
	}
}

type stmt struct {
	driver.Stmt
	conn  *conn
	query string
}

func (s *stmt) CheckNamedValue(v *driver.NamedValue) error { return s.conn.CheckNamedValue(v) }

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.try(s.query, args)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.conn.note(s.query)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// values are the arguments as database/sql takes them.
func values(args []driver.NamedValue) (list []any) {
	for _, a := range args {
		if a.Name != "" {
			list = append(list, sql.Named(a.Name, a.Value))
			continue
		}
		list = append(list, a.Value)
	}
	return list
}
