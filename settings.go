package multidb

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ownName is the name of multidb's own driver.
const ownName = "multidb"

// What a pool setting of 0 means. The reasons are in the comments of Engine.
const (
	defaultWeight      = 1
	defaultMaxIdle     = 64
	defaultMaxLifetime = time.Hour
	defaultMaxIdleTime = 5 * time.Minute

	defaultConnectTimeout  = 5 * time.Second
	defaultFailoverTimeout = 10 * time.Second // with Discover
)

// settings is a Config that was checked, with its defaults filled in. It shares no
// memory with the Config, and nobody changes it.
type settings struct {
	databases         []*databaseConfig                                        // the default one first, if there is one; then by name
	template          *databaseConfig                                          // of tenants, with standIn for a name and DSNs as configured; or nil
	resolveTenant     func(ctx context.Context, name string) (Database, error) // or nil
	tenantDialect     Dialect                                                  // of the template
	maxDatabases      int
	requireDatabase   bool
	maxOpenTotal      int    // 0: no limit
	maxOpenPerHost    int    // 0: no limit
	driver            string // Config.Driver
	rules             []ruleConfig
	router            func(ctx context.Context, s Statement) (use string, err error) // or nil
	readsPrimary      bool                                                           // Config.Reads is "primary"
	readOnlyTxPrimary bool                                                           // Config.ReadOnlyTx is "primary"
	fallbackError     bool                                                           // Config.Fallback is "error"
	balance           Balance
	connectTimeout    time.Duration
	discover          bool
	failoverTimeout   time.Duration // 0: a statement does not wait for a primary
	readFunctions     []string
	writeFunctions    []string
	echo              bool
	logger            *slog.Logger // or nil
}

type databaseConfig struct {
	name     string // "" is the default database
	primary  *engineConfig
	replicas []*engineConfig
}

type engineConfig struct {
	name      string
	database  string // its database's name
	replica   bool   // its role: a replica, not the primary
	driver    string // "" if there is a connector, unless given
	dsn       string // or
	connector driver.Connector
	dialect   Dialect
	address   address
	trusted   bool // a replica that is not opened read-only
	weight    int
	pool      poolConfig
	ownPool   bool // the configuration gave this engine a pool setting
}

type poolConfig struct {
	maxOpen     int // 0: no limit
	maxIdle     int
	maxLifetime time.Duration
	maxIdleTime time.Duration
}

// holds reports whether there is nothing to choose: one engine, whose pool is left
// to database/sql. Its connections are then held, not leased.
func (s *settings) holds() bool {
	return len(s.databases) == 1 && !s.hasTenants() && s.databases[0].name == "" && len(s.databases[0].replicas) == 0 &&
		!s.databases[0].primary.ownPool && s.maxOpenTotal == 0 && s.maxOpenPerHost == 0 && s.router == nil
}

// database returns the database with that name, "" for the default one, or nil.
func (s *settings) database(name string) *databaseConfig {
	for _, d := range s.databases {
		if d.name == name {
			return d
		}
	}
	return nil
}

// dialect returns the one in which a text is read before its database is known:
// that of the default database, or the one that all databases share.
func (s *settings) dialect() Dialect {
	shared := s.tenantDialect
	if len(s.databases) > 0 {
		shared = s.databases[0].primary.dialect
	}
	for _, d := range s.databases {
		switch {
		case d.name == "":
			return d.primary.dialect
		case d.primary.dialect != shared:
			return Generic
		}
	}
	if s.hasTenants() && s.tenantDialect != shared {
		return Generic
	}
	return shared
}

// speaks reports whether an engine may speak the dialect, or a text may be read
// in it.
func (s *settings) speaks(d Dialect) bool {
	return s.resolveTenant != nil || d == s.dialect() || s.template != nil && d == s.tenantDialect ||
		slices.ContainsFunc(s.databases, func(c *databaseConfig) bool { return c.primary.dialect == d })
}

// engines returns the engines of the database, the primary first.
func (d *databaseConfig) engines() []*engineConfig {
	return append([]*engineConfig{d.primary}, d.replicas...)
}

// lookup returns what a name in Rule.Use, or from Config.Router, stands for. The name of a database is also
// that of its primary, as a rule: then it stands for the database.
func (s *settings) lookup(use string) (t target, ok bool) {
	if d := s.database(use); d != nil && use != "" {
		return target{database: d}, true
	}
	for _, d := range s.databases {
		for _, e := range d.engines() {
			if e.name == use {
				return target{database: d, engine: e}, true
			}
		}
	}
	// The roles, where no engine has them for a name.
	if d := s.database(""); d != nil {
		switch use {
		case Primary:
			return target{database: d, engine: d.primary}, true
		case Replica:
			return target{database: d, replica: true}, true
		}
	}
	return target{}, false
}

