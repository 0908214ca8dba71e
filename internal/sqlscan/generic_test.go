package sqlscan

import (
	"reflect"
	"testing"

	"github.com/multidb-go/multidb/internal/sqlcases"
)

// FuzzGeneric: where one reading stands for all, the others say the same.
func FuzzGeneric(f *testing.F) {
	for _, c := range sqlcases.All() {
		f.Add(c.Query)
	}
	user, err := NewFunctions([]string{"get_*", "app.f"}, []string{"lower"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, user := range []*Functions{nil, user} {
			var one Facts
			scanGeneric(&one, nil, text, user)
			if each := scanEach(text, user); !reflect.DeepEqual(one, each) {
				t.Errorf("%q\n%+v\n%+v", text, one, each)
			}
		}
	})
}

// TestGenericReadsOnce: the usual texts of unknown drivers are read once.
func TestGenericReadsOnce(t *testing.T) {
	for _, text := range []string{
		"SELECT u.name, count(*) FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.name LIKE 'A%' AND u.id IN (?, ?) GROUP BY u.name ORDER BY 2 DESC LIMIT 10 OFFSET 5",
		"INSERT INTO t (a, b) VALUES (1, ?), (2.5, 'it''s') -- remark",
		"/* from here */ UPDATE t SET a = coalesce(?, lower(b)) WHERE c = -1;",
	} {
		s := newScanner(Postgres, text, nil)
		s.lex.generic = true
		s.run()
		if s.lex.chosen {
			t.Errorf("%s\n\tis read by the rules of each dialect", text)
		}
		s.giveBack()
	}
}
