package testdb_test

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

// fullConn is what a connection of shape Full can do.
type fullConn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// quiet is a test whose failures are looked at and not reported.
type quiet struct{ testing.TB }

func (quiet) Cleanup(func()) {}

// The fake must bite: each misuse leaves its violation, and right use leaves none.
func TestFakeNoticesMisuse(t *testing.T) {
	ctx := context.Background()
	query := func(c fullConn, text string) driver.Rows {
		rows, err := c.QueryContext(ctx, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	exec := func(c fullConn, text string) { c.ExecContext(ctx, text, nil) }
	for _, test := range []struct {
		name string
		use  func(f *testdb.Fake, c fullConn)
		want string // "" for right use
	}{
		{"right use", func(f *testdb.Fake, c fullConn) {
			exec(c, "DELETE FROM t")
			query(c, "SELECT 1").Close()
			c.IsValid()
			c.ResetSession(ctx)
			stmt, _ := c.PrepareContext(ctx, "DELETE FROM t")
			stmt.Close()
			tx, _ := c.BeginTx(ctx, driver.TxOptions{})
			tx.Commit()
			c.Close()
		}, ""},
		{"use after close", func(f *testdb.Fake, c fullConn) { c.Close(); c.Ping(ctx) }, "Ping after Close"},
		{"close twice", func(f *testdb.Fake, c fullConn) { c.Close(); c.Close() }, "Close after Close"},
		{"overlap", func(f *testdb.Fake, c fullConn) {
			f.Once(testdb.OpExec, func(*testdb.Call) error { return c.Ping(ctx) })
			exec(c, "DELETE FROM t")
		}, "Ping while another call is under way"},
		{"no reset", func(f *testdb.Fake, c fullConn) { c.IsValid(); exec(c, "DELETE FROM t") }, "given back and not reset"},
		{"open transaction", func(f *testdb.Fake, c fullConn) {
			c.BeginTx(ctx, driver.TxOptions{})
			c.IsValid()
			c.ResetSession(ctx)
		}, "meets an open transaction"},
		{"setting", func(f *testdb.Fake, c fullConn) {
			exec(c, "SET role = 1")
			c.IsValid()
			c.ResetSession(ctx)
		}, "meets map[role:1]"},
		{"rows given back", func(f *testdb.Fake, c fullConn) { query(c, "SELECT 1"); c.IsValid() }, "given back with 1 rows open"},
		{"rows at close", func(f *testdb.Fake, c fullConn) { query(c, "SELECT 1"); c.Close() }, "closed with 1 rows open"},
		{"rows closed twice", func(f *testdb.Fake, c fullConn) { r := query(c, "SELECT 1"); r.Close(); r.Close() }, "after the rows' Close"},
		{"statement at close", func(f *testdb.Fake, c fullConn) { c.PrepareContext(ctx, "SELECT 1"); c.Close() }, "closed with 1 statements open"},
		{"statement closed twice", func(f *testdb.Fake, c fullConn) {
			stmt, _ := c.PrepareContext(ctx, "SELECT 1")
			stmt.Close()
			stmt.Close()
		}, "statement closed twice"},
		{"statement after close", func(f *testdb.Fake, c fullConn) {
			stmt, _ := c.PrepareContext(ctx, "DELETE FROM t")
			stmt.Close()
			stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
		}, "after the statement's Close"},
		{"statement with rows open", func(f *testdb.Fake, c fullConn) {
			stmt, _ := c.PrepareContext(ctx, "SELECT 1")
			stmt.(driver.StmtQueryContext).QueryContext(ctx, nil)
			stmt.(driver.StmtQueryContext).QueryContext(ctx, nil)
		}, "while rows of the same statement are open"},
		{"transaction ended twice", func(f *testdb.Fake, c fullConn) {
			tx, _ := c.BeginTx(ctx, driver.TxOptions{})
			tx.Commit()
			tx.Rollback()
		}, "Rollback of a transaction that is over"},
		{"write on a replica", func(f *testdb.Fake, c fullConn) { f.Replica = true; exec(c, "DELETE FROM t") }, "a write reached a replica"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := testdb.NewFake(quiet{t}, "fake", testdb.Full)
			c, err := f.Connector().Connect(ctx)
			if err != nil {
				t.Fatal(err)
			}
			test.use(f, c.(fullConn))
			got := f.Violations()
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("violations %q, want none", got)
			case test.want != "" && !slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, test.want) }):
				t.Errorf("violations %q, want one with %q", got, test.want)
			}
		})
	}
}

// A row's bytes are good until the next row.
func TestFakeOverwritesRows(t *testing.T) {
	f := testdb.NewFake(t, "fake", testdb.Full)
	c, _ := f.Connector().Connect(t.Context())
	rows, _ := c.(driver.QueryerContext).QueryContext(t.Context(), "SELECT 'first' UNION ALL SELECT 'other'", nil)
	row := make([]driver.Value, 1)
	rows.Next(row)
	kept := row[0].([]byte)
	if string(kept) != "first" {
		t.Errorf("got %q", kept)
	}
	rows.Next(row)
	if string(kept) == "first" {
		t.Error("the first row can still be read after the second")
	}
	rows.Close()
	c.Close()
}

func TestFakeBareHasNoOptionalInterfaces(t *testing.T) {
	f := testdb.NewFake(t, "fake", testdb.Bare)
	c, _ := f.Connector().Connect(t.Context())
	defer c.Close()
	if _, ok := c.(driver.Pinger); ok {
		t.Error("the connection can Ping")
	}
	if _, ok := c.(driver.ExecerContext); ok {
		t.Error("the connection can ExecContext")
	}
	if _, ok := c.(driver.Validator); ok {
		t.Error("the connection can IsValid")
	}
}