// resolve checks the configuration and fills in its defaults. It opens nothing.
func (c Config) resolve() (*settings, error) {
	s, err := newSettings(c)
	if err != nil {
		return nil, fmt.Errorf("multidb: %w", err)
	}
	return s, nil
}

func newSettings(c Config) (*settings, error) {
	s := &settings{
		router:         c.Router,
		readFunctions:  slices.Clone(c.ReadFunctions),
		writeFunctions: slices.Clone(c.WriteFunctions),
		echo:           c.Echo,
		logger:         c.Logger,
	}
	var err error
	if s.readsPrimary, err = isPrimary("reads", c.Reads); err != nil {
		return nil, err
	}
	if s.readOnlyTxPrimary, err = isPrimary("read_only_tx", c.ReadOnlyTx); err != nil {
		return nil, err
	}
	if err := s.setLimits(c); err != nil {
		return nil, err
	}
	if err := s.setCluster(c); err != nil {
		return nil, err
	}
	if err := s.addDatabases(c); err != nil {
		return nil, err
	}
	if err := s.setTenants(c); err != nil {
		return nil, err
	}
	for i, r := range c.Rules {
		rule, err := s.newRule(fmt.Sprintf("rules[%d]", i), r)
		if err != nil {
			return nil, err
		}
		s.rules = append(s.rules, rule)
	}
	return s, nil
}

// isPrimary reads a choice between the roles; the replica is the default.
func isPrimary(path, choice string) (bool, error) {
	switch choice {
	case "", Replica:
		return false, nil
	case Primary:
		return true, nil
	}
	return false, keyError(path, `%s is neither "replica" nor "primary"`, show(choice))
}

// Databases and engines.

func (s *settings) addDatabases(c Config) error {
	builder := engineBuilder{driver: c.Driver, discover: c.Discover, paths: make(map[string]string)}
	if !isZero(c.Primary) || len(c.Replicas) > 0 {
		d, err := builder.database("", "", Database{Primary: c.Primary, Replicas: c.Replicas})
		if err != nil {
			return err
		}
		d.findAddresses()
		s.databases = append(s.databases, d)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Databases)) {
		path := keyPath("databases", name)
		if !isDatabaseName(name) {
			return keyError("databases", "%s cannot be a name: it must be letters, digits, '_' and '-', at most 63", show(name))
		}
		if isRole(name) {
			return keyError(path, "%q is a role of engines and cannot be a name", name)
		}
		d, err := builder.database(path, name, c.Databases[name])
		if err != nil {
			return err
		}
		d.findAddresses()
		s.databases = append(s.databases, d)
	}
	if len(s.databases) == 0 && c.Tenants.isZero() && c.Resolve == nil {
		return keyError("primary", "missing: there is no engine")
	}
	return s.checkNames(builder.paths)
}

// checkNames refuses an engine with the name of a database of which it is not the
// primary: the name would have two meanings in a rule.
func (s *settings) checkNames(paths map[string]string) error {
	for _, d := range s.databases {
		for _, e := range d.engines() {
			if other := s.database(e.name); other != nil && e != other.primary {
				return keyError(paths[e.name], "the name %q is that of a database", e.name)
			}
		}
	}
	return nil
}

func isZero(e Engine) bool { return reflect.ValueOf(e).IsZero() }

var engineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// isDatabaseName reports whether a database may have the name, that of a tenant
// included, which may come from anywhere: it has no meaning but itself in any DSN.
func isDatabaseName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case (c == '_' || c == '-') && i > 0:
		default:
			return false
		}
	}
	return name != "" && len(name) <= 63
}

func isRole(name string) bool {
	return strings.EqualFold(name, Primary) || strings.EqualFold(name, Replica)
}

// engineBuilder makes the engines of all databases.
type engineBuilder struct {
	driver   string            // Config.Driver
	discover bool              // Config.Discover
	paths    map[string]string // key path of each engine, by its name
}

