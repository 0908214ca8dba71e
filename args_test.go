package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// valuer is a Valuer by value, pointerValuer one by pointer.
type valuer struct{ text string }

func (v valuer) Value() (driver.Value, error) { return "valuer " + v.text, nil }

type pointerValuer struct{ text string }

func (v *pointerValuer) Value() (driver.Value, error) {
	if v == nil {
		return "nil pointer", nil
	}
	return "pointer " + v.text, nil
}

// wrongValuer returns what no driver takes.
type wrongValuer struct{}

func (wrongValuer) Value() (driver.Value, error) { return struct{}{}, nil }

var errValuer = errors.New("no value today")

type failingValuer struct{}

func (failingValuer) Value() (driver.Value, error) { return nil, errValuer }

type named string

// argument lists are given to Exec, Query and a prepared statement, on children of
// every shape.
var argumentLists = map[string][]any{
	"plain":                {1, "a"},
	"nil":                  {nil, 1},
	"kinds":                {named("a"), int8(3)},
	"large uint64":         {uint64(math.MaxUint64), 1},
	"small uint64":         {uint64(5), 1},
	"large uint64 second":  {1, uint64(math.MaxUint64)},
	"valuers":              {valuer{"a"}, &pointerValuer{"b"}},
	"nil valuers":          {(*valuer)(nil), (*pointerValuer)(nil)},
	"nil valuers second":   {1, (*valuer)(nil)},
	"wrong valuer":         {wrongValuer{}, 1},
	"wrong valuer second":  {1, wrongValuer{}},
	"failing valuer":       {1, failingValuer{}},
	"failing valuer first": {failingValuer{}, 1},
	"unsupported":          {1, struct{}{}},
	"unsupported first":    {make(chan int), 1},
	"null types":           {sql.NullString{}, sql.Null[int64]{V: 1, Valid: true}},
	"named":                {sql.Named("x", 1), sql.Named("y", "b")},
	"named unsupported":    {1, sql.Named("y", struct{}{})},
	"option":               {testdb.Option("o"), 1, "a"},
	"options":              {testdb.Option("o"), 1, testdb.Option("p"), "a", testdb.Option("q")},
	"only options":         {testdb.Option("o")},
	"array":                {testdb.Array{"a", "b"}, 1},
	"only the statement's": {testdb.StmtOnly{Text: "a"}, testdb.StmtOnly{Text: "b"}},
	"refused":              {1, testdb.Refused{Err: errValuer}},
	"refused second":       {testdb.Option("o"), 1, testdb.Refused{Err: errValuer}},
	"too few":              {1},
	"too many":             {1, 2, 3},
	"none":                 nil,
}

func TestArguments(t *testing.T) {
	for name, args := range argumentLists {
		t.Run(name, func(t *testing.T) {
			for _, shape := range testdb.Shapes {
				t.Run(shape.Name, func(t *testing.T) {
					compareCalls(t, shape, func(p *probe) {
						p.exec(p.db, "INSERT INTO t VALUES (?, ?)", args...)
						p.rows(p.db.QueryContext(p.Context(), "SELECT 1 FROM t WHERE a = ? AND b = ?", args...))
						p.exec(p.db, "CALL p(?, ?)", args...)
						stmt := p.prepared("UPDATE t SET a = ?, b = ?")
						_, err := stmt.Exec(args...)
						p.err("exec", err)
						p.note("identical %t", errors.Is(err, errValuer))
						rows, err := stmt.Query(args...)
						p.rows(rows, err)
						p.err("close", stmt.Close())
						p.exec(p.db, "DELETE FROM t")
					})
				})
			}
		})
	}
}

// An output argument is filled in, however the statement is run, on a child that
// takes it. No driver of the integration tests has them.
func TestOutputArgument(t *testing.T) {
	for _, shape := range testdb.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			compareCalls(t, shape, func(p *probe) {
				outputs(p, shape, p.db)
				tx := must(p.db.Begin())
				outputs(p, shape, tx)
				p.err("rollback", tx.Rollback())
				conn := must(p.db.Conn(p.Context()))
				outputs(p, shape, conn)
				p.err("close", conn.Close())
			})
		})
	}
}

// executor is a *sql.DB, *sql.Tx or *sql.Conn.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// outputs gives output arguments to Exec and Query, to a text and to a prepared
// statement.
func outputs(p *probe, shape testdb.Shape, by executor) {
	stmt, err := by.PrepareContext(p.Context(), "CALL prepared(?)")
	p.err("prepare", err)
	defer stmt.Close()
	for _, call := range []func(out sql.Out){
		func(out sql.Out) { p.exec(by, "CALL p(?)", out) },
		func(out sql.Out) { p.rows(by.QueryContext(p.Context(), "CALL p(?)", out)) },
		func(out sql.Out) {
			_, err := stmt.ExecContext(p.Context(), out)
			p.err("prepared exec", err)
		},
		func(out sql.Out) { p.rows(stmt.QueryContext(p.Context(), out)) },
	} {
		for _, in := range []bool{false, true} {
			text, want := "in", "out"
			if in {
				want = "out for in"
			}
			call(sql.Out{Dest: &text, In: in})
			p.note("%s", text)
			if shape.Name == testdb.Full.Name && text != want {
				p.Errorf("%s, %T: the output argument is %q, not %q", p.mode, by, text, want)
			}
		}
	}
}

// A driver.Value given as it is arrives as it is, and a program's own bytes are
// not changed.
func TestArgumentsAreNotChanged(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		bytes := []byte("mine")
		args := []any{bytes, 1}
		p.exec(p.db, "INSERT INTO t VALUES (?, ?)", args...)
		p.note("%q %v", bytes, args)
	})
}

// What one child made of the arguments is not what the next one gets.
func TestArgumentsOfAStatementThatMoves(t *testing.T) {
	ways := map[string]func(db *sql.DB, args []any) error{
		"query": func(db *sql.DB, args []any) error {
			return use(db.Query("SELECT 1 FROM t WHERE a = ? AND b = ?", args...))
		},
		"statement": func(db *sql.DB, args []any) error {
			stmt := must(db.Prepare("SELECT 1 FROM t WHERE a = ? AND b = ?"))
			defer stmt.Close()
			return use(stmt.Query(args...))
		},
	}
	run := func(t *testing.T, shape testdb.Shape, args []any, way func(*sql.DB, []any) error, change func(*split), option func(*multidb.Config)) (texts []string, err error) {
		bubble(t, func(t *testing.T) {
			s := newSplit(t, shape, option)
			change(s)
			err = way(s.db, args)
			texts = statements(s.primary)
		})
		return texts, err
	}
	for name, args := range argumentLists {
		for wayName, way := range ways {
			for _, shape := range []testdb.Shape{testdb.Full, testdb.NoStmtChecker} {
				t.Run(name+"/"+wayName+"/"+shape.Name, func(t *testing.T) {
					want, wantErr := run(t, shape, args, way, func(*split) {}, func(c *multidb.Config) { c.Reads = "primary" })
					got, err := run(t, shape, args, way, func(s *split) {
						s.replica.LoseOnce(testdb.OpQuery, io.EOF)
						s.replica.LoseOnce(testdb.OpStmtQuery, io.EOF)
					}, func(*multidb.Config) {})
					if fmt.Sprint(err) != fmt.Sprint(wantErr) {
						t.Errorf("got %v, want %v", err, wantErr)
					}
					diff(t, "the primary ran", got, want)
				})
			}
		}
	}
}
