package multidb

import "testing"

func TestTablePattern(t *testing.T) {
	for _, test := range []struct {
		pattern, table string
		want           bool
	}{
		{"event_log", "event_log", true},
		{"Event_Log", "EVENT_LOG", true},
		{"event_log", "audit.event_log", true},
		{"event_log", "shop.audit.event_log", true},
		{"event_log", "event_logs", false},
		{"event_log", "event_log.x", false},
		{"audit.*", "audit.x", true},
		{"audit.*", "shop.audit.x", true},
		{"audit.*", "x", false},
		{"audit.*", "audit", false},
		{"audit.*", "audit.b.x", false},
		{"*", "a.b", true},
		{"*.*", "b", false},
		{"a*", "a", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a*b*c", "axxbyyc", true},
		{"a*b*c", "axxc", false},
		{"*b*b*", "ab", false},
		{"tmp_*", "x.tmp_1", true},
		{"tmp_*.x", "tmp_1.x", true},
		{"c.s.t", "c.s.t", true},
		{"c.s.t", "s.t", false},
		{"é*", "É1", true},
	} {
		p, ok := newTablePattern(test.pattern)
		if !ok {
			t.Errorf("%q is refused", test.pattern)
		} else if p.match(test.table) != test.want {
			t.Errorf("%q fits %q: %t", test.pattern, test.table, !test.want)
		}
	}
	for _, bad := range []string{"", ".", "a.", ".a", "a..b", "a.b.c.d", "a b", `"a"`, "a?", "[a]", "a,b", "a/b"} {
		if _, ok := newTablePattern(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}
