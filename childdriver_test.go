package multidb

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
)

// plainDriver has no connector of its own, and refuses to open.
type plainDriver struct{}

func (plainDriver) Open(dsn string) (driver.Conn, error) {
	return nil, fmt.Errorf("plain driver opened %q", dsn)
}

// contextDriver has connectors, and refuses the DSN "bad:secret@nowhere".
type contextDriver struct{ plainDriver }

func (d contextDriver) OpenConnector(dsn string) (driver.Connector, error) {
	if strings.HasPrefix(dsn, "bad:") {
		return nil, fmt.Errorf("cannot read %q", dsn)
	}
	return &ownConnector{dsnConnector{dsn: dsn, driver: d}}, nil
}

type ownConnector struct{ dsnConnector }

// oneDSNDriver is a driver whose connectors belong each to a driver of its own,
// which opens nothing else.
type oneDSNDriver struct{ dsn string }

func (d oneDSNDriver) Open(dsn string) (driver.Conn, error) { return plainDriver{}.Open(dsn) }

func (d oneDSNDriver) OpenConnector(dsn string) (driver.Connector, error) {
	if d.dsn != "" {
		dsn = d.dsn
	}
	return &ownConnector{dsnConnector{dsn: dsn, driver: oneDSNDriver{dsn}}}, nil
}

// registerDrivers is not an init, which would run before others that register a
// driver of one of these names.
var registerDrivers = sync.OnceFunc(func() {
	sql.Register("configtest-plain", plainDriver{})
	sql.Register("configtest-context", contextDriver{})
	sql.Register("configtest-one", oneDSNDriver{})
	sql.Register("configtest-mysql", plainDriver{})
	if !slices.Contains(sql.Drivers(), "pgx") {
		sql.Register("pgx", plainDriver{})
	}
})

func TestDialectByName(t *testing.T) {
	for name, want := range map[string]Dialect{
		"pgx": Postgres, "pgx/v5": Postgres, "postgres": Postgres, "cloudsql-postgres": Postgres, "pq": Postgres,
		"mysql": MySQL, "nrmysql": MySQL, "MariaDB": MySQL,
		"sqlite": SQLite, "sqlite3": SQLite, "libsql": SQLite,
		"cockroach-pgx": Generic, "pqx": Generic, "sqlmock": Generic, "": Generic,
	} {
		if got := dialectByName(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}

func TestDialectByPackage(t *testing.T) {
	for path, want := range map[string]Dialect{
		"github.com/jackc/pgx/v5/stdlib":       Postgres,
		"github.com/lib/pq":                    Postgres,
		"github.com/go-sql-driver/mysql":       MySQL,
		"modernc.org/sqlite":                   SQLite,
		"github.com/mattn/go-sqlite3":          SQLite,
		"github.com/ncruces/go-sqlite3/driver": SQLite,
		"example.com/tracing":                  Generic,
	} {
		if got := dialectByPackage(path); got != want {
			t.Errorf("%q: %d, want %d", path, got, want)
		}
	}
}

func TestInferDriver(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://h/db":                     "pgx",
		"postgresql://h/db":                   "pgx",
		"registeredConnConfig0":               "pgx",
		"registeredConnConfig12":              "pgx",
		"registeredConnConfig":                "",
		"host=db user=app":                    "pgx",
		" dbname = 'my shop'\tsearch_path=a ": "pgx",
		`user=a\ b password='it\'s'`:          "pgx",
		"search_path=a":                       "", // nothing that is surely libpq's
		"host=db user":                        "",
		"host=db user='open":                  "",
		"app:pw@tcp(db:3306)/shop?user=x":     "",
		"file:app.db?password=x":              "",
		"app.db":                              "",
		"":                                    "",
		"Server=h;User Id=sa;Password=x":      "",
		"mysql://h/db":                        "",
	} {
		if got := inferDriver(dsn); got != want {
			t.Errorf("%q: %q, want %q", dsn, got, want)
		}
	}
}

func TestOpenConnector(t *testing.T) {
	registerDrivers()
	c, err := openConnector("configtest-context", "somewhere")
	if err != nil {
		t.Fatal(err)
	}
	if own, ok := c.(*ownConnector); !ok || own.dsn != "somewhere" {
		t.Errorf("got %T, want the driver's own connector", c)
	}

	c, err = openConnector("configtest-plain", "somewhere")
	if err != nil {
		t.Fatal(err)
	}
	if c.Driver() != (plainDriver{}) {
		t.Errorf("driver is %T", c.Driver())
	}
	if _, err := c.Connect(t.Context()); err == nil || err.Error() != `plain driver opened "somewhere"` {
		t.Errorf("Connect: %v", err)
	}

	_, err = openConnector("configtest-context", "bad:hidden@nowhere")
	if want := `driver "configtest-context": cannot read "bad:xxxxx@nowhere"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err = openConnector("configtest-missing", "x"); err == nil {
		t.Error("a driver that is not registered was opened")
	}
}

func TestADriverThatIsMadeForADSNOpensNoOther(t *testing.T) {
	registerDrivers()
	for _, name := range []string{"configtest-plain", "configtest-context", "configtest-one"} {
		for _, dsn := range []string{"a", "b", "a"} {
			c, err := openConnector(name, dsn)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), strconv.Quote(dsn)) {
				t.Errorf("%s with the DSN %s: %v", name, dsn, err)
			}
		}
	}
	if _, err := openConnector("configtest-context", "bad:"); err == nil {
		t.Error("a DSN that the driver refuses was taken")
	}
}

// Each of thousands of tenants has its own connectors, so the usual driver is not
// looked up through a sql.DB, which has a goroutine.
func TestTheConnectorOfPgxCostsNoDB(t *testing.T) {
	var c driver.Connector
	var err error
	if n := testing.AllocsPerRun(100, func() { c, err = openConnector("pgx", "postgres://db.example/app") }); n > 1 || err != nil {
		t.Errorf("%v allocations and %v, want 1 at most", n, err)
	}
	if c.Driver() != stdlib.GetDefaultDriver() {
		t.Errorf("of %T", c.Driver())
	}
	other, err := openConnector("pgx/v5", "postgres://db.example/app")
	if err != nil || reflect.TypeOf(other) != reflect.TypeOf(c) {
		t.Errorf("%T and %v, want %T as by the other name", other, err, c)
	}
}

func TestADriverThatNobodyKnowsMayNotHeedTheContextOfADial(t *testing.T) {
	registerDrivers()
	for name, want := range map[string]bool{"configtest-plain": false, "configtest-context": false, "pgx": true} {
		c, err := openConnector(name, "somewhere")
		if err != nil {
			t.Fatal(err)
		}
		if got := heedsContext(c); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		wrapped := struct{ driver.Connector }{c}
		if got := heedsContext(wrapped); got != want {
			t.Errorf("%s in a wrapper: %v, want %v", name, got, want)
		}
	}
	// database/sql's own connector for a driver of before contexts hands none on.
	if heedsContext(dsnConnector{driver: stdlib.GetDefaultDriver()}) {
		t.Error("a driver that is not told of the context is said to heed it")
	}
}
