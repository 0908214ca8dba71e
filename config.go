package multidb

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"time"
)

// Config is the whole configuration of a multidb driver, as a Go value for
// [NewConnector]. It has a JSON form, which is one of the three forms of a DSN:
// see [ParseDSN] and [Config.FormatDSN]. The JSON keys are the snake_case of the
// Go names: ReadOnlyTx is "read_only_tx".
//
// The zero value of every field is its default. Printing a Config with fmt or
// log/slog shows no password; encoding/json is not the way to its JSON form.
type Config struct {
	// Driver is the database/sql driver of the engines that name none. Without
	// it, an engine whose DSN is a postgres:// or postgresql:// URL or a libpq
	// text of keywords ("host=db user=app") is opened with "pgx"; for any other
	// DSN the driver must be named.
	Driver string

	// Primary and Replicas are the engines of the default database. Without a
	// Primary there is no default database: every statement must then be sent to
	// one of Databases, by its context, a rule or the Router.
	Primary  Engine
	Replicas []Engine

	// Databases are further sets of data, by name. A name is made of letters,
	// digits, '_' and '-', begins with a letter or digit, and has at most 63
	// bytes.
	Databases map[string]Database

	// Tenants is a template of further databases, of which there may be any number:
	// WithDatabase(ctx, "acme") opens the database "acme" when it is first used.
	// Every DSN of the template contains {tenant}, for which the name stands in
	// that of a tenant. A name is made like that of Databases, so it can add
	// nothing to a DSN but itself.
	Tenants Database

	// Resolve is asked for the engines of a database that is not configured, when
	// it is first used, and again after it was forgotten. Its error is that of the
	// statement, and is not remembered. It stands in the place of Tenants; there is
	// no JSON form.
	Resolve func(ctx context.Context, name string) (Database, error)

	// MaxDatabases limits how many databases of Tenants or Resolve are kept open.
	// Beyond it the one that was not used for the longest time is forgotten, but
	// never one that is in use. The default is 10,000.
	MaxDatabases int

	// MaxOpenTotal limits the connections of all engines together: those that are
	// open, being opened or being closed. At the limit an idle connection of another
	// engine is closed to make room, then a statement waits for its turn. The
	// default is no limit.
	MaxOpenTotal int

	// MaxOpenPerHost limits in the same way the connections to each server, which
	// is told from others by host and port in the DSN, as its driver completes
	// them. Engines whose server cannot be told, among them all that have a
	// Connector, count as one server together, so that the limit holds for each.
	// A file of SQLite has no server and no limit. The default is no limit.
	MaxOpenPerHost int

	// RequireDatabase refuses statements for which neither the context nor a rule
	// nor the Router names a database, with [ErrNoDatabase], so that none goes to
	// the default database by oversight.
	RequireDatabase bool

	// Rules choose a database, or an engine, by what a statement is. The first
	// rule that matches decides.
	Rules []Rule

	// Router is asked after the Rules, for what they cannot say. It answers as
	// Rule.Use does, and "" means that it has no opinion. There is no JSON form.
	Router func(ctx context.Context, s Statement) (use string, err error)

	// Reads says where reads go: "replica" (the default) or "primary", the
	// careful way to bring replicas into a system that runs. With "primary" a
	// replica serves only the reads whose context or rule asks for one.
	Reads string

	// ReadOnlyTx says where a transaction with sql.TxOptions{ReadOnly: true}
	// begins: on a "replica" (the default) or on the "primary".
	ReadOnlyTx string

	// Fallback says who answers a read when no replica of its database can: the
	// "primary" (the default), or nobody: with "error" the read fails with
	// [ErrNoReplica], and the primary keeps its strength for writes.
	Fallback string

	// Balance says how reads are spread over the replicas of a database. The
	// default is [LeastBusy]; [RoundRobin], [Random] and [BalanceBy] are the
	// others. In JSON: "least_busy", "round_robin", "random".
	Balance Balance

	// ConnectTimeout bounds one attempt to connect to an engine, whatever its own
	// DSN allows. An engine that does not answer at all is taken to be down after
	// that time. The default is 5 seconds. It has no meaning for a configuration of
	// a single engine, whose driver is left alone.
	ConnectTimeout Duration

	// Discover asks the servers which engine of a database is the primary
	// (pg_is_in_recovery() of PostgreSQL, @@global.read_only of MySQL and
	// MariaDB) instead of believing the configuration: at first use, whenever
	// there is a doubt, and once a second while the database is used. After a
	// failover, writes go to the new primary. While two engines say that they are
	// the primary, writes are refused with [ErrTwoPrimaries].
	Discover bool

	// FailoverTimeout is how long a statement that was not sent yet waits for a
	// primary that can be reached. The default is 10 seconds with Discover, and
	// not to wait without it. The statement's own context may end it earlier.
	FailoverTimeout Duration

	// ReadFunctions are functions that have no effect, beyond those that multidb
	// knows: a statement that calls one may still be a read. WriteFunctions are
	// functions that have an effect, whatever multidb thinks of them.
	ReadFunctions  []string
	WriteFunctions []string

	// Echo logs each statement with its database, engine, reason, duration and
	// error, to slog.Default(); never its arguments.
	Echo bool

	// Logger takes what Echo logs, and turns it on. The default, nil, logs only
	// with Echo. There is no JSON form.
	Logger *slog.Logger
}

