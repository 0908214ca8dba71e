package multidb

import "github.com/multidb-go/multidb/internal/sqlscan"

// Dialect says by which server's rules a query text is read.
type Dialect uint8

const (
	Generic  Dialect = iota // not known: a read is only what is a read in all the others
	Postgres                // PostgreSQL
	MySQL                   // MySQL and MariaDB
	SQLite                  // SQLite
)

// String returns the name of d as configurations spell it.
func (d Dialect) String() string {
	switch d {
	case Postgres:
		return "postgres"
	case MySQL:
		return "mysql"
	case SQLite:
		return "sqlite"
	}
	return "generic"
}

// Kind says what a statement may do.
type Kind uint8

const (
	KindWrite       Kind = iota // the zero value: what is not known is a write
	KindRead                    // proved to have no effect
	KindSession                 // changes the state of its connection
	KindTransaction             // begins, ends or marks a transaction
)

// String returns the name of k as rules spell it.
func (k Kind) String() string {
	switch k {
	case KindRead:
		return "read"
	case KindSession:
		return "session"
	case KindTransaction:
		return "transaction"
	}
	return "write"
}

// TxEffect is what a statement text does to the transaction that is open on its connection.
type TxEffect uint8

const (
	TxNone  TxEffect = iota // leaves it as it is
	TxBegin                 // leaves a transaction open
	TxEnd                   // leaves no transaction open
)

// Statement is what Classify found out about a query text.
type Statement struct {
	// Kind is the kind of the strictest statement in the text, in the order
	// read, write, session, transaction.
	Kind Kind

	// Verb is the first word that says what the first statement does, in lower
	// case: "select" also behind WITH or parentheses, "insert" for WITH ...
	// INSERT, "explain" whatever is explained.
	Verb string

	// OtherVerbs are the verbs of the other statements of the text, and those of
	// INSERT, UPDATE, DELETE, MERGE and REPLACE inside of one: "delete" of EXPLAIN
	// DELETE and of WITH x AS (DELETE ...) SELECT. Each is there once and none is
	// Verb; there are none for a usual text, and never more than 64.
	OtherVerbs []string

	// Reason says why the text is no read: "FOR UPDATE", "function nextval",
	// "data-modifying CTE", "second statement". It is empty for a read.
	Reason string

	// Reads and Writes are the tables that the text names, without quotes,
	// with their schema if it is written, and in the case to which the server
	// folds them: PostgreSQL folds what is not quoted to lower case, SQLite
	// everything, MySQL nothing. Names of WITH members and aliases are left
	// out. What a view, a trigger or a foreign key touches is not seen.
	Reads, Writes []string

	// TablesKnown says that Reads and Writes are complete. Otherwise the text
	// may touch any table.
	TablesKnown bool

	// Mutates says that the text may change data, whatever its kind. A read
	// never does; SELECT ... FOR UPDATE, SET and BEGIN do not; what is not
	// known does.
	Mutates bool

	// Session says that the text may leave state on its connection: always
	// true for KindSession, and for a text that hides a SET between a BEGIN and
	// a COMMIT, or that is not understood.
	Session bool

	// AsksSession says that the answer depends on what the connection did
	// before: LAST_INSERT_ID(), currval, a user variable.
	AsksSession bool

	// Tx is what the whole text does to the transaction of its connection. That
	// MySQL commits before CREATE TABLE and the like is not counted.
	Tx TxEffect
}

// Classify finds out what a query text may do, by the lexical rules of a
// dialect. Any text has an answer, found in linear time; what is not understood
// is a write.
//
// A read is proved: every statement in the text is SELECT, VALUES, TABLE, WITH
// ... SELECT, SHOW, an asking PRAGMA, COPY ... TO STDOUT, or EXPLAIN that runs
// nothing else; no locking clause, no INTO and no data-modifying WITH member is
// in it; and it calls only functions that are known to have no effect.
//
// What a text does not show is not seen: a view or an operator may call a
// function, and a user may define one with the name of a known function and
// other arguments. Replicas should therefore also be read-only by the server's
// own means.
func Classify(d Dialect, query string) Statement { return classify(d, query, nil) }

// functions are what a user adds to the lists of known functions: read_functions
// and write_functions of the configuration.
type functions = sqlscan.Functions

func newFunctions(read, write []string) (*functions, error) {
	return sqlscan.NewFunctions(read, write)
}

// classify is Classify with the functions of a user, which may be nil.
func classify(d Dialect, query string, f *functions) (s Statement) {
	mayLock := s.scan(nil, d, query, f)
	if d == MySQL {
		s.crossExamine(query, mayLock, false)
	}
	return s
}

// scan is classify without the second witness, and reports whether that might see a
// lock. The names of the tables are in room, if they have it there.
func (s *Statement) scan(room []string, d Dialect, query string, f *functions) (mayLock bool) {
	var facts sqlscan.Facts
	sqlscan.ScanInto(&facts, room, scanDialect[d&3], query, f)
	s.Kind = scanKind[facts.Kind]
	s.Verb = facts.Verb
	s.OtherVerbs = facts.OtherVerbs
	s.Reason = facts.Reason
	s.Reads = facts.Reads
	s.Writes = facts.Writes
	s.TablesKnown = facts.TablesKnown
	s.Mutates = facts.Mutates
	s.Session = facts.Session
	s.AsksSession = facts.Asks
	s.Tx = scanTx[facts.Tx]
	return facts.MayLock
}

var (
	scanDialect = [...]sqlscan.Dialect{Generic: sqlscan.Generic, Postgres: sqlscan.Postgres, MySQL: sqlscan.MySQL, SQLite: sqlscan.SQLite}
	scanKind    = [...]Kind{sqlscan.Read: KindRead, sqlscan.Write: KindWrite, sqlscan.Session: KindSession, sqlscan.Transaction: KindTransaction}
	scanTx      = [...]TxEffect{sqlscan.TxNone: TxNone, sqlscan.TxBegin: TxBegin, sqlscan.TxEnd: TxEnd}
)
