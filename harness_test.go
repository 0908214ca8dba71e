package multidb_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// Most tests of the driver's contract are programs that run three times: on the
// child driver itself, on a Conn that holds its child, and on one that leases
// it. What the program sees and what the child sees must be the same.

// mode is how a program reaches the child driver.
type mode string

const (
	direct mode = "direct"
	held   mode = "held"   // multidb with one engine
	leased mode = "leased" // multidb with a primary, where everything goes, and a replica
)

var modes = []mode{direct, held, leased}

// probe is what a program works with, and what it saw.
type probe struct {
	*testing.T
	mode   mode
	db     *sql.DB
	fake   *testdb.Fake
	notes  []string
	failed bool // something that the program did failed
}

func (p *probe) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// err notes an error by its text and its type.
func (p *probe) err(what string, err error) {
	p.failed = p.failed || err != nil
	p.note("%s: %v (%T)", what, err, err)
}

// value notes what one query answers.
func (p *probe) value(q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, query string, args ...any) {
	var v any
	err := q.QueryRowContext(p.Context(), query, args...).Scan(&v)
	if text, ok := v.([]byte); ok {
		v = string(text)
	}
	p.note("%s = %v", query, v)
	p.err(query, err)
}

// exec notes what a statement did.
func (p *probe) exec(x interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string, args ...any) {
	r, err := x.ExecContext(p.Context(), query, args...)
	if err != nil {
		p.err(query, err)
		return
	}
	id, _ := r.LastInsertId()
	rows, _ := r.RowsAffected()
	p.note("%s: id %d, %d rows", query, id, rows)
}

// rows notes all that rows have to tell, and closes them.
func (p *probe) rows(rows *sql.Rows, err error) {
	if err != nil {
		p.err("query", err)
		return
	}
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		p.columns(rows)
		for rows.Next() {
			columns, _ := rows.Columns()
			values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			err := rows.Scan(into...)
			p.note("row %q %v", values, err)
		}
	}
	p.err("rows", rows.Err())
}

func (p *probe) columns(rows *sql.Rows) {
	types, err := rows.ColumnTypes()
	for _, t := range types {
		length, hasLength := t.Length()
		nullable, hasNullable := t.Nullable()
		precision, scale, hasPrecision := t.DecimalSize()
		p.note("column %s %s %v %d %t %t %t %d %d %t", t.Name(), t.DatabaseTypeName(), t.ScanType(),
			length, hasLength, nullable, hasNullable, precision, scale, hasPrecision)
	}
	p.err("columns", err)
}

// settle lets all goroutines go as far as they can.
func (p *probe) settle() { synctest.Wait() }

// observation is what came of a program.
type observation struct {
	notes, trace []string
	failed       bool
}

// observe runs a program in one mode, and checks that nothing is left of it.
func observe(t *testing.T, shape testdb.Shape, mode mode, run func(*probe)) (o observation) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := testdb.NewFake(t, "primary", shape)
		p := &probe{T: t, mode: mode, fake: fake}
		fake.KeepsState = mode != leased
		fake.AskedAfterErrors = mode == leased
		switch mode {
		case direct:
			p.db = sql.OpenDB(fake.Connector())
		case held:
			p.db = openConfig(t, multidb.Config{Primary: engine(fake)})
		case leased:
			replica := testdb.NewFake(t, "replica", testdb.Bare)
			replica.Replica = true
			defer checkUntouched(t, replica)
			p.db = openConfig(t, multidb.Config{Primary: engine(fake), Replicas: []multidb.Engine{engine(replica)},
				Reads: "primary", ReadOnlyTx: "primary"})
		}
		run(p)
		synctest.Wait()
		if n := p.db.Stats().InUse; n != 0 {
			t.Errorf("%s: %d connections are in use at the end", mode, n)
		}
		checkNoLeases(t, p.db)
		if err := p.db.Close(); err != nil {
			p.err("close", err)
		}
		synctest.Wait()
		fake.CheckClosed(t)
		o = observation{notes: p.notes, trace: fake.Trace(), failed: p.failed}
	})
	return o
}

// engine is an engine whose SQL has the placeholders that a fake understands. The
// statement that makes a replica's connection read-only is left out, so that a
// fake sees what the program does and nothing else.
func engine(f *testdb.Fake) multidb.Engine {
	return multidb.Engine{Driver: "mysql", Connector: f.Connector(), ReadOnly: "trust"}
}

func openConfig(t testing.TB, c multidb.Config) *sql.DB {
	t.Helper()
	connector, err := multidb.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(connector)
}

func checkUntouched(t *testing.T, f *testdb.Fake) {
	t.Helper()
	if trace := f.Trace(); len(trace) > 0 {
		t.Errorf("the replica was used: %q", trace)
	}
}

