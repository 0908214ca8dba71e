package multidb

// Dialect says by which server's rules a query text is read.
type Dialect uint8

const (
	Generic Dialect = iota
	Postgres
	MySQL
	SQLite
	dialects // their number
)

// Kind says what a statement may do.
type Kind uint8

const (
	KindWrite       Kind = iota // the zero value: what is not known is a write
	KindRead                    // proved to have no effect
	KindSession                 // changes the state of its connection
	KindTransaction             // begins, ends or marks a transaction
)

// Statement is what Classify found out about a query text.
type Statement struct {
	Kind   Kind
	Verb   string
	Reason string
	Reads  []string
	Writes []string
	// TablesKnown: Reads and Writes are complete.
	TablesKnown bool
	// Mutates: may change data.
	Mutates bool
	// Tx: what it does to the connection's transaction state
	Tx TxEffect
}

// TxEffect is what a statement text does to the transaction that is open on its connection.
type TxEffect uint8

const (
	TxNone  TxEffect = iota
	TxBegin          // leaves a transaction open
	TxEnd            // leaves no transaction open
)

func Classify(d Dialect, query string) Statement { return Statement{} }

type functions struct{}

func newFunctions(read, write []string) (*functions, error)    { return nil, nil }
func classify(d Dialect, query string, f *functions) Statement { return Statement{} }
