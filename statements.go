package multidb

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
)

// maxChildStatements bounds the prepared statements that one child connection
// keeps. PostgreSQL holds a plan for each and MySQL counts them against a limit
// for the whole server (max_prepared_stmt_count, 16,382 by default).
const maxChildStatements = 256

// statements are the prepared statements that live on one child. Several Conns
// that prepared the same text share them, one after the other, as the child
// passes through their hands.
//
// All of it belongs to whoever holds the child, except for the counts of users:
// a Conn that does not hold the child takes itself off the count and leaves the
// closing to the next holder.
type statements struct {
	lent   []*childStmt // those in the hands of the present holder's statements
	unused atomic.Bool  // some childStmt has no user left
	mu     sync.Mutex   // guards users of every childStmt
	clock  uint64       // counts uses, for the least recent one

	byText map[string]*childStmt // chains of the same text
	size   int
}

// takeStatement returns a child statement for s, prepared if need be. Two statements of
// one Conn never share one, because the rows of the first may still be open.
func (ch *child) takeStatement(ctx context.Context, s *stmt) (*childStmt, error) {
	st := &ch.stmts
	st.clock++
	if cs := s.last; cs != nil && cs.stmts == st && cs.holder == nil && !cs.removed.Load() {
		cs.usedAt, cs.holder = st.clock, s
		st.lent = append(st.lent, cs)
		return cs, nil
	}
	if cs := st.find(s); cs != nil {
		st.lend(cs, s)
		return cs, nil
	}
	prepared, err := ch.prepare(ctx, s.query)
	if err != nil {
		return nil, err
	}
	st.makeRoom(maxChildStatements - 1)
	cs := newChildStmt(ch, s.query, prepared)
	st.link(cs)
	st.lend(cs, s)
	return cs, nil
}

// find looks for a statement that s holds in this lease, or that nobody does.
func (st *statements) find(s *stmt) *childStmt {
	if cs := s.last; cs != nil && cs.stmts == st && cs.holder == s && !cs.removed.Load() {
		return cs
	}
	var free *childStmt
	for cs := st.byText[s.query]; cs != nil; cs = cs.next {
		if cs.holder == s {
			return cs
		}
		if cs.holder == nil {
			free = cs
		}
	}
	return free
}

func (st *statements) lend(cs *childStmt, s *stmt) {
	cs.usedAt = st.clock
	if cs.holder == s {
		return
	}
	cs.holder = s
	st.lent = append(st.lent, cs)
	if s.last == cs || s.refers(cs) {
		s.last = cs
		return
	}
	s.last = cs
	s.refs = append(s.refs, cs)
	st.mu.Lock()
	cs.users++
	st.mu.Unlock()
}

// endLease makes the statements free for the next holder.
func (st *statements) endLease() {
	if len(st.lent) > 0 {
		st.giveBack()
	}
}

func (st *statements) giveBack() {
	for i, cs := range st.lent {
		if cs.holder.streams() {
			st.drop(cs)
		}
		cs.holder = nil
		st.lent[i] = nil
	}
	st.lent = st.lent[:0]
	if st.size > maxChildStatements {
		st.makeRoom(maxChildStatements)
	}
}

// closeUnused closes the statements that nobody wants any more, and reports
// whether that showed the connection to be dead. It is called when the child has a
// new holder, before anything else runs: pgx goes by what was prepared under a text
// also where that text is then run without a statement.
func (ch *child) closeUnused() (dead bool) {
	for _, cs := range ch.stmts.withoutUsers() {
		ch.stmts.drop(cs)
	}
	return ch.pgx != nil && ch.pgx.Conn().IsClosed()
}

func (st *statements) withoutUsers() []*childStmt {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.unused.Store(false)
	var found []*childStmt
	for _, chain := range st.byText {
		for cs := chain; cs != nil; cs = cs.next {
			if cs.users == 0 {
				found = append(found, cs)
			}
		}
	}
	return found
}

// makeRoom closes the statements whose last use is longest ago, until there are
// no more than size, or all of them are in use.
func (st *statements) makeRoom(size int) {
	for st.size > size {
		oldest := st.oldestFree()
		if oldest == nil {
			return
		}
		st.drop(oldest)
	}
}

func (st *statements) oldestFree() (oldest *childStmt) {
	for _, chain := range st.byText {
		for cs := chain; cs != nil; cs = cs.next {
			if cs.holder == nil && (oldest == nil || cs.usedAt < oldest.usedAt) {
				oldest = cs
			}
		}
	}
	return oldest
}

// drop closes a statement. The caller holds the child.
func (st *statements) drop(cs *childStmt) error {
	if cs.removed.Swap(true) {
		return nil
	}
	st.unlink(cs)
	return cs.Close()
}

func (st *statements) link(cs *childStmt) {
	if st.byText == nil {
		st.byText = make(map[string]*childStmt)
	}
	cs.next = st.byText[cs.text]
	st.byText[cs.text] = cs
	st.size++
}

func (st *statements) unlink(cs *childStmt) {
	st.size--
	first := st.byText[cs.text]
	switch {
	case first != cs:
		for first.next != cs {
			first = first.next
		}
		first.next = cs.next
	case cs.next != nil:
		st.byText[cs.text] = cs.next
	default:
		delete(st.byText, cs.text)
	}
}

// closeAll closes every statement, before the child itself is closed.
func (st *statements) closeAll() {
	for _, chain := range st.byText {
		for cs := chain; cs != nil; cs = cs.next {
			cs.removed.Store(true)
			cs.Close()
		}
	}
	st.byText, st.lent, st.size = nil, nil, 0
}

// childStmt is one prepared statement on one child. What it can do is asked
// once.
type childStmt struct {
	driver.Stmt
	execer  driver.StmtExecContext
	queryer driver.StmtQueryContext
	checker driver.NamedValueChecker // its own, else the connection's
	//lint:ignore SA1019 a child from before NamedValueChecker may have only this
	columns driver.ColumnConverter

	text   string
	stmts  *statements // of the child on which it lives
	next   *childStmt  // of the same text
	usedAt uint64
	holder *stmt // the statement that uses it in this lease; nil if none does

	users   int         // statements that refer to it; guarded by statements.mu
	removed atomic.Bool // closed, or about to be
}

func newChildStmt(ch *child, text string, prepared driver.Stmt) *childStmt {
	cs := &childStmt{Stmt: prepared, text: text, stmts: &ch.stmts}
	cs.execer, _ = prepared.(driver.StmtExecContext)
	cs.queryer, _ = prepared.(driver.StmtQueryContext)
	var ok bool
	if cs.checker, ok = prepared.(driver.NamedValueChecker); !ok {
		cs.checker = ch.checker
	}
	//lint:ignore SA1019 a child from before NamedValueChecker may have only this
	cs.columns, _ = prepared.(driver.ColumnConverter)
	return cs
}

func (cs *childStmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if cs.execer != nil {
		return cs.execer.ExecContext(ctx, args)
	}
	values, err := plainValues(args)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return cs.Exec(values)
}

func (cs *childStmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if cs.queryer != nil {
		return cs.queryer.QueryContext(ctx, args)
	}
	values, err := plainValues(args)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return cs.Query(values)
}
