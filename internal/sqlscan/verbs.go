package sqlscan

// statement reads one statement, from the token in hand up to its semicolon.
func (s *scanner) statement() {
	s.naming = 1
	switch t := s.tok(); {
	case t.kind == lparen,
		t.key == kSelect, t.key == kValues, t.key == kWith, t.key == kInsert, t.key == kUpdate, t.key == kDelete,
		t.key == kTable && s.lex.dialect != SQLite,
		t.key == kReplace && s.lex.dialect != Postgres,
		t.key == kMerge && s.lex.dialect == Postgres:
		if t.key == kWith {
			s.facts.Verb = "with"
		}
		s.query()
		return
	case t.kind != word:
		s.unknownStatement()
		return
	}
	s.facts.Verb = lower(s.spelling(s.tok()))
	s.naming = 0
	if read := verbs[s.facts.Verb]; read != nil && read.dialects&(1<<s.lex.dialect) != 0 {
		read.read(s)
	} else {
		s.unknownStatement()
	}
	s.skip()
}

func (s *scanner) unknownStatement() {
	s.facts.giveUp("unknown statement")
	s.expressions()
}

const (
	inPostgres = 1 << Postgres
	inMySQL    = 1 << MySQL
	inSQLite   = 1 << SQLite
	inAll      = inPostgres | inMySQL | inSQLite
)

// verbReader reads the statements that begin with one verb, in the dialects
// that have it.
type verbReader struct {
	dialects int
	read     func(*scanner)
}

var verbs map[string]*verbReader

func init() { // in init, for the readers refer to the map
	verbs = map[string]*verbReader{}
	add := func(dialects int, read func(*scanner), names ...string) {
		for _, n := range names {
			verbs[n] = &verbReader{dialects, read}
		}
	}
	add(inAll, (*scanner).explain, "explain")
	add(inMySQL, (*scanner).explain, "describe", "desc")
	add(inPostgres|inMySQL, (*scanner).show, "show")
	add(inAll, (*scanner).analyze, "analyze")
	add(inPostgres, (*scanner).copy, "copy")
	add(inSQLite, (*scanner).pragma, "pragma")

	add(inAll, (*scanner).begin, "begin")
	add(inPostgres|inMySQL, (*scanner).start, "start")
	add(inAll, (*scanner).commit, "commit", "rollback")
	add(inPostgres|inSQLite, (*scanner).commit, "end")
	add(inPostgres, (*scanner).commit, "abort")
	add(inAll, (*scanner).savepoint, "savepoint", "release")
	add(inMySQL, (*scanner).xa, "xa")
	add(inPostgres|inMySQL, (*scanner).prepare, "prepare")

	add(inPostgres|inMySQL, (*scanner).set, "set")
	add(inPostgres, (*scanner).sessionOnly, "reset", "listen", "unlisten", "deallocate", "fetch", "move", "close", "discard", "load")
	add(inMySQL, (*scanner).sessionOnly, "use", "lock", "unlock", "deallocate", "handler", "flush", "get", "help")
	add(inSQLite, (*scanner).sessionOnly, "attach", "detach")
	add(inPostgres, (*scanner).cursor, "declare")
	add(inPostgres|inMySQL, (*scanner).execute, "execute")
	verbs["deallocate"].dialects = inPostgres | inMySQL
	verbs["lock"] = &verbReader{inPostgres | inMySQL, (*scanner).lock}
	verbs["load"] = &verbReader{inPostgres | inMySQL, (*scanner).load}
	verbs["reset"] = &verbReader{inPostgres | inMySQL, (*scanner).reset}

	add(inAll, (*scanner).create, "create")
	add(inAll, (*scanner).dropOrAlter, "drop", "alter")
	add(inPostgres|inMySQL, (*scanner).truncate, "truncate")
	add(inPostgres|inMySQL, (*scanner).anything, "call", "do")
	add(inAll, (*scanner).anything, "vacuum", "reindex")
	add(inPostgres|inMySQL, (*scanner).anything, "grant", "revoke", "import")
	add(inPostgres, (*scanner).anything, "checkpoint", "cluster", "comment", "notify", "reassign", "refresh", "security")
	add(inMySQL, (*scanner).anything, "rename", "optimize", "repair", "check", "checksum", "cache", "kill", "purge",
		"change", "stop", "install", "uninstall", "signal", "resignal", "shutdown", "restart", "clone")
}

// anything: it writes, and what it touches is not looked for.
func (s *scanner) anything() {
	s.facts.mutate(s.verbReason())
	s.facts.TablesKnown = false
	s.expressions()
}

// verbReason names a statement by its verb in capitals.
func (s *scanner) verbReason() string {
	if s.facts.Kind != Read {
		return s.facts.Reason
	}
	return upper(s.facts.Verb)
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'a' < 26 {
			b[i] = c &^ 0x20
		}
	}
	return string(b)
}

// sessionOnly: it changes the connection and no data.
func (s *scanner) sessionOnly() {
	s.facts.raise(Session, upper(s.facts.Verb))
	s.advance()
	s.expressions()
}

// cursor reads DECLARE ... FOR query.
func (s *scanner) cursor() {
	s.facts.raise(Session, "DECLARE")
	for !s.end() && s.tok().key != kFor {
		s.advance()
	}
	s.advance()
	s.query()
}

// execute runs what was prepared before: on this connection, and it may do anything.
func (s *scanner) execute() {
	s.facts.raise(Session, upper(s.facts.Verb))
	s.facts.Mutates = true
	s.facts.TablesKnown = false
	s.expressions()
}

// prepare: PREPARE name AS ..., or PostgreSQL's PREPARE TRANSACTION.
func (s *scanner) prepare() {
	s.advance()
	if s.lex.dialect == Postgres && s.is("transaction") {
		s.facts.raise(Transaction, "PREPARE TRANSACTION")
		s.facts.Tx = TxEnd
		return
	}
	s.execute()
}

func (s *scanner) lock() {
	if s.lex.dialect == MySQL { // LOCK TABLES holds until UNLOCK TABLES
		s.sessionOnly()
		return
	}
	s.facts.raise(Write, "LOCK")
	s.advance()
	if s.tok().key == kTable {
		s.advance()
	}
	s.nameList(false)
}

// load: PostgreSQL loads a library into the session, MySQL a file into a table.
func (s *scanner) load() {
	if s.lex.dialect == Postgres {
		s.facts.raise(Session, "LOAD")
		s.facts.Mutates = true
		return
	}
	s.anything()
}
