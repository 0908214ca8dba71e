package integration

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/multidb-go/multidb"
)

// seenDSN is a driver that keeps the last DSN that it was given, and connects to
// nothing.
type seenDSN struct {
	mu   sync.Mutex // guards last
	last string
}

var errSeen = errors.New("seen, and not connected")

func (d *seenDSN) Open(dsn string) (driver.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = dsn
	return nil, errSeen
}

func (d *seenDSN) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := d.last
	d.last = ""
	return last
}

var seen seenDSN

func init() { sql.Register("mysql-seen", &seen) }

// The DSN of a tenant is read by go-sql-driver as the template is, but for the name.
func FuzzTenantDSNOfMySQL(f *testing.F) {
	for _, name := range []string{"acme", "a-b_c", "A1", "0", "a/b", "a)b", "a b", "a@b", "a?b=c", "a&b", "a:1", "é", "%41", "{tenant}"} {
		f.Add(name)
	}
	for length := 55; length <= 63; length++ {
		f.Add(strings.Repeat("a", length))
	}
	connector, err := multidb.NewConnector(multidb.Config{Driver: "mysql-seen", MaxDatabases: 10,
		Tenants: multidb.Database{Primary: multidb.Engine{DSN: "app:secret@tcp({tenant}.db.example:3307)/shop_{tenant}?parseTime=true"}}})
	if err != nil {
		f.Fatal(err)
	}
	db := sql.OpenDB(connector)
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, name string) {
		seen.take()
		_, err := db.ExecContext(multidb.WithDatabase(t.Context(), name), "DELETE FROM t")
		dsn := seen.take()
		if err == nil || errors.Is(err, errSeen) != (dsn != "") {
			t.Fatalf("%q: error %v, DSN %q", name, err, dsn)
		}
		if dsn == "" {
			return // refused before anything was built from it
		}
		c, err := mysql.ParseDSN(dsn)
		if err != nil {
			t.Fatalf("%q made a DSN that is not read: %v", name, err)
		}
		if c.Addr != name+".db.example:3307" || c.DBName != "shop_"+name || len(c.DBName) > 64 || c.User != "app" || c.Passwd != "secret" || !c.ParseTime || len(c.Params) != 0 {
			t.Errorf("%q is read as %+v", name, c)
		}
	})
}
