package multidb

import (
	"testing"

	"database/sql/driver"

	"github.com/multidb-go/multidb/internal/testdb"
)

// A statement that lives long does not remember every child that it has met.
func TestRefsOfAStatementDoNotGrow(t *testing.T) {
	fake := testdb.NewFake(t, "primary", testdb.Full)
	fake.AskedAfterErrors = true
	k, err := NewConnector(Config{Primary: Engine{Connector: fake.Connector(), MaxOpen: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	conn, err := k.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := conn.(*Conn)
	prepared, err := c.PrepareContext(t.Context(), "DELETE FROM t")
	if err != nil {
		t.Fatal(err)
	}
	s := prepared.(*stmt)
	defer s.Close()
	for range 100 {
		if _, err := s.ExecContext(t.Context(), nil); err != nil && err != driver.ErrBadConn {
			t.Fatal(err)
		}
		c.IsValid()
		fake.Restart()
	}
	if len(s.refs) > 2 {
		t.Errorf("the statement remembers %d child statements, of which one at most is open", len(s.refs))
	}
}
