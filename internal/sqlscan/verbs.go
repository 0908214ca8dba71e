package sqlscan

import "strings"

// statement reads one statement, from the token in hand up to its semicolon.
func (s *scanner) statement() {
	s.naming = 1
	switch t := s.tok(); {
	case t.kind == lparen,
		t.key == kSelect, t.key == kValues, t.key == kWith, t.key == kInsert, t.key == kUpdate, t.key == kDelete,
		t.key == kTable && s.lex.dialect() != SQLite,
		t.key == kReplace && s.lex.dialect() != Postgres,
		t.key == kMerge && s.lex.dialect() == Postgres:
		if t.key == kWith {
			s.facts.Verb = "with"
		}
		s.query()
		return
	case t.kind != word:
		s.unknownStatement()
		return
	}
	s.naming = 0
	verb, ok := s.verbInHand()
	if ok {
		s.facts.Verb = verb.name
		verb.read(s)
	} else {
		s.unknownStatement()
	}
	s.skip()
}

// verbInHand looks up the word in hand.
func (s *scanner) verbInHand() (*verbReader, bool) {
	i := int(verbOf[s.tok().key])
	if i == 0 {
		i = verbWords.find(s.spelling(s.tok()))
	}
	if i < 0 {
		return nil, false
	}
	v := &verbs[i]
	return v, (v.dialects == inAll || v.dialects&(1<<s.lex.dialect()) != 0)
}

// longestVerb is how long an unknown verb may be, to be shown.
const longestVerb = 63

func (s *scanner) unknownStatement() {
	s.facts.giveUp("unknown statement")
	if t := s.tok(); t.kind == word && s.facts.Verb == "" && t.end-t.start <= longestVerb {
		s.facts.Verb = lower(s.spelling(t))
	}
	if (s.beginsBlock() || s.tok().key == kFor) && s.lex.dialect() == MySQL {
		s.compound()
		return
	}
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
	name     string
	dialects int
	read     func(*scanner)
}

// verbs are the statements besides queries, verbWords finds them, and verbOf those
// that the lexer found to be keywords (0 says nothing). They are filled by init,
// because some readers come back to them.
var (
	verbs     []verbReader
	verbWords *wordTable
	verbOf    [keywordCount]uint8
)

func init() {
	for _, v := range []struct {
		names    string
		dialects int
		read     func(*scanner)
	}{
		{"explain", inAll, (*scanner).explain},
		{"describe desc", inMySQL, (*scanner).explain},
		{"show", inPostgres | inMySQL, (*scanner).show},
		{"analyze", inAll, (*scanner).analyze},
		{"copy", inPostgres, (*scanner).copy},
		{"pragma", inSQLite, (*scanner).pragma},

		{"begin commit rollback savepoint release", inAll, (*scanner).transaction},
		{"start", inPostgres | inMySQL, (*scanner).transaction},
		{"end", inPostgres | inSQLite, (*scanner).transaction},
		{"abort", inPostgres, (*scanner).transaction},
		{"xa", inMySQL, (*scanner).transaction},

		{"set", inPostgres | inMySQL, (*scanner).set},
		{"reset", inPostgres | inMySQL, (*scanner).reset},
		{"lock", inPostgres | inMySQL, (*scanner).lock},
		{"load", inPostgres | inMySQL, (*scanner).load},
		{"prepare", inPostgres | inMySQL, (*scanner).prepare},
		{"execute", inPostgres | inMySQL, (*scanner).execute},
		{"declare", inPostgres, (*scanner).cursor},
		{"deallocate", inPostgres | inMySQL, (*scanner).sessionOnly},
		{"listen unlisten close discard", inPostgres, (*scanner).sessionOnly},
		{"fetch move", inPostgres, (*scanner).sessionOnTables},
		{"use unlock get help", inMySQL, (*scanner).sessionOnly},
		{"handler flush", inMySQL, (*scanner).sessionOnTables},
		{"attach detach", inSQLite, (*scanner).attach},

		{"create", inAll, (*scanner).create},
		{"drop alter", inAll, (*scanner).dropOrAlter},
		{"truncate", inPostgres | inMySQL, (*scanner).truncate},
		{"vacuum reindex", inAll, (*scanner).anything},
		{"call do grant revoke import", inPostgres | inMySQL, (*scanner).anything},
		{"checkpoint cluster comment notify reassign refresh security", inPostgres, (*scanner).anything},
		{"rename optimize repair check checksum cache kill purge change stop install uninstall signal resignal " +
			"shutdown restart clone binlog", inMySQL, (*scanner).anything},
	} {
		for name := range strings.FieldsSeq(v.names) {
			verbs = append(verbs, verbReader{name, v.dialects, v.read})
		}
	}
	names := make([]string, len(verbs))
	for i, v := range verbs {
		names[i] = v.name
		if key := lookup(v.name); keywordText[key] == v.name {
			verbOf[key] = uint8(i)
		}
	}
	verbWords = newWordTable(names)
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

// attach: what is attached is an expression, and so is its name.
func (s *scanner) attach() {
	s.facts.raise(Session, upper(s.facts.Verb))
	for s.advance(); !s.end(); s.advance() {
		switch t := s.tok(); {
		case t.kind == lparen, t.key == kIn: // a query, a table
			s.facts.Mutates, s.facts.TablesKnown = true, false
		case s.peek().kind == lparen && (t.kind == word || t.kind == quoted):
			s.call(s.single())
			s.advance()
		}
	}
}

// sessionOnTables: it changes the connection, and which tables it is about is not looked for.
func (s *scanner) sessionOnTables() {
	s.facts.TablesKnown = false
	s.sessionOnly()
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
	if s.lex.dialect() == Postgres && s.is("transaction") && s.peek().kind == str {
		s.facts.raise(Transaction, "PREPARE TRANSACTION")
		s.facts.Tx = TxEnd
		return
	}
	s.execute()
}

func (s *scanner) lock() {
	if s.lex.dialect() == MySQL { // LOCK TABLES holds until UNLOCK TABLES
		s.sessionOnTables()
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
	if s.lex.dialect() == Postgres {
		s.facts.raise(Session, "LOAD")
		s.facts.Mutates = true
		return
	}
	s.anything()
}
