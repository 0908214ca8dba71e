package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// The limits over all engines hold at every open, and everybody gets a turn.
func TestMaxOpenTotal(t *testing.T) {
	const limit = 10
	var open, most atomic.Int64
	p := &platform{t: t, fakes: make(map[string][]*testdb.Fake)}
	p.db = openConfig(t, multidb.Config{MaxOpenTotal: limit, Resolve: func(ctx context.Context, name string) (multidb.Database, error) {
		d, err := p.resolve(ctx, name)
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, f := range p.fakes[name] {
			f.On(testdb.OpDial, func(*testdb.Call) error {
				for n := open.Add(1); n > most.Load(); {
					most.Store(n)
				}
				return nil
			})
			f.On(testdb.OpClose, func(*testdb.Call) error { open.Add(-1); return nil })
		}
		return d, err
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 100 {
				tenant := fmt.Sprintf("t%d", rand.IntN(30))
				if got, err := p.where(ctx, tenant); err != nil || got != tenant+" replica" {
					t.Errorf("%s: answered by %q, %v", tenant, got, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := most.Load(); n > limit {
		t.Errorf("%d connections at once, want %d at most", n, limit)
	}
	check(t, p.db.Close())
}

func TestMaxOpenIsShared(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t, func(c *multidb.Config) { c.MaxOpenTotal = 1 })
		tx := must(p.db.BeginTx(multidb.WithDatabase(t.Context(), "a"), nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.where(ctx, "b"); err != context.DeadlineExceeded {
			t.Errorf("beside the only connection there may be: %v", err)
		}
		check(t, tx.Rollback())
		p.wantWhere("b", "b replica") // a's idle connection made room
	})
}

// counted is a driver whose connections cost a dial and nothing else, and that
// counts them.
type counted struct{ open, most, dialling, mostDialling atomic.Int64 }

func (d *counted) Open(string) (driver.Conn, error) { return nil, driver.ErrSkip }

func (d *counted) OpenConnector(dsn string) (driver.Connector, error) {
	return &countedConnector{d, dsn}, nil
}

// countedConnector is as big as pgx's.
type countedConnector struct {
	*counted
	dsn string
}

func (d *counted) Driver() driver.Driver { return d }

func (d *counted) Connect(ctx context.Context) (driver.Conn, error) {
	raise(&d.open, &d.most)
	raise(&d.dialling, &d.mostDialling)
	defer d.dialling.Add(-1)
	time.Sleep(time.Millisecond)
	conn, err := testdb.NullConnector{}.Connect(ctx)
	return &countedConn{conn.(nullConn), d}, err
}

func raise(n, most *atomic.Int64) {
	now := n.Add(1)
	for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
	}
}

type countedConn struct {
	nullConn
	driver *counted
}

func (c *countedConn) Close() error {
	c.driver.open.Add(-1)
	return c.nullConn.Close()
}

var countedDrivers atomic.Int64 // a name is registered once and for ever

// register gives the driver a name that tells its dialect.
func (d *counted) register(dialect string) (name string) {
	name = fmt.Sprintf("%s-counted%d", dialect, countedDrivers.Add(1))
	sql.Register(name, d)
	return name
}

// useAtOnce has so many tenants run a statement at the same time.
func useAtOnce(t *testing.T, c multidb.Config, tenants int) {
	t.Helper()
	db := openConfig(t, c)
	var all sync.WaitGroup
	for i := range tenants {
		all.Go(func() {
			must(db.ExecContext(multidb.WithDatabase(t.Context(), fmt.Sprintf("t%d", i)), "DELETE FROM t"))
		})
	}
	all.Wait()
	check(t, db.Close())
}

// The limit holds for each server, however the DSN says which it is, and where it
// does not say, for all of them together.
func TestMaxOpenPerHost(t *testing.T) {
	const limit, tenants = 5, 60
	template := func(dsn string) func(driver string, _ driver.Connector) multidb.Config {
		d := multidb.Database{Primary: multidb.Engine{DSN: dsn}}
		return func(driver string, _ driver.Connector) multidb.Config {
			return multidb.Config{Driver: driver, Tenants: d}
		}
	}
	resolve := func(engine func(driver, name string, c driver.Connector) multidb.Engine) func(string, driver.Connector) multidb.Config {
		return func(driver string, c driver.Connector) multidb.Config {
			return multidb.Config{Resolve: func(_ context.Context, name string) (multidb.Database, error) {
				return multidb.Database{Primary: engine(driver, name, c)}, nil
			}}
		}
	}
	for _, test := range []struct {
		name, dialect string
		config        func(driver string, c driver.Connector) multidb.Config
		servers       int // that are told apart
	}{
		{"URL", "pgx", template("postgres://writer/{tenant}"), 1},
		{"host as a parameter", "pgx", template("postgres:///{tenant}?host=writer"), 1},
		{"host of the environment", "pgx", template("dbname={tenant} user=app"), 1},
		{"MySQL's default", "mysql", template("app@/{tenant}"), 1},
		{"another URL", "sqlserver", template("sqlserver://app@writer?database={tenant}"), 1},
		{"another form", "sqlserver", template("server=writer;database={tenant}"), 1},
		{"with the port and without", "pgx", resolve(func(driver, name string, _ driver.Connector) multidb.Engine {
			port := []string{"", ":5432"}[len(name)%2]
			return multidb.Engine{Driver: driver, DSN: "postgres://writer" + port + "/" + name}
		}), 1},
		{"ten servers", "pgx", resolve(func(driver, name string, _ driver.Connector) multidb.Engine {
			return multidb.Engine{Driver: driver, DSN: "postgres://writer" + name[len(name)-1:] + "/" + name}
		}), 10},
		{"connectors", "pgx", resolve(func(driver, _ string, c driver.Connector) multidb.Engine {
			return multidb.Engine{Driver: driver, Connector: c}
		}), 1},
		{"files", "sqlite", template("file:{tenant}.db"), tenants},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := new(counted)
				c := test.config(d.register(test.dialect), d)
				c.MaxOpenPerHost = limit
				useAtOnce(t, c, tenants)
				if most, want := d.most.Load(), int64(min(limit*test.servers, tenants)); most != want {
					t.Errorf("%d connections at once, want %d", most, want)
				}
			})
		})
	}
}

// A server is not asked for too many connections at once, however the DSN says
// which it is.
func TestDialsToOneServerAreLimited(t *testing.T) {
	const limit, tenants = 16, 100
	for _, test := range []struct{ dialect, dsn string }{
		{"pgx", "postgres:///{tenant}?host=writer"},
		{"pgx", "dbname={tenant} user=app"},
		{"mysql", "app@/{tenant}"},
		{"sqlserver", "sqlserver://app@writer?database={tenant}"},
	} {
		bubble(t, func(t *testing.T) {
			d := new(counted)
			useAtOnce(t, multidb.Config{Driver: d.register(test.dialect), Tenants: multidb.Database{Primary: multidb.Engine{DSN: test.dsn}}}, tenants)
			if most := d.mostDialling.Load(); most != limit {
				t.Errorf("%s: %d were opened at once, want %d", test.dsn, most, limit)
			}
		})
	}
}
