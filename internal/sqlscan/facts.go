package sqlscan

// Kind says what a text may do, in the order of strictness: of several
// statements the strictest decides.
type Kind uint8

const (
	Read        Kind = iota // proved to have no effect
	Write                   // may have an effect, or must see what the primary sees
	Session                 // changes the state of its connection
	Transaction             // begins, ends or marks a transaction
)

// TxEffect says what a text does to the transaction of its connection.
type TxEffect uint8

const (
	TxNone  TxEffect = iota // nothing
	TxBegin                 // it leaves a transaction open
	TxEnd                   // it leaves none open
)

// Facts is what a scan finds out about a text.
type Facts struct {
	Kind        Kind
	Verb        string   // of the first statement
	OtherVerbs  []string // of the others, and of what changes rows inside of one; each once
	Reason      string   // why it is not a read
	Reads       []string // tables that it reads
	Writes      []string // tables that it writes
	TablesKnown bool     // Reads and Writes are complete
	Mutates     bool     // it may change data
	Session     bool     // it may leave state on its connection
	Asks        bool     // it asks for what earlier statements left on its connection
	MayLock     bool     // it has FOR, LOCK or NEXT in it, or another lexer might see that
	Tx          TxEffect
}

// raise notes that the text is at least of kind k. The reason that stays is the
// first one of the strictest kind.
func (f *Facts) raise(k Kind, reason string) {
	if k > f.Kind {
		f.Kind, f.Reason = k, reason
	}
	if k == Session {
		f.Session = true
	}
}

// mutate notes that the text may change data.
func (f *Facts) mutate(reason string) {
	f.raise(Write, reason)
	f.Mutates = true
}

// mayNotEnd: what ends a transaction may not be run, or another may begin.
func (f *Facts) mayNotEnd() {
	if f.Tx == TxEnd {
		f.Tx = TxBegin // the careful one: the connection is kept until it is known
	}
}

// ask notes that the answer is on the connection.
func (f *Facts) ask(reason string) {
	f.raise(Write, reason)
	f.Asks = true
}

// give up: the text may do anything from here on.
func (f *Facts) giveUp(reason string) {
	f.mutate(reason)
	f.Session = true
	f.TablesKnown = false
}
