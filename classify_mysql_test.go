package multidb

import (
	"context"
	"testing"
)

// The second witness finds a lock and a table by itself, whatever the scanner says.
func TestSecondWitness(t *testing.T) {
	for _, c := range []struct {
		query  string
		kind   Kind
		tables bool
	}{
		{"select a from t where b = 1", KindRead, true},
		{"select a from t where b = 1 for update", KindWrite, true},
		{"select a from t union select b from u lock in share mode", KindWrite, true},
		{"select a from t, other", KindRead, false},
		{"delete from t", KindWrite, true},
		{"select 1 from dual", KindRead, true},
		{"select row_number() over (order by a) from other", KindRead, true}, // not its MySQL: it is silent
	} {
		s := Statement{Kind: KindRead, Verb: "select", Reads: []string{"t", "u"}, TablesKnown: true}
		s.crossExamine(c.query, true, true)
		if s.Kind != c.kind || s.Kind == KindRead && s.TablesKnown != c.tables {
			t.Errorf("%s: %s, tables known: %v; want %s, %v", c.query, s.Kind, s.TablesKnown, c.kind, c.tables)
		}
	}
}

// A connector asks it only where it could change the route.
func TestSecondWitnessIsAskedWhereItMatters(t *testing.T) {
	for query, want := range map[string]bool{
		"SELECT a FROM t WHERE b = 1":                       false,
		"\n (select a from t)":                              false,
		"select a from t for update":                        true,
		"SELECT a FROM t LOCK IN share":                     true,
		"select next value from s":                          true,
		"select neXt value from s":                          true,
		"select a from t FoR share":                         true,
		"select a from t locK":                              true,
		"/* a */ select 1":                                  true, // its comments may be others
		"delete from t":                                     true,
		"sel":                                               true,
		"select information from t":                         false,
		"select information, locks, 'a' from t":             false,
		"select 1 from t /*!50000for update*/":              true,
		"select 'a'for update":                              true,
		"select a from t where b = c // `\nfor update // `": true, // a comment to it
		"select @for, 'a'":                                  false,
		"select a from t where b = 'go for it'":             true, // costs, and does no harm
		"select a from t where b = 'for update'":            true,
		"select a from t -- for update":                     true,
		"select `for update` from t":                        false,
		"select \"for update\" from t":                      true, // one server's string is another one's name
		"select t.for from t":                               false,
		"select t. for from t":                              true,
		"select count(*), next_id from t where b in (?, ?)": false,
	} {
		var s Statement
		if got := mayObject(query, s.scan(nil, MySQL, query, nil)); got != want {
			t.Errorf("%s: may object: %v, want %v", query, got, want)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*Config)
		asked  bool
	}{
		{"no rules", func(*Config) {}, false},
		{"by verb", func(c *Config) { c.Rules = []Rule{{Verbs: []string{"insert"}, Use: "other"}} }, false},
		{"by table", func(c *Config) { c.Rules = []Rule{{Tables: []string{"a"}, Use: "other"}} }, true},
		{"router", func(c *Config) { c.Router = func(context.Context, Statement) (string, error) { return "", nil } }, true},
	} {
		config := Config{Primary: routed("mysql"), Databases: map[string]Database{"other": {Primary: routed("mysql")}}}
		c.change(&config)
		if k := mustConnector(t, config); k.asksForTables != c.asked {
			t.Errorf("%s: asks for tables: %v", c.name, k.asksForTables)
		}
	}
}

// It panics on some texts; that must stay inside.
func TestSecondWitnessPanics(t *testing.T) {
	for _, query := range []string{"/*!*/", "select /*!*/ 1", "select 1 /*! */", "/*!", "select '\\"} {
		parseMySQL(query)
	}
}

// FuzzSecondWitness: the witness makes nothing a read that was none before, and
// takes no table away.
func FuzzSecondWitness(f *testing.F) {
	for _, query := range []string{"select 1", "/*!*/", "select a from t for update", "select * from a.b, c join d", "insert into t select 1", "select 1; drop table t",
		"select 1 /*!50000for update*/", "select a from t where b = 'x' for update", "select x.for, `for` from t lock in share mode",
		"select next 5 values from s", "select 0x1for", "select @for, :for", "select a // b\nfor update"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, kind := range []Kind{KindRead, KindWrite} {
			s := Statement{Kind: kind, Verb: "select", Reads: []string{"t"}}
			s.crossExamine(query, true, true)
			var scanned Statement
			mayLock := scanned.scan(nil, MySQL, query, nil)
			if s.Kind != kind && scanned.Kind == KindRead && !mayObject(query, mayLock) {
				t.Errorf("%q: objects, and was not to be asked: %s", query, s.Reason)
			}
			if s.Kind == KindRead && kind != KindRead || len(s.Reads) == 0 || s.TablesKnown {
				t.Errorf("%q: %+v", query, s)
			}
		}
	})
}
