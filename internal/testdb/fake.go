package testdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fake is a database server in memory, and the child driver for it. It
// has teeth: it checks at every call that its connections, statements and rows
// are used as database/sql would use them, and fails the test if they are not.
//
// Its connections have the optional interfaces of its Shape. It understands the
// little language of fakesql.go.
type Fake struct {
	name  string
	shape Shape
	tb    testing.TB

	// Replica makes every write that reaches the server a violation. KeepsState
	// allows a connection to go from one user to the next with a SET or an open
	// transaction, as database/sql itself does. AskedAfterErrors allows its user
	// to ask IsValid after an error and to go on. Set them before the first use.
	Replica          bool
	KeepsState       bool
	AskedAfterErrors bool

	mu         sync.Mutex // guards all that follows
	trace      []string
	counts     map[Op]int
	hooks      map[Op][]*hook
	conns      []*fakeConn // all there ever were
	open       int
	peak       int
	lastID     int64
	writes     []string
	violations []string
}

// Op is a call of the driver interfaces, as it is written in a trace.
type Op string

const (
	OpDial           Op = "Dial"
	OpReset          Op = "Reset"
	OpPing           Op = "Ping"
	OpCheck          Op = "Check"
	OpExec           Op = "Exec"
	OpQuery          Op = "Query"
	OpPrepare        Op = "Prepare"
	OpBegin          Op = "Begin"
	OpCommit         Op = "Commit"
	OpRollback       Op = "Rollback"
	OpIsValid        Op = "IsValid"
	OpClose          Op = "Close"
	OpNumInput       Op = "NumInput"
	OpStmtCheck      Op = "Stmt.Check"
	OpConvert        Op = "Stmt.Convert"
	OpStmtExec       Op = "Stmt.Exec"
	OpStmtQuery      Op = "Stmt.Query"
	OpStmtClose      Op = "Stmt.Close"
	OpNext           Op = "Next"
	OpHasNextSet     Op = "HasNextResultSet"
	OpNextSet        Op = "NextResultSet"
	OpRowsClose      Op = "Rows.Close"
	OpConnectorClose Op = "Connector.Close"
)

// Call is one call of the driver, as a hook sees it.
type Call struct {
	Op      Op
	Context context.Context // nil if the method has none
	Text    string          // of the query
	conn    *fakeConn       // nil for a dial
}

// Lose ends the connection: from now on it is not valid, and all that is asked of
// it is answered with driver.ErrBadConn.
func (c *Call) Lose() { c.conn.dead.Store(true) }

type hook struct {
	do   func(*Call) error
	once bool
}

// NewFake returns a server whose violations fail the test when it ends.
func NewFake(tb testing.TB, name string, shape Shape) *Fake {
	f := &Fake{name: name, shape: shape, tb: tb, counts: make(map[Op]int), hooks: make(map[Op][]*hook)}
	tb.Cleanup(func() { f.Check(tb) })
	return f
}

// Connector returns the child driver's connector to the server.
func (f *Fake) Connector() driver.Connector { return f.shape.connector(&fakeConnector{f}) }

// On calls do at every call of op, once it is in the trace and before it has an
// effect. An error of do is the call's; do may also panic, or block.
func (f *Fake) On(op Op, do func(*Call) error) { f.addHook(op, &hook{do: do}) }

// Once is On for the next call only.
func (f *Fake) Once(op Op, do func(*Call) error) { f.addHook(op, &hook{do: do, once: true}) }

// FailOnce makes the next call of op fail with err.
func (f *Fake) FailOnce(op Op, err error) { f.Once(op, func(*Call) error { return err }) }

// LoseOnce makes the next call of op lose its connection and fail with err.
func (f *Fake) LoseOnce(op Op, err error) {
	f.Once(op, func(c *Call) error {
		c.Lose()
		return err
	})
}

func (f *Fake) addHook(op Op, h *hook) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks[op] = append(f.hooks[op], h)
}

// Restart ends all connections that are open now.
func (f *Fake) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.dead.Store(true)
	}
}

// Promote makes a replica a primary, Demote a primary a replica.
func (f *Fake) Promote() { f.setReplica(false) }
func (f *Fake) Demote()  { f.setReplica(true) }

func (f *Fake) setReplica(replica bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Replica = replica
}

func (f *Fake) isReplica() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Replica
}

// Trace returns all calls so far, each as "#connection op details".
func (f *Fake) Trace() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.trace)
}

// ClearTrace forgets the calls so far, and their counts.
func (f *Fake) ClearTrace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trace = nil
	clear(f.counts)
}

// Count returns how often op was called.
func (f *Fake) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// Writes returns the texts of the writes that the server carried out.
func (f *Fake) Writes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.writes)
}

// Open returns how many connections are open now, Peak how many there were at most.
func (f *Fake) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

func (f *Fake) Peak() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.peak
}

// Statements returns how many prepared statements are open on open connections.
func (f *Fake) Statements() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.conns {
		if !c.closed.Load() {
			n += int(c.stmts.Load())
		}
	}
	return n
}

// Violations returns what was done to the server that must not be done.
func (f *Fake) Violations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.violations)
}

// Check fails the test for each violation.
func (f *Fake) Check(tb testing.TB) {
	tb.Helper()
	for _, v := range f.Violations() {
		tb.Errorf("fake %s: %s", f.name, v)
	}
}

// WaitClosed waits until no connection is open, or ctx ends: a pool closes some of
// them in the background.
func (f *Fake) WaitClosed(ctx context.Context) {
	for f.Open() > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// CheckClosed fails the test for each connection that is still open.
func (f *Fake) CheckClosed(tb testing.TB) {
	tb.Helper()
	if n := f.Open(); n != 0 {
		tb.Errorf("fake %s: %d connections are still open", f.name, n)
	}
}

func (f *Fake) violate(c *fakeConn, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violations = append(f.violations, c.label()+" "+fmt.Sprintf(format, args...))
}

// note writes a call into the trace and returns the hooks that want to see it.
func (f *Fake) note(c *fakeConn, op Op, details string) []*hook {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[op]++
	f.trace = append(f.trace, strings.TrimSpace(c.label()+" "+string(op)+" "+details))
	var due []*hook
	f.hooks[op] = slices.DeleteFunc(f.hooks[op], func(h *hook) bool {
		due = append(due, h)
		return h.once
	})
	return due
}

func runHooks(due []*hook, call *Call) error {
	for _, h := range due {
		if err := h.do(call); err != nil {
			return err
		}
	}
	return nil
}

// fakeConnector is the connector of all shapes.
type fakeConnector struct{ *Fake }

func (k *fakeConnector) Connect(ctx context.Context) (driver.Conn, error) {
	f := k.Fake
	if err := runHooks(f.note(nil, OpDial, ""), &Call{Op: OpDial, Context: ctx}); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &fakeConn{server: f, number: len(f.conns) + 1}
	f.conns = append(f.conns, c)
	f.open++
	f.peak = max(f.peak, f.open)
	return f.shape.conn(c), nil
}

func (k *fakeConnector) Driver() driver.Driver { return fakeDriver{} }

// closingConnector is a connector that wants to be closed.
type closingConnector struct{ *fakeConnector }

func (k closingConnector) Close() error {
	return runHooks(k.note(nil, OpConnectorClose, ""), &Call{Op: OpConnectorClose})
}

// fakeDriver only stands for the driver: a Fake is opened through its connector.
type fakeDriver struct{}

func (fakeDriver) Open(string) (driver.Conn, error) {
	return nil, fmt.Errorf("multidb: a fake is opened through its connector")
}
