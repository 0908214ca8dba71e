package multidb

import (
	"context"
	"database/sql/driver"
	"slices"
)

var (
	_ driver.Stmt              = (*stmt)(nil)
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
	// driver.ColumnConverter is the child statement's business: its rules are
	// run once it is known (args.go).
)

// stmt is a query text that is routed at each execution, because the same
// statement serves inside and outside of transactions. The prepared statements
// behind it live on the children where it ran. With a held child there is
// exactly one.
//
// Like a Conn, it is used under database/sql's lock of the connection.
type stmt struct {
	conn  *Conn
	query string
	facts *facts     // found when it was prepared; nil if nothing had to be classified
	held  *childStmt // set if the Conn holds its child

	last *childStmt   // the one used last
	refs []*childStmt // all that count this statement among their users
}

// streams reports whether the statement is a COPY, which takes its rows by Exec.
// Once they have ended, what is prepared for it is of no use to another.
func (s *stmt) streams() bool { return s.facts != nil && s.facts.Verb == "copy" }

// NumInput leaves the count to the child statement, which is known after
// routing.
func (s *stmt) NumInput() int { return -1 }

// CheckNamedValue accepts everything: the child's rules are run after routing.
func (s *stmt) CheckNamedValue(*driver.NamedValue) error { return nil }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	var ca call
	ca.ctx, ca.via, ca.query, ca.known = ctx, viaExec, s.query, s.facts
	defer s.conn.abandon(&ca)
	for {
		if !s.conn.startSame(&ca) {
			if err := s.conn.start(&ca); err != nil {
				return nil, err
			}
		}
		result, err := s.execOn(ctx, &ca, args)
		if err = s.conn.finish(&ca, err); !ca.again {
			return result, err
		}
		args = ca.child.givenArgs(args)
	}
}

func (s *stmt) execOn(ctx context.Context, ca *call, args []driver.NamedValue) (driver.Result, error) {
	cs, args, err := s.bind(ctx, ca, args)
	if err != nil {
		return nil, err
	}
	ca.child.asked, ca.child.ran = true, true
	result, err := cs.exec(ctx, args)
	if err != nil {
		if cs = s.renew(ctx, ca, cs, err); cs != nil {
			return cs.exec(ctx, args)
		}
	}
	return result, err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	var ca call
	ca.ctx, ca.via, ca.query, ca.known = ctx, viaQuery, s.query, s.facts
	defer s.conn.abandon(&ca)
	for {
		if !s.conn.startSame(&ca) {
			if err := s.conn.start(&ca); err != nil {
				return nil, err
			}
		}
		rows, err := s.queryOn(ca.child.interruptible(ctx), &ca, args)
		if err == nil {
			ca.child.gaveRows()
		}
		if err = s.conn.finish(&ca, err); !ca.again {
			return rows, err
		}
		args = ca.child.givenArgs(args)
		s.facts = ca.known // a replica may have taught us
	}
}

func (s *stmt) queryOn(ctx context.Context, ca *call, args []driver.NamedValue) (driver.Rows, error) {
	cs, args, err := s.bind(ctx, ca, args)
	if err != nil {
		return nil, err
	}
	ca.child.asked, ca.child.ran = true, true
	rows, err := cs.query(ctx, args)
	if err != nil {
		if cs = s.renew(ctx, ca, cs, err); cs != nil {
			return cs.query(ctx, args)
		}
	}
	return rows, err
}

// bind finds the child statement and runs its rules over the arguments.
func (s *stmt) bind(ctx context.Context, ca *call, args []driver.NamedValue) (*childStmt, []driver.NamedValue, error) {
	cs, err := s.on(ctx, ca.child)
	if err != nil {
		return nil, nil, err
	}
	args, err = cs.checkArgs(ca.child, args)
	return cs, args, err
}

// on returns the statement as it is prepared on ch.
func (s *stmt) on(ctx context.Context, ch *child) (*childStmt, error) {
	if s.held != nil {
		return s.held, nil
	}
	return ch.takeStatement(ctx, s)
}

// renew prepares a child statement again whose plan the server refused, as it
// does after a DROP and CREATE of what the statement names. The server refuses
// before it runs anything, so the new statement may be run; but not inside a
// transaction, which the refusal has ended. It returns nil if the first answer
// stands.
func (s *stmt) renew(ctx context.Context, ca *call, cs *childStmt, err error) *childStmt {
	if s.held != nil || !judge(ctx, ca, err).stale {
		return nil
	}
	ca.child.stmts.drop(cs)
	if s.conn.inTransaction() {
		return nil
	}
	renewed, err := s.on(ctx, ca.child)
	if err != nil {
		return nil
	}
	return renewed
}

// Close ends the child statements that nobody else uses: at once on a child
// that is in this Conn's hands, else by leaving it to the child's next holder.
// database/sql may call it while it holds the lock of the whole sql.DB, but only
// when the Conn is not in use and has no child.
func (s *stmt) Close() error {
	if s.held != nil {
		return s.held.Close()
	}
	var first error
	for _, cs := range s.refs {
		if cs.leave() && s.conn.holds(cs) && !s.conn.toldBad {
			if err := cs.stmts.drop(cs); first == nil {
				first = err
			}
		}
	}
	s.refs, s.last = nil, nil
	return first
}

// leave takes one user off and reports whether it was the last.
func (cs *childStmt) leave() bool {
	cs.stmts.mu.Lock()
	defer cs.stmts.mu.Unlock()
	cs.users--
	if cs.users == 0 {
		cs.stmts.unused.Store(true)
	}
	return cs.users == 0
}

// refers reports whether cs counts s among its users. It forgets child
// statements that are closed, so that refs do not outgrow the living children.
func (s *stmt) refers(cs *childStmt) bool {
	if slices.Contains(s.refs, cs) {
		return true
	}
	s.refs = slices.DeleteFunc(s.refs, func(old *childStmt) bool { return old.removed.Load() })
	return false
}

// Exec and Query exist for the interface only; database/sql calls the forms
// with a context.

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), namedValues(args))
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), namedValues(args))
}

func namedValues(args []driver.Value) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, value := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return named
}
