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

func (s *scanner) reset() {
	if s.lex.dialect == MySQL { // RESET MASTER, RESET REPLICA
		s.anything()
		return
	}
	s.sessionOnly()
}

// set reads SET. What is bound to the transaction (PostgreSQL's SET LOCAL and
// SET TRANSACTION) leaves nothing on the connection; in MySQL both words mean
// the session.
func (s *scanner) set() {
	s.advance()
	if s.lex.dialect == Postgres {
		if s.is("local") || s.is("transaction") || s.is("constraints") {
			s.facts.raise(Transaction, "SET "+upper(lower(s.spelling(s.tok()))))
			return
		}
		s.facts.raise(Session, "SET")
		return
	}
	s.facts.raise(Session, "SET")
	for _, w := range []string{"global", "persist", "persist_only", "password", "default", "resource", "statement"} {
		if s.is(w) {
			s.facts.Mutates = true
			s.facts.TablesKnown = false
		}
	}
	s.expressions()
}

// create reads CREATE ...: it writes the thing that it creates, and reads what
// the query behind AS reads. What is temporary belongs to the session.
func (s *scanner) create() {
	s.facts.mutate("CREATE")
	s.advance()
	for s.createOption() {
		s.advance()
	}
	switch {
	case s.tok().key == kTable, s.is("view"):
		s.advance()
		s.ifExists()
		if s.tok().kind == word || s.tok().kind == quoted {
			s.created(s.readPath())
			s.tableSource()
			return
		}
	case s.tok().key == kIndex:
		s.index()
		return
	case s.is("trigger"), s.is("procedure"), s.is("function"), s.is("event"), s.is("package"):
		s.facts.TablesKnown = false
		s.body()
		return
	}
	s.facts.TablesKnown = false
	s.rest()
}

// createOption reports whether the word in hand stands between CREATE and what
// is created.
func (s *scanner) createOption() bool {
	switch s.tok().key {
	case kTemp, kTemporary:
		s.facts.raise(Session, "temporary table")
		return true
	case kOr, kReplace, kGlobal, kLocal, kUnlogged, kMaterialized, kRecursive:
		return true
	}
	return s.is("unique") || s.is("fulltext") || s.is("spatial")
}

// index reads CREATE INDEX ... ON t.
func (s *scanner) index() {
	for !s.end() && s.tok().key != kOn {
		s.advance()
	}
	s.advance()
	if s.tok().key == kOnly {
		s.advance()
	}
	if s.tok().kind == word || s.tok().kind == quoted {
		s.table(s.readPath(), true)
	} else {
		s.facts.TablesKnown = false
	}
	s.rest()
}

// created notes the table that CREATE TABLE makes. One in a schema of temporary
// tables belongs to the session, too.
func (s *scanner) created(p dotted) {
	if name, ok := s.name(p); !ok || isTemporary(s.lex.dialect, name) {
		s.facts.raise(Session, "temporary table")
	}
	s.table(p, true)
}

// tableSource reads what follows the name of a new table: its columns, which
// may refer to other tables, or a query.
func (s *scanner) tableSource() {
	for s.advance(); !s.end(); s.advance() {
		switch s.tok().key {
		case kSelect, kWith, kValues, kTable:
			if s.tok().key != kWith || s.prev().key == kAs {
				s.query()
				return
			}
		case kAs:
			if p := s.peek(); p.kind == lparen {
				s.advance()
				s.query()
				return
			}
		}
		if s.is("execute") || s.is("references") || s.is("inherits") || s.is("like") || s.is("using") || s.is("default") || s.is("check") || s.is("of") {
			s.facts.TablesKnown = false
		}
	}
}

// rest reads the remainder of a statement of which only calls matter.
func (s *scanner) rest() {
	for !s.end() {
		if s.is("pg_temp") {
			s.facts.raise(Session, "temporary table")
		}
		s.advance()
	}
}

