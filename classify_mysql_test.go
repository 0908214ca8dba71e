package multidb

import "testing"

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
		s.crossExamine(c.query)
		if s.Kind != c.kind || s.Kind == KindRead && s.TablesKnown != c.tables {
			t.Errorf("%s: %s, tables known: %v; want %s, %v", c.query, s.Kind, s.TablesKnown, c.kind, c.tables)
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
	for _, query := range []string{"select 1", "/*!*/", "select a from t for update", "select * from a.b, c join d", "insert into t select 1", "select 1; drop table t"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, kind := range []Kind{KindRead, KindWrite} {
			s := Statement{Kind: kind, Verb: "select", Reads: []string{"t"}}
			s.crossExamine(query)
			if s.Kind == KindRead && kind != KindRead || len(s.Reads) == 0 || s.TablesKnown {
				t.Errorf("%q: %+v", query, s)
			}
		}
	})
}