// checkNoLeases fails the test if a child is still in the hands of a Conn.
func checkNoLeases(t testing.TB, db *sql.DB) {
	t.Helper()
	for name, n := range childrenInUse(db) {
		t.Errorf("engine %s: %d children are still in use", name, n)
	}
}

// childrenInUse returns how many children are in use, of the engines of which some are.
func childrenInUse(db *sql.DB) map[string]int {
	k := multidb.FromDB(db)
	if k == nil {
		return nil
	}
	inUse := make(map[string]int)
	for _, e := range k.Stats().Engines {
		if e.Pool.InUse != 0 {
			inUse[e.Name] = e.Pool.InUse
		}
	}
	return inUse
}

// compare runs a program in all modes and fails the test where multidb can be
// told from the child driver.
func compare(t *testing.T, shape testdb.Shape, run func(*probe)) {
	t.Helper()
	want := observe(t, shape, direct, run)
	for _, m := range modes[1:] {
		got := observe(t, shape, m, run)
		diff(t, string(m)+": the program saw", got.notes, want.notes)
		if m == leased && want.failed {
			got.trace, want.trace = withoutIsValid(got.trace), withoutIsValid(want.trace)
		}
		diff(t, string(m)+": the child saw", got.trace, want.trace)
	}
}

// withoutIsValid leaves out what a Conn that leases asks once more than
// database/sql does: after an error, whether the connection is lost.
func withoutIsValid(trace []string) []string {
	return slices.DeleteFunc(slices.Clone(trace), func(line string) bool { return strings.HasSuffix(line, " IsValid") })
}

func diff(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	same := 0
	for same < min(len(got), len(want)) && got[same] == want[same] {
		same++
	}
	t.Errorf("%s, from line %d on\n\t%s\nwant\n\t%s", what, same+1,
		strings.Join(got[same:], "\n\t"), strings.Join(want[same:], "\n\t"))
}

// compareCalls is compare where the order of the calls is another: lost
// connections are closed when the pool gets to it, and the statements on a leased
// child by its next holder. How often each call is made is the same.
func compareCalls(t *testing.T, shape testdb.Shape, run func(*probe)) {
	t.Helper()
	want := observe(t, shape, direct, run)
	for _, m := range modes[1:] {
		got := observe(t, shape, m, run)
		diff(t, string(m)+": the program saw", got.notes, want.notes)
		gotCalls, wantCalls := withoutIsValid(got.trace), withoutIsValid(want.trace)
		slices.Sort(gotCalls)
		slices.Sort(wantCalls)
		diff(t, string(m)+": the child saw", gotCalls, wantCalls)
	}
}

// inAllShapes runs a program on a child of each shape.
func inAllShapes(t *testing.T, run func(*probe)) {
	for _, shape := range testdb.Shapes {
		t.Run(shape.Name, func(t *testing.T) { compare(t, shape, run) })
	}
}

// split is a primary and a replica behind one sql.DB.
type split struct {
	primary, replica *testdb.Fake
	db               *sql.DB
}

// newSplit opens a configuration with two engines of one shape, in a bubble.
// Changes may set more of it.
func newSplit(t *testing.T, shape testdb.Shape, changes ...func(*multidb.Config)) *split {
	t.Helper()
	s := openSplit(t, shape, changes...)
	t.Cleanup(func() { s.end(t) })
	return s
}

func openSplit(t *testing.T, shape testdb.Shape, changes ...func(*multidb.Config)) *split {
	t.Helper()
	s := &split{primary: testdb.NewFake(t, "primary", shape), replica: testdb.NewFake(t, "replica", shape)}
	s.replica.Replica = true
	s.primary.AskedAfterErrors, s.replica.AskedAfterErrors = true, true
	c := multidb.Config{Primary: engine(s.primary), Replicas: []multidb.Engine{engine(s.replica)}}
	for _, change := range changes {
		change(&c)
	}
	s.db = openConfig(t, c)
	return s
}

// end checks that nothing is left.
func (s *split) end(t *testing.T) {
	t.Helper()
	synctest.Wait()
	checkNoLeases(t, s.db)
	if err := s.db.Close(); err != nil {
		t.Error(err)
	}
	synctest.Wait()
	s.primary.CheckClosed(t)
	s.replica.CheckClosed(t)
}

// maxOpen limits both engines.
func maxOpen(n int) func(*multidb.Config) {
	return func(c *multidb.Config) { c.Primary.MaxOpen, c.Replicas[0].MaxOpen = n, n }
}

func (s *split) inUse(t *testing.T, engine string) int {
	t.Helper()
	e, ok := multidb.FromDB(s.db).Stats().Engine(engine)
	if !ok {
		t.Fatalf("no engine %q", engine)
	}
	return e.Pool.InUse
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bubble runs a test on fake time, in which all goroutines can be waited for.
func bubble(t *testing.T, run func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, run)
}