// body reads a routine or a trigger, whose statements have semicolons of their
// own. It ends with END directly behind one of them.
func (s *scanner) body() {
	begun := false
	for ; !s.done(); s.pass() {
		if s.is("pg_temp") {
			s.facts.raise(Session, "temporary table")
		}
		switch {
		case s.is("begin"):
			begun = true
		case s.tok().kind == semicolon && !begun:
			return
		case begun && s.is("end") && (s.prev().kind == semicolon || equalFold(s.spelling(s.prev()), "begin") || equalFold(s.spelling(s.prev()), "atomic")):
			if s.lex.dialect != MySQL {
				s.advance()
				return
			}
		}
	}
	if begun && s.lex.dialect == MySQL {
		s.facts.Session = true // another statement may stand behind the body
	}
}

// ifExists steps over IF [NOT] EXISTS.
func (s *scanner) ifExists() {
	if s.tok().key != kIf {
		return
	}
	s.advance()
	if s.tok().key == kNot {
		s.advance()
	}
	if s.tok().key == kExists {
		s.advance()
	}
}

// dropOrAlter reads DROP TABLE a, b and ALTER TABLE a; of other things it only
// says that they write.
func (s *scanner) dropOrAlter() {
	alter := s.is("alter")
	s.facts.mutate(s.verbReason())
	s.advance()
	if s.tok().key == kTemporary {
		s.facts.raise(Session, "temporary table")
		s.advance()
	}
	if s.tok().key != kTable && !s.is("view") {
		s.facts.TablesKnown = false
		s.rest()
		return
	}
	s.advance()
	s.ifExists()
	s.nameList(true)
	if alter {
		s.facts.TablesKnown = s.facts.TablesKnown && s.end()
		s.rest()
	}
}

// truncate reads TRUNCATE [TABLE] a, b.
func (s *scanner) truncate() {
	s.facts.mutate("TRUNCATE")
	s.advance()
	if s.tok().key == kTable {
		s.advance()
	}
	s.nameList(true)
}

// nameList reads a list of tables.
func (s *scanner) nameList(written bool) {
	for !s.end() {
		if s.tok().key == kOnly {
			s.advance()
		}
		if s.tok().kind != word && s.tok().kind != quoted {
			s.facts.TablesKnown = false
			return
		}
		s.table(s.readPath(), written)
		s.advance()
		if s.tok().kind == op { // PostgreSQL: t *
			s.advance()
		}
		if s.tok().kind != comma {
			return
		}
		s.advance()
	}
}

// copy reads PostgreSQL's COPY. Only to the client it is a read.
func (s *scanner) copy() {
	s.advance()
	toClient, fromQuery := false, s.tok().kind == lparen
	var table dotted
	if fromQuery {
		s.copyQuery()
	} else {
		if s.tok().kind != word && s.tok().kind != quoted {
			s.facts.mutate("COPY")
			s.facts.TablesKnown = false
			return
		}
		table = s.readPath()
		s.advance()
		if s.tok().kind == lparen {
			for !s.end() && s.tok().kind != rparen {
				s.advance()
			}
			s.advance()
		}
	}
	from := s.tok().key == kFrom
	if s.tok().key == kTo {
		s.advance()
		toClient = s.is("stdout")
	}
	if table.parts > 0 {
		s.table(table, from)
	}
	if !toClient {
		s.facts.mutate("COPY")
	}
}

// copyQuery reads the query in COPY (query) TO.
func (s *scanner) copyQuery() {
	s.frames, s.ctes = s.frames[:0], s.ctes[:0]
	s.push(inQuery, atStart)
	s.naming = 0
	for !s.done() && s.tok().kind != semicolon {
		s.step()
		if len(s.frames) == 1 && s.tok().kind == rparen {
			s.advance()
			return
		}
		s.advance()
	}
}

// analyze: MariaDB's ANALYZE SELECT runs the statement; all else updates statistics.
func (s *scanner) analyze() {
	if s.lex.dialect == MySQL {
		switch s.peek().key {
		case kSelect, kInsert, kUpdate, kDelete, kReplace, kWith:
			s.advance()
			s.query()
			return
		}
	}
	s.anything()
}

