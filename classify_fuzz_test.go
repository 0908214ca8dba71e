package multidb

import "testing"

// FuzzClassify: any bytes have an answer, and it is consistent in itself.
func FuzzClassify(f *testing.F) {
	for _, q := range []string{"SELECT 1", "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "E'\\'", "/*!50000 a", "$a$ $a$", "[", "U&\"\"(", "\"\"(1)", "@`", "@@`a`", "(((", ")", "x.", ".x", "FROM", "CREATE TABLE", "EXPLAIN (", "COPY (", "PRAGMA x.y(z)", "``.``"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for d := Generic; d <= SQLite; d++ {
			s := Classify(d, query)
			if s.Kind == KindRead && (s.Reason != "" || s.Mutates || s.Session || s.Tx != TxNone || s.Writes != nil) {
				t.Errorf("%s: a read that has an effect: %+v", d, s)
			}
			if s.Kind != KindRead && s.Reason == "" {
				t.Errorf("%s: no reason: %+v", d, s)
			}
			if s.Kind == KindSession && !s.Session {
				t.Errorf("%s: a session statement that leaves nothing: %+v", d, s)
			}
		}
	})
}