// The roles of the engines of a database: the primary takes writes, a replica
// answers reads only. [WithEngine] and Rule.Use know them.
const (
	Primary = "primary"
	Replica = "replica"
)

// Database is one set of data: a primary, and replicas of it. In JSON a database
// that is only its primary may be written as that engine.
type Database struct {
	Primary  Engine
	Replicas []Engine
}

// Engine is one endpoint that serves a copy of a database, and its pool. In JSON
// an engine that is only its DSN is written as that string.
//
// In a pool setting and in Weight, 0 means the default.
type Engine struct {
	// Name is what [WithEngine] and Rule.Use call the engine: letters, digits,
	// '_', '.' and '-', at most 63 bytes. The default is "primary", "replica1",
	// "replica2", ... in the default database, and "audit", "audit.replica1",
	// ... in a database "audit". The names "primary" and "replica" are roles,
	// and no other engine may have them.
	Name string

	// Driver is the database/sql driver that opens DSN; its default is
	// Config.Driver. With a Connector nothing is opened by name: Driver then
	// only tells whose SQL the engine speaks, which cannot be seen through a
	// Connector that wraps another (for tracing, say).
	Driver string

	// DSN is the child driver's own data source name. An engine has either a DSN
	// or a Connector.
	DSN string `json:"-"` // encoding/json would show its password, in a log for instance

	// Connector is the child driver's own connector, for what a DSN cannot say:
	// short-lived credentials, tracing, a parsed configuration. There is no JSON
	// form.
	//
	// As with sql.OpenDB, it belongs to multidb from then on: one that has a Close
	// method is closed with the last engine that has it, which is at the end of
	// the sql.DB, or when the last of its tenants is forgotten. Resolve may give one
	// to several tenants. If it keeps one for tenants to come, it must hide the
	// Close, as in struct{ driver.Connector }{c}, and call that itself.
	Connector driver.Connector `json:"-"`

	// ReadOnly says who keeps writes away from a replica. With "enforce" (the
	// default) its connections are opened read-only, so that the server itself
	// refuses what is not a read: default_transaction_read_only of PostgreSQL,
	// SET SESSION TRANSACTION READ ONLY of MySQL, PRAGMA query_only of SQLite.
	// With "trust" nothing is set, for servers or proxies that cannot: then a
	// function that writes and is called a read by mistake does write, if the
	// server lets it. It has no meaning for a primary.
	ReadOnly string

	// Weight is the replica's share of reads relative to the other replicas. The
	// default is 1.
	Weight int

	// MaxOpen limits the open connections to the engine. There is no limit by
	// default, as in database/sql.
	MaxOpen int

	// MaxIdle limits the idle connections that are kept. The default is 64, or
	// MaxOpen where that is less. It is far above the 2 of database/sql, because
	// a server opens few connections a second: under load a low limit turns
	// most statements into an open. MaxIdleTime trims what is not needed.
	MaxIdle int

	// MaxLifetime is how long a connection is used after it was opened. The
	// default is an hour, so that connections follow a changed DNS record and
	// spread over a load balancer's new members. For connections that live
	// longer, give a longer time.
	MaxLifetime Duration

	// MaxIdleTime is how long an idle connection is kept. The default is five
	// minutes: long enough to ride out a lull, short enough that a peak does not
	// hold the server's memory for the rest of the day.
	MaxIdleTime Duration
}

// Rule sends the statements that it matches to Use. It matches a statement that
// has one of the Verbs, one of the Kinds, and among its tables one that fits one
// of the Tables; a condition that is empty is met. A rule needs at least one.
type Rule struct {
	// Verbs are the first keywords of statements: "insert", "update". Case does
	// not matter. Of a text of several statements each counts, and so does what
	// changes rows inside of one (EXPLAIN DELETE, WITH x AS (DELETE ...)): the
	// whole text goes where one of them leads. A text of which two lead to
	// different databases is refused.
	Verbs []string

	// Kinds are "read", "write", "session" and "transaction".
	Kinds []string

	// Tables are patterns of table names. A pattern is compared with a name part
	// by part, from the right: "event_log" fits that table in any schema, and
	// "audit.*" every table that the statement calls by its schema audit. In a
	// part, '*' stands for any characters, also none; it never stands for a dot.
	// Case does not matter. A table that the text does not name, because a view
	// or a function uses it, fits no pattern.
	Tables []string

	// Use is a database, by its name, whose engine is then chosen as for any
	// other statement of it; or an engine, by its name or by its role in the
	// default database, "primary" or "replica". A rule that uses a replica must
	// match nothing but reads: its Kinds are "read" alone.
	Use string
}

// Duration is a time.Duration whose text, in JSON too, is as in "250ms".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It reads what
// [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
