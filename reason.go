package multidb

// Reason says why a statement went to its engine.
type Reason uint8

const (
	ReasonNone          Reason = iota
	ReasonOnlyEngine           // the configuration has a single engine
	ReasonInTx                 // inside a transaction, on the transaction's engine
	ReasonPinned               // the connection holds session state, on that engine
	ReasonContext              // chosen by WithEngine
	ReasonRule                 // a rule names the engine
	ReasonRouter               // Config.Router names the engine
	ReasonRead                 // a read, on a replica
	ReasonReadsPrimary         // a read, which the configuration keeps on the primary
	ReasonNoReplica            // meant for a replica, and the database has none
	ReasonExec                 // a read called through Exec, which asks for an effect
	ReasonWrite                // not proved to be a read
	ReasonSession              // changes the state of the connection
	ReasonTransaction          // begins or ends a transaction by text
	ReasonBegin                // a transaction begins
	ReasonBeginReadOnly        // a read-only transaction begins
	ReasonPing
	ReasonRaw
	reasons // their number
)

var reasonTexts = [reasons]string{
	ReasonNone:          "",
	ReasonOnlyEngine:    "only engine",
	ReasonInTx:          "in transaction",
	ReasonPinned:        "session state",
	ReasonContext:       "chosen by context",
	ReasonRule:          "rule",
	ReasonRouter:        "router",
	ReasonRead:          "read",
	ReasonReadsPrimary:  "read, kept on primary",
	ReasonNoReplica:     "no replica to read from",
	ReasonExec:          "called through Exec",
	ReasonWrite:         "write",
	ReasonSession:       "session",
	ReasonTransaction:   "transaction",
	ReasonBegin:         "begin",
	ReasonBeginReadOnly: "begin read-only",
	ReasonPing:          "ping",
	ReasonRaw:           "raw",
}

func (r Reason) String() string { return reasonTexts[r] }
