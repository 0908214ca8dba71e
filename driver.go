package multidb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
)

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
	_ driver.Connector     = (*Connector)(nil)
	_ io.Closer            = (*Connector)(nil)
)

func init() { sql.Register(ownName, &Driver{}) }

// Driver is the driver that is registered as "multidb". What it opens is
// described at [ParseDSN].
type Driver struct{ connector *Connector }

// Open is for callers of the driver interface; [sql.Open] uses OpenConnector. The
// connection has engines and pools of its own, which are closed with it.
func (d *Driver) Open(dsn string) (driver.Conn, error) {
	connector, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	k := connector.(*Connector)
	conn, err := k.Connect(context.Background())
	if err != nil {
		k.Close()
		return nil, err
	}
	conn.(*Conn).ownsConnector = true
	return conn, nil
}

// OpenConnector reads and validates the DSN. Nothing is dialled.
func (d *Driver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return NewConnector(c)
}

// Connector is a configuration that is ready to run, for [sql.OpenDB]. It owns
// the engines and their pools, and is closed by [sql.DB.Close].
type Connector struct {
	// What every statement asks.
	log                 *slog.Logger
	single              *engine   // if there is nothing to choose from
	byDefault           *database // databases[""], which nearly every statement asks for
	router              func(context.Context, Statement) (string, error)
	keepsRoutes         bool // for the same call to take again, see same.go
	readsOnPrimary      bool
	readOnlyTxOnPrimary bool
	dialect             Dialect // in which a text is read before its database is known
	known               [SQLite + 1]*factsCache
	watcher             *watcher

	tenants   *tenants // nil if there are none
	hosts     *hosts   // nil if engines share no limits
	given     given
	databases map[string]*database // the default one by ""
	engines   map[string]*engine
	all       []*engine // in the order of the configuration
	settings  *settings // for the names that the router gives
	rules     []*rule
	functions *functions

	asksForTables bool // a rule or the router decides by the tables of a statement

	close func() error
}

// NewConnector validates a configuration and makes a connector of it, for
// [sql.OpenDB]. It keeps its own copy. Nothing is dialled.
func NewConnector(c Config) (*Connector, error) {
	s, err := c.resolve()
	if err != nil {
		return nil, err
	}
	functions, err := newFunctions(s.readFunctions, s.writeFunctions)
	if err != nil {
		return nil, err
	}
	k := &Connector{
		settings:            s,
		databases:           make(map[string]*database),
		engines:             make(map[string]*engine),
		router:              s.router,
		readsOnPrimary:      s.readsPrimary,
		readOnlyTxOnPrimary: s.readOnlyTxPrimary,
		functions:           functions,
		log:                 s.log(),
	}
	k.watcher = newWatcher(k)
	k.hosts = newHosts(s)
	k.close = sync.OnceValue(k.closeDatabases)
	k.asksForTables = k.router != nil || slices.ContainsFunc(s.rules, func(r ruleConfig) bool { return len(r.tables) > 0 })
	if err := k.addDatabases(s); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	for i, config := range s.rules {
		k.rules = append(k.rules, k.newRule(i+1, config))
	}
	if s.holds() {
		k.single = k.all[0]
	}
	k.keepsRoutes = k.byDefault != nil && k.single == nil && k.router == nil && k.log == nil && !s.requireDatabase
	return k, nil
}

// log returns where calls are logged, nil for nowhere.
func (s *settings) log() *slog.Logger {
	if s.logger == nil && s.echo {
		return slog.Default()
	}
	return s.logger
}

func (k *Connector) addDatabases(s *settings) error {
	for d := range k.known {
		if s.speaks(Dialect(d)) {
			k.known[d] = newFactsCache()
		}
	}
	for _, config := range s.databases {
		db, err := k.openDatabase(config)
		if err != nil {
			return err
		}
		k.databases[config.name] = db
		for _, e := range db.engines {
			k.engines[e.name] = e
			k.all = append(k.all, e)
		}
	}
	k.byDefault = k.databases[""]
	k.dialect = s.dialect()
	if s.hasTenants() {
		k.tenants = newTenants(k)
	}
	return nil
}

// open returns all databases that are open now.
func (k *Connector) open() []*database {
	list := slices.Collect(maps.Values(k.databases))
	if k.tenants != nil {
		list = append(list, k.tenants.all()...)
	}
	return list
}

// openDatabase makes the engines of a database, which dials nothing.
func (k *Connector) openDatabase(config *databaseConfig) (*database, error) {
	db := &database{name: config.name, dialect: config.primary.dialect}
	db.discover = k.settings.discover && len(config.replicas) > 0
	for _, ec := range config.engines() {
		if err := k.addEngine(db, ec); err != nil {
			return nil, errors.Join(err, db.close())
		}
	}
	for _, e := range db.engines {
		e.compared = len(db.engines) > 2
	}
	db.refresh(nil)
	return db, nil
}

// FromDB returns the connector behind db, or nil if db was not opened with
// multidb (or is wrapped by another driver).
func FromDB(db *sql.DB) *Connector {
	if d, ok := db.Driver().(*Driver); ok {
		return d.connector
	}
	return nil
}

// Connect returns a connection for database/sql. With several engines it dials
// nothing: a statement leases a child from the pool of its engine. With exactly
// one engine, which has no pool settings of its own, the connection dials its
// child here and holds it until it is closed, so that everything, the pool
// settings of the sql.DB included, means what it means without multidb.
func (k *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	if k.single == nil {
		k.watcher.start()
		return k.newConn(nil), nil
	}
	ch, err := k.single.connect(ctx)
	if err != nil {
		return nil, err
	}
	k.single.held.open.Add(1)
	k.single.held.inUse.Add(1)
	return k.newConn(ch), nil
}

// Driver returns a *[Driver] that leads back to this connector; see [FromDB].
func (k *Connector) Driver() driver.Driver { return &Driver{connector: k} }

// Close closes the pools of all engines and then the child connectors that can
// be closed. Children in use are closed when they come back, and so are those
// that are being dialled; where a driver does not heed the end of a dial's
// context, that is waited for at most a second. [sql.DB.Close] calls it.
func (k *Connector) Close() error { return k.close() }

func (k *Connector) closeDatabases() error {
	k.watcher.close()
	var errs []error
	for _, db := range k.databases {
		errs = append(errs, db.close())
	}
	if k.tenants != nil {
		errs = append(errs, k.tenants.close())
	}
	return errors.Join(errs...)
}
