package multidb

import "testing"

func TestClassifyKinds(t *testing.T) {
	for _, c := range []struct {
		dialect Dialect
		query   string
		kind    Kind
		reason  string
	}{
		{Postgres, "SELECT 1", KindRead, ""},
		{Postgres, "SELECT * FROM t FOR UPDATE", KindWrite, "FOR UPDATE"},
		{Postgres, "SELECT nextval('s')", KindWrite, "function nextval"},
		{Postgres, "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", KindWrite, "data-modifying CTE"},
		{Postgres, "SELECT 1; DELETE FROM t", KindWrite, "second statement"},
		{Postgres, "SET search_path = x", KindSession, "SET"},
		{Postgres, "SET LOCAL x = 1", KindTransaction, "SET LOCAL"},
		{MySQL, "SET LOCAL x = 1", KindSession, "SET"},
		{Postgres, "BEGIN", KindTransaction, "BEGIN"},
	} {
		if s := Classify(c.dialect, c.query); s.Kind != c.kind || s.Reason != c.reason {
			t.Errorf("%s: %s\n\tis a %s (%s), want a %s (%s)", c.dialect, c.query, s.Kind, s.Reason, c.kind, c.reason)
		}
	}
}
