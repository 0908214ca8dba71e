package multidb

// reason says why a statement went to its engine. The first eight are the usual
// ones, which counters keep together.
type reason uint8

const (
	reasonNone          reason = iota
	reasonRead                 // a read, on a replica
	reasonWrite                // not proved to be a read
	reasonInTx                 // inside a transaction, on the transaction's engine
	reasonBegin                // a transaction begins
	reasonNoReplica            // meant for a replica, and the database has none
	reasonContext              // chosen by WithEngine
	reasonExec                 // a read called through Exec, which asks for an effect
	reasonOnlyEngine           // the configuration has a single engine
	reasonPinned               // the connection holds session state, on that engine
	reasonRule                 // a rule names the engine
	reasonRouter               // Config.Router names the engine
	reasonReadsPrimary         // a read, which the configuration keeps on the primary
	reasonNoneReady            // a read, which no replica can answer now
	reasonSession              // changes the state of the connection
	reasonTransaction          // begins or ends a transaction by text
	reasonBeginReadOnly        // a read-only transaction begins
	reasonPing
	reasonRaw
	reasons // their number
)

var reasonTexts = [reasons]string{
	reasonNone:          "",
	reasonOnlyEngine:    "only engine",
	reasonInTx:          "in transaction",
	reasonPinned:        "session state",
	reasonContext:       "chosen by context",
	reasonRule:          "rule",
	reasonRouter:        "router",
	reasonRead:          "read",
	reasonReadsPrimary:  "read, kept on primary",
	reasonNoReplica:     "no replica to read from",
	reasonNoneReady:     "read, no replica can answer",
	reasonExec:          "called through Exec",
	reasonWrite:         "write",
	reasonSession:       "session",
	reasonTransaction:   "transaction",
	reasonBegin:         "begin",
	reasonBeginReadOnly: "begin read-only",
	reasonPing:          "ping",
	reasonRaw:           "raw",
}

func (r reason) String() string { return reasonTexts[r] }