func (b *engineBuilder) database(path, name string, d Database) (*databaseConfig, error) {
	primaryPath := keyPath(path, "primary")
	switch {
	case isZero(d.Primary) && len(d.Replicas) > 0:
		return nil, keyError(primaryPath, "missing: replicas need a primary")
	case isZero(d.Primary):
		return nil, keyError(path, "no engine")
	case path != "" && len(d.Replicas) == 0:
		primaryPath = path // as in the JSON form {"audit": "postgres://..."}
	}
	primary, err := b.engine(primaryPath, d.Primary, engineConfig{database: name, name: cmp.Or(name, Primary)})
	if err != nil {
		return nil, err
	}
	built := &databaseConfig{name: name, primary: primary}
	prefix := "replica"
	if name != "" {
		prefix = name + ".replica"
	}
	for i, e := range d.Replicas {
		path := fmt.Sprintf("%s[%d]", keyPath(path, "replicas"), i)
		replica, err := b.engine(path, e, engineConfig{database: name, name: prefix + strconv.Itoa(i+1), replica: true})
		if err != nil {
			return nil, err
		}
		if replica.dialect != primary.dialect {
			return nil, keyError(path, "speaks another SQL (%s) than its primary (%s)", replica.dialect, primary.dialect)
		}
		built.replicas = append(built.replicas, replica)
	}
	if b.discover && len(built.replicas) > 0 && roleQuestion(primary.dialect) == "" {
		return nil, keyError("discover", "there is no way to ask an engine that speaks %s whether it is the primary (%s)", primary.dialect, primaryPath)
	}
	return built, nil
}

// engine completes an engine of which the place is known: database, role and the
// name that it has if it is not given one.
func (b *engineBuilder) engine(path string, e Engine, place engineConfig) (*engineConfig, error) {
	built := place
	if err := b.name(path, e.Name, &built); err != nil {
		return nil, err
	}
	if err := b.source(path, e, &built); err != nil {
		return nil, err
	}
	built.dialect = dialectOf(built.driver, built.connector)
	switch e.ReadOnly {
	case "", "enforce":
	case "trust":
		built.trusted = true
	default:
		return nil, keyError(keyPath(path, "read_only"), `%s is neither "enforce" nor "trust"`, show(e.ReadOnly))
	}
	if e.Weight < 0 {
		return nil, keyError(keyPath(path, "weight"), "must not be negative")
	}
	built.weight = cmp.Or(e.Weight, defaultWeight)
	built.ownPool = e.MaxOpen != 0 || e.MaxIdle != 0 || e.MaxLifetime != 0 || e.MaxIdleTime != 0
	var err error
	built.pool, err = newPoolConfig(path, e)
	return &built, err
}

func (b *engineBuilder) name(path, given string, e *engineConfig) error {
	if given != "" && given != e.name {
		path = keyPath(path, "name")
		if !engineName.MatchString(given) {
			return keyError(path, "%s cannot be a name: it must be letters, digits, '_', '.' and '-', at most 63", show(given))
		}
		if isRole(given) {
			return keyError(path, "%q is a role and cannot be the name of this engine", given)
		}
		e.name = given
	}
	if other, taken := b.paths[e.name]; taken {
		return keyError(path, "the name %q is that of %s, too", e.name, other)
	}
	b.paths[e.name] = path
	return nil
}

// source fills in how the engine is opened: by driver and DSN or by a connector.
func (b *engineBuilder) source(path string, given Engine, e *engineConfig) error {
	e.dsn, e.connector, e.driver = given.DSN, given.Connector, given.Driver
	switch {
	case e.dsn != "" && e.connector != nil:
		return keyError(path, "has both a dsn and a Connector; give one")
	case e.connector != nil:
		return nil
	case strings.TrimSpace(e.dsn) == "":
		return keyError(keyPath(path, "dsn"), "missing (in Go, a Connector may stand for it)")
	}
	e.driver = cmp.Or(given.Driver, b.driver, inferDriver(e.dsn))
	path = keyPath(path, "driver")
	switch {
	case e.driver == "":
		return keyError(path, `cannot be told from the DSN: add "driver", the name of the engine's database/sql driver (registered: %s)`,
			registeredDrivers())
	case e.driver == ownName:
		return keyError(path, "an engine cannot be opened with %q itself", ownName)
	case !slices.Contains(sql.Drivers(), e.driver):
		return keyError(path, "no driver %s is registered: import its package (registered: %s)", show(e.driver), registeredDrivers())
	}
	return nil
}

// registeredDrivers lists the drivers that an engine may have.
func registeredDrivers() string {
	names := slices.DeleteFunc(sql.Drivers(), func(name string) bool { return name == ownName })
	if len(names) == 0 {
		return "none"
	}
	return quotedList(names)
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}
