//go:build go1.27

package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"testing"

	"github.com/multidb-go/multidb"
)

// scannerConn gives rows that scan their columns themselves, into what the
// program gives and database/sql does not know.
type scannerConn struct{ driver.Conn }

type scannerRows struct{ read bool }

func (scannerConn) Close() error { return nil }

func (scannerConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return new(scannerRows), nil
}

func (scannerConn) Connect(context.Context) (driver.Conn, error) { return scannerConn{}, nil }
func (scannerConn) Driver() driver.Driver                        { return nil }

func (*scannerRows) Columns() []string         { return []string{"n"} }
func (*scannerRows) Close() error              { return nil }
func (*scannerRows) Next([]driver.Value) error { return io.ErrUnexpectedEOF }

func (r *scannerRows) NextRow() error {
	if r.read {
		return io.EOF
	}
	r.read = true
	return nil
}

func (*scannerRows) ScanColumn(_ driver.ScanContext, _ int, dest any) error {
	*dest.(*chan string) = make(chan string, 7)
	return nil
}

// Rows that scan for themselves do so below multidb.
func TestRowsColumnScanner(t *testing.T) {
	child := multidb.Engine{Driver: "pgx", Connector: scannerConn{}, ReadOnly: "trust"}
	for name, db := range map[mode]*sql.DB{
		direct: sql.OpenDB(scannerConn{}),
		held:   openConfig(t, multidb.Config{Primary: child}),
		leased: openConfig(t, multidb.Config{Primary: child, Replicas: []multidb.Engine{child}}),
	} {
		var got chan string
		if err := db.QueryRow("SELECT n FROM t").Scan(&got); err != nil || cap(got) != 7 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		check(t, db.Close())
	}
}
