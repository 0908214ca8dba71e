// Package multidb is a [database/sql] driver that puts one [sql.DB] in front of
// many databases: a primary with its replicas, databases that have nothing to do
// with each other, or all of these. It finds out what every query text does,
// sends it to the engine that must or may answer it, and hands that engine's own
// driver's answer back untouched.
//
//	import _ "github.com/multidb-go/multidb"
//
//	db, err := sql.Open("multidb", os.Getenv("DATABASE_URL"))
//
// The data source name is a plain DSN of PostgreSQL, which makes multidb behave
// as pgx does alone; or a JSON document with engines, databases and rules; or
// "@" and the path of a file with that document. [ParseDSN] describes them, and
// [Config] is the same as a Go value, for [NewConnector] and [sql.OpenDB].
//
// # How a statement is routed
//
// First, which database holds the data: that of the open transaction; else the
// one chosen by [WithDatabase] or by an engine's name in [WithEngine]; else that
// of the first rule that matches, or of Config.Router; else the default one.
//
// Then, which engine of it answers: that of the open transaction; else the one
// chosen by [WithEngine] or a rule; else a replica for a read (which one, says
// Config.Balance), and the primary for all that is not proved to be one (see
// [Classify]) or is called through Exec. Each route has a reason, which Config.Echo logs and [Connector.Stats]
// counts.
//
// A transaction stays on its engine. A context that asks for another one in the
// middle of it gets [ErrTxEngine] or [ErrTxDatabase], never a silent switch.
//
// # Replicas lag
//
// A replica may not yet have what the same program wrote a moment ago. Read it
// inside the transaction that wrote it, or with WithEngine(ctx, Primary), or
// set Config.Reads to "primary" and choose [Replica] where an old answer will
// do.
//
// # When a server fails
//
// A read that a replica did not begin to answer goes to another one, then to the
// primary unless Config.Fallback says otherwise. An engine that cannot be
// connected to within Config.ConnectTimeout is left alone until it answers again.
// A replica that hangs is found out, and the reads that wait for it are
// interrupted with pgx and go-sql-driver; with other drivers set their own read
// timeout.
//
// The connections of a replica are opened read-only (Engine.ReadOnly). What one
// refuses as a write runs once on the primary. PgBouncer refuses the setting in
// the startup message of PostgreSQL, and one that ignores it leaves the replica
// unused: set "trust" for engines behind it, or let the server set
// default_transaction_read_only for their role.
//
// With Config.Discover the servers are asked which engine is the primary, and
// writes follow a failover. What was not sent waits for up to
// Config.FailoverTimeout. While two engines say that they are the primary, or one
// that was replaced says so and the new one does not answer, writes are refused
// with [ErrTwoPrimaries] until one of them is drained (see [EngineControl.Drain]) or
// made a replica. Programs that do not use multidb are
// not kept from an old primary, and writes that were acknowledged and not
// replicated are lost with it: synchronous replication is what keeps those.
//
// # Tenants
//
// A database for each customer need not be in the configuration: Config.Tenants is
// a template, and Config.Resolve a function, from which WithDatabase(ctx, "acme")
// opens the database of that name when it is first used. With
// Config.RequireDatabase a statement without a name is an error, and nothing ever
// falls back to another tenant or to the default database. MaxOpenTotal bounds the
// connections of all, MaxDatabases how many are kept open; [Connector.Forget] lets
// one move, and [ForEach] works on many.
//
// # Pool settings
//
// With several engines each engine has a pool of its own, whose limits are in
// the configuration (see [Engine]), and the connections that the sql.DB counts
// are empty hands. Leave sql.DB.SetMaxOpenConns alone: a limit there makes
// statements for an idle engine wait behind those for a busy one, and a program
// that writes while it reads rows can wait for itself. But raise
// sql.DB.SetMaxIdleConns, to 64 or so, where statements are prepared on the sql.DB:
// an idle hand remembers what it prepared and costs no connection. With a single engine
// that has no pool settings, the connections are the sql.DB's own and its
// settings mean what they always do.
//
// # Session state
//
// A SET, a temporary table, an advisory lock, LISTEN or PREPARE belongs to one
// connection. Use such statements on a [sql.Conn] or in a transaction: the
// session then stays with that engine, and its child connection is closed at
// the end so that nobody else meets the state. On the sql.DB itself they are
// lost at once. With a single engine this is as it is without multidb.
//
// # What is not a read
//
// A SELECT with FOR UPDATE, with INTO, or with a function that is not known to
// be without effect goes to the primary. Name your own functions without
// effect in Config.ReadFunctions. What a view or an operator does inside the
// server cannot be seen from the text; a replica refuses it.
//
// # Writes whose answer was lost
//
// When a connection breaks while a write is under way, nobody can say whether
// it was done, so it is not repeated. With several engines the error is
// [ErrUnknownOutcome]. With a single one it is the child's own, unless that would
// make database/sql run the write again.
package multidb