// show: PostgreSQL's settings, MySQL's everything.
func (s *scanner) show() {
	s.advance()
	if s.lex.dialect == MySQL {
		switch {
		case s.is("warnings"), s.is("errors"), s.is("count"), s.is("profile"), s.is("profiles"):
			s.facts.raise(Write, "SHOW "+upper(lower(s.spelling(s.tok())))) // of this connection
		case s.is("master"), s.is("binary"), s.is("binlog"):
			s.facts.raise(Write, "SHOW "+upper(lower(s.spelling(s.tok())))) // of the primary
		}
	}
	s.expressions()
}

// explain reads EXPLAIN. It runs its statement only with ANALYZE; while planning
// it may call functions all the same, so these count.
func (s *scanner) explain() {
	s.advance()
	runs := false
	switch s.lex.dialect {
	case Postgres:
		runs = s.explainOptions()
	case SQLite:
		if s.accept("query") {
			s.accept("plan")
		}
	case MySQL:
		runs = s.mysqlExplainOptions()
	}
	switch s.tok().key {
	case kSelect, kValues, kWith, kInsert, kUpdate, kDelete, kTable, kReplace, kMerge:
		s.planOnly = !runs
		s.naming = 0
		s.query()
		return
	}
	switch {
	case s.tok().kind == lparen:
		s.planOnly = !runs
		s.naming = 0
		s.query()
	case s.lex.dialect == MySQL && (s.tok().kind == word || s.tok().kind == quoted) && s.tok().key != kFor:
		s.describe()
	case s.lex.dialect == MySQL && s.tok().key == kFor:
		s.facts.raise(Write, "EXPLAIN FOR CONNECTION")
	default:
		s.facts.mutate("EXPLAIN")
		s.facts.TablesKnown = false
		if s.is("execute") {
			s.execute()
		}
		s.expressions()
	}
}

// describe reads EXPLAIN t and EXPLAIN t column.
func (s *scanner) describe() {
	s.table(s.readPath(), false)
	s.advance()
	if k := s.tok().kind; k == word || k == quoted || k == str {
		s.advance()
	}
	if !s.end() {
		s.strange()
	}
}

// explainOptions steps over PostgreSQL's options and reports whether the
// statement is run. Of an option that is given twice the last counts; what is
// not surely off is on.
func (s *scanner) explainOptions() (runs bool) {
	if s.tok().kind == lparen {
		switch s.peek().key {
		case kSelect, kValues, kWith, kTable:
			return false
		}
		if s.peek().kind == lparen {
			return false
		}
		for s.advance(); !s.end() && s.tok().kind != rparen; {
			analyze := s.tok().key == kAnalyze || s.tok().key == kAnalyse || s.tok().kind == quoted
			s.advance()
			if analyze {
				runs = !(s.is("off") || s.is("false") || s.tok().kind == number && s.spelling(s.tok()) == "0")
			}
			for !s.end() && s.tok().kind != comma && s.tok().kind != rparen {
				s.advance()
			}
			if s.tok().kind == comma {
				s.advance()
			}
		}
		s.advance()
		return runs
	}
	for {
		switch {
		case s.tok().key == kAnalyze, s.tok().key == kAnalyse:
			runs = true
		case s.is("verbose"):
		default:
			return runs
		}
		s.advance()
	}
}

func (s *scanner) mysqlExplainOptions() (runs bool) {
	for {
		switch {
		case s.tok().key == kAnalyze:
			runs = true
		case (s.is("extended") || s.is("partitions")) && !s.peek().kind.ends():
		case s.is("format") && s.peek().kind == op:
			s.advance()
			s.advance()
		default:
			return runs
		}
		s.advance()
	}
}

