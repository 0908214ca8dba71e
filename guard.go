package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// The child connections of a replica are opened so that the server itself
// refuses writes: no mistake in the classification can then do harm, even where
// the server would let it. What the driver can say while it connects costs no
// round trip; all else, and every connector that the user built, gets one
// statement after the dial.

// readOnlyStatement makes a session of a dialect read-only. PostgreSQL's is the
// default for transactions, which holds for statements outside of one too.
func readOnlyStatement(d Dialect) string {
	switch d {
	case Postgres:
		return "SET default_transaction_read_only = on"
	case MySQL:
		return "SET SESSION TRANSACTION READ ONLY"
	case SQLite:
		return "PRAGMA query_only = 1"
	}
	return ""
}

// readOnlySetting is what PostgreSQL knows the same as, when a session starts.
const readOnlySetting = "default_transaction_read_only"

// readOnlyConnector returns a connector whose sessions start read-only, or nil if
// the driver cannot say so while it connects. plain is the driver's connector for
// the DSN.
func readOnlyConnector(driverName, dsn string, plain driver.Connector) (driver.Connector, error) {
	switch packageOf(plain.Driver()) {
	case "github.com/jackc/pgx/v5/stdlib":
		if !pgxRegistered.MatchString(dsn) {
			return readOnlyPgx{dsn: dsn, driver: plain.Driver()}, nil
		}
	case "github.com/lib/pq":
		return openConnector(driverName, readOnlyPQ(dsn))
	}
	return nil, nil
}

// readOnlyPgx reads its DSN at each dial, as pgx's own connector does: a password
// file or a service file may have changed.
type readOnlyPgx struct {
	dsn    string
	driver driver.Driver
}

func (c readOnlyPgx) Driver() driver.Driver { return c.driver }

func (c readOnlyPgx) Connect(ctx context.Context) (driver.Conn, error) {
	config, err := pgx.ParseConfig(c.dsn)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams[readOnlySetting] = "on"
	conn, err := stdlib.GetConnector(*config).Connect(ctx)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == protocolViolation && strings.Contains(refused.Message, "startup parameter"):
		return nil, fmt.Errorf("%w (%s)", err, guardBehindProxy)
	case err != nil:
		return nil, err
	case isUnguarded(conn):
		conn.Close()
		return nil, errUnguarded
	}
	return conn, nil
}

const guardBehindProxy = readOnlySetting + " cannot be set through a proxy such as PgBouncer: let the proxy ignore it and set it for the role " +
	`with ALTER ROLE, or give the replica "read_only": "trust"`

var errUnguarded = errors.New("multidb: the connection to a replica is not read-only: " + guardBehindProxy)

// isUnguarded reports whether the setting was lost on the way: a proxy may be told
// to ignore it. Servers since PostgreSQL 14 report what it is without being asked.
func isUnguarded(conn driver.Conn) bool {
	c, ok := conn.(*stdlib.Conn)
	return ok && c.Conn().PgConn().ParameterStatus(readOnlySetting) == "off"
}

// readOnlyPQ adds the setting to a DSN of lib/pq, a URL or keywords. The last
// one of two counts.
func readOnlyPQ(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return strings.TrimSpace(dsn) + " " + readOnlySetting + "=on"
	}
	query := u.Query()
	query.Set(readOnlySetting, "on")
	u.RawQuery = query.Encode()
	return u.String()
}

// forbidWrites runs the one statement after the dial.
func (ch *child) forbidWrites(ctx context.Context) error {
	statement := readOnlyStatement(ch.engine.database.dialect)
	if statement == "" {
		return nil
	}
	if err := ch.execOnce(ctx, statement); err != nil {
		return fmt.Errorf(`cannot make the connection to a replica read-only ("read_only": "trust" does without): %w`, err)
	}
	return nil
}

// beginGuarded begins a transaction that does not lift the guard. lib/pq begins
// one with READ WRITE unless it is to be read-only. A driver of SQLite may make a
// read-only one with the setting that is the guard, and take it back at the end.
func (ch *child) beginGuarded(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	dialect := ch.engine.database.dialect
	opts.ReadOnly = opts.ReadOnly || dialect == Postgres
	tx, err := ch.beginner.BeginTx(ctx, opts)
	if err == nil && opts.ReadOnly && dialect == SQLite {
		return guardedTx{tx: tx, child: ch}, nil
	}
	return tx, err
}

// guardedTx sets the guard again when the transaction has ended.
type guardedTx struct {
	tx    driver.Tx
	child *child
}

func (t guardedTx) Commit() error {
	defer t.renewGuard()
	return t.tx.Commit()
}

func (t guardedTx) Rollback() error {
	defer t.renewGuard()
	return t.tx.Rollback()
}

func (t guardedTx) renewGuard() {
	if t.child.forbidWrites(context.Background()) != nil {
		t.child.broken = true
	}
}

// execOnce runs a statement of multidb's own, before the child has a user.
func (ch *child) execOnce(ctx context.Context, statement string) error {
	_, err := ch.exec(ctx, statement, nil)
	if err != driver.ErrSkip {
		return err
	}
	prepared, err := ch.prepare(ctx, statement)
	if err != nil {
		return err
	}
	cs := newChildStmt(ch, statement, prepared)
	defer cs.Close()
	_, err = cs.exec(ctx, nil)
	return err
}