// pragma reads SQLite's PRAGMA: some only ask, most also set.
func (s *scanner) pragma() {
	s.advance()
	if s.tok().kind != word && s.tok().kind != quoted {
		s.unknownStatement()
		return
	}
	p := s.readPath()
	name := lower(s.spelling(&p.last))
	s.advance()
	switch sets := !s.end(); {
	case pragmaReads[name], !sets && pragmaAsks[name]:
		return
	default:
		s.facts.raise(Session, "PRAGMA "+name)
		s.facts.Mutates = !pragmaSession[name]
	}
}

func words(list ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range list {
		m[w] = true
	}
	return m
}

var (
	// pragmaReads only ask, even with an argument.
	pragmaReads = words("table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list",
		"foreign_key_list", "foreign_key_check", "database_list", "collation_list", "function_list", "module_list",
		"pragma_list", "compile_options", "integrity_check", "quick_check")

	// pragmaSession change the connection and no data.
	pragmaSession = words("analysis_limit", "automatic_index", "busy_timeout", "cache_size", "cache_spill",
		"case_sensitive_like", "cell_size_check", "checkpoint_fullfsync", "count_changes", "defer_foreign_keys",
		"empty_result_callbacks", "foreign_keys", "full_column_names", "fullfsync", "hard_heap_limit",
		"ignore_check_constraints", "legacy_alter_table", "locking_mode", "max_page_count", "mmap_size",
		"query_only", "read_uncommitted", "recursive_triggers", "reverse_unordered_selects", "secure_delete",
		"short_column_names", "soft_heap_limit", "synchronous", "temp_store", "threads", "trusted_schema",
		"wal_autocheckpoint", "writable_schema")

	// pragmaAsks only ask, if they have no argument.
	pragmaAsks = func() map[string]bool {
		m := words("application_id", "auto_vacuum", "encoding", "freelist_count", "journal_mode",
			"journal_size_limit", "page_count", "page_size", "schema_version", "user_version")
		for name := range pragmaSession {
			m[name] = name != "case_sensitive_like"
		}
		return m
	}()
)

// begin: BEGIN. MariaDB's BEGIN NOT ATOMIC is a block of statements.
func (s *scanner) begin() {
	s.advance()
	if s.lex.dialect == MySQL && s.tok().key == kNot {
		s.facts.giveUp("compound statement")
		for !s.done() {
			s.pass()
		}
		return
	}
	s.facts.raise(Transaction, "BEGIN")
	s.facts.Tx = TxBegin
}

// start: START TRANSACTION; MySQL starts other things as well.
func (s *scanner) start() {
	s.advance()
	if !s.is("transaction") {
		s.anything()
		return
	}
	s.facts.raise(Transaction, "START TRANSACTION")
	s.facts.Tx = TxBegin
}

// commit: COMMIT, END, ROLLBACK, ABORT. ROLLBACK TO a savepoint ends nothing,
// AND CHAIN begins the next transaction, and the second half of two-phase
// commit is about another transaction.
func (s *scanner) commit() {
	s.facts.raise(Transaction, upper(lower(s.spelling(s.tok()))))
	s.advance()
	if s.is("prepared") {
		s.facts.Mutates = true
		return
	}
	effect := TxEnd
	for ; !s.end(); s.advance() {
		switch {
		case s.tok().key == kTo:
			effect = TxNone
		case s.is("chain"):
			if s.prev().key != kNo {
				effect = TxBegin
			}
		}
		if effect == TxNone {
			return
		}
	}
	s.facts.Tx = effect
}

// savepoint: SAVEPOINT and RELEASE. SQLite's SAVEPOINT opens a transaction if
// there is none.
func (s *scanner) savepoint() {
	s.facts.raise(Transaction, upper(s.facts.Verb))
	if s.is("savepoint") && s.lex.dialect == SQLite {
		s.facts.Tx = TxBegin
	}
}

// xa reads MySQL's XA statements.
func (s *scanner) xa() {
	s.advance()
	s.facts.raise(Transaction, "XA")
	switch {
	case s.is("start"), s.is("begin"):
		s.facts.Tx = TxBegin
	case s.is("commit"), s.is("rollback"):
		s.facts.Mutates = true
		s.facts.Tx = TxEnd
	}
}
