package multidb

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// resolve is Config.resolve with the drivers that the tests need.
func resolve(c Config) (*settings, error) {
	registerDrivers()
	return c.resolve()
}

// shop is a configuration with all that can be chosen by name.
func shop() Config {
	return Config{
		Primary:  Engine{DSN: "postgres://writer/shop"},
		Replicas: []Engine{{DSN: "postgres://reader1/shop"}, {DSN: "postgres://reader2/shop", Name: "reports"}},
		Databases: map[string]Database{
			"secondary": {Primary: Engine{DSN: "postgres://legacy/crm"}},
			"audit": {
				Primary:  Engine{DSN: "app:pw@tcp(audit)/audit", Driver: "configtest-mysql"},
				Replicas: []Engine{{DSN: "app:pw@tcp(audit-ro)/audit", Driver: "configtest-mysql"}},
			},
		},
	}
}

func TestResolveNamesEngines(t *testing.T) {
	s, err := resolve(shop())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range s.databases {
		for _, e := range d.engines() {
			got = append(got, fmt.Sprintf("%q %s replica=%t %s dialect=%d", e.database, e.name, e.replica, e.driver, e.dialect))
		}
	}
	want := []string{
		fmt.Sprintf(`"" primary replica=false pgx dialect=%d`, Postgres),
		fmt.Sprintf(`"" replica1 replica=true pgx dialect=%d`, Postgres),
		fmt.Sprintf(`"" reports replica=true pgx dialect=%d`, Postgres),
		fmt.Sprintf(`"audit" audit replica=false configtest-mysql dialect=%d`, MySQL),
		fmt.Sprintf(`"audit" audit.replica1 replica=true configtest-mysql dialect=%d`, MySQL),
		fmt.Sprintf(`"secondary" secondary replica=false pgx dialect=%d`, Postgres),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("engines:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestResolveCopies(t *testing.T) {
	c := shop()
	c.ReadFunctions = []string{"mine"}
	c.Rules = []Rule{{Verbs: []string{"INSERT"}, Use: "audit"}}
	s, err := resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	c.ReadFunctions[0], c.Replicas[0].DSN, c.Rules[0].Verbs[0] = "changed", "changed", "changed"
	if s.readFunctions[0] != "mine" || s.databases[0].replicas[0].dsn != "postgres://reader1/shop" || s.rules[0].verbs[0] != "insert" {
		t.Errorf("settings changed with the Config: %v, %v, %v", s.readFunctions, s.databases[0].replicas[0].dsn, s.rules[0].verbs)
	}
}

func TestResolvePoolDefaults(t *testing.T) {
	for _, test := range []struct {
		engine  Engine
		want    poolConfig
		ownPool bool
	}{
		{Engine{}, poolConfig{0, 64, time.Hour, 5 * time.Minute}, false},
		{Engine{Weight: 3, Name: "x"}, poolConfig{0, 64, time.Hour, 5 * time.Minute}, false},
		{Engine{MaxOpen: 10}, poolConfig{10, 10, time.Hour, 5 * time.Minute}, true},
		{Engine{MaxOpen: 100}, poolConfig{100, 64, time.Hour, 5 * time.Minute}, true},
		{Engine{MaxOpen: 10, MaxIdle: 3}, poolConfig{10, 3, time.Hour, 5 * time.Minute}, true},
		{Engine{MaxIdle: 100}, poolConfig{0, 100, time.Hour, 5 * time.Minute}, true},
		{Engine{MaxLifetime: 1}, poolConfig{0, 64, 1, 5 * time.Minute}, true},
		{Engine{MaxIdleTime: 1}, poolConfig{0, 64, time.Hour, 1}, true},
	} {
		test.engine.DSN = "postgres://h/db"
		s, err := resolve(Config{Primary: test.engine})
		if err != nil {
			t.Errorf("%v: %v", test.engine, err)
			continue
		}
		e := s.databases[0].primary
		if e.pool != test.want || e.ownPool != test.ownPool || e.weight != max(test.engine.Weight, 1) {
			t.Errorf("%v: pool %v, own %t, weight %d; want %v, %t", test.engine, e.pool, e.ownPool, e.weight, test.want, test.ownPool)
		}
	}
}

func TestHolds(t *testing.T) {
	one := Engine{DSN: "postgres://h/db"}
	router := func(context.Context, Statement) (string, error) { return "", nil }
	for _, test := range []struct {
		name   string
		config Config
		want   bool
	}{
		{"plain", Config{Primary: one}, true},
		{"echo and a name", Config{Primary: Engine{DSN: "postgres://h/db", Name: "main"}, Echo: true}, true},
		{"pool settings", Config{Primary: Engine{DSN: "postgres://h/db", MaxOpen: 5}}, false},
		{"replica", Config{Primary: one, Replicas: []Engine{one}}, false},
		{"second database", Config{Primary: one, Databases: map[string]Database{"a": {Primary: one}}}, false},
		{"no default database", Config{Databases: map[string]Database{"a": {Primary: one}}}, false},
		{"router", Config{Primary: one, Router: router}, false},
	} {
		s, err := resolve(test.config)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if s.holds() != test.want {
			t.Errorf("%s: holds is %t", test.name, s.holds())
		}
	}
}

func TestResolveRules(t *testing.T) {
	c := shop()
	c.Primary.Name = "writer"
	c.Rules = []Rule{
		{Verbs: []string{"insert", "Update"}, Kinds: []string{"write", "session", "transaction"}, Use: "secondary"},
		{Tables: []string{"audit.*"}, Use: "audit"},
		{Kinds: []string{"read"}, Use: "reports"},
		{Kinds: []string{"read"}, Use: "audit.replica1"},
		{Kinds: []string{"read"}, Use: "replica"},
		{Kinds: []string{"read"}, Use: "primary"},
		{Verbs: []string{"insert"}, Use: "writer"},
	}
	s, err := resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	shopDB, audit, secondary := s.database(""), s.database("audit"), s.database("secondary")
	want := []target{
		{database: secondary},
		{database: audit},
		{database: shopDB, engine: shopDB.replicas[1]},
		{database: audit, engine: audit.replicas[0]},
		{database: shopDB, replica: true},
		{database: shopDB, engine: shopDB.primary},
		{database: shopDB, engine: shopDB.primary},
	}
	for i, rule := range s.rules {
		if rule.target != want[i] {
			t.Errorf("rule %d: wrong target %+v", i, rule.target)
		}
	}
	first := s.rules[0]
	if !reflect.DeepEqual(first.verbs, []string{"insert", "update"}) ||
		!reflect.DeepEqual(first.kinds, []Kind{KindWrite, KindSession, KindTransaction}) {
		t.Errorf("rule 0: verbs %v, kinds %v", first.verbs, first.kinds)
	}
}

func TestResolveChoices(t *testing.T) {
	for _, test := range []struct {
		reads, readOnlyTx     string
		readsPrimary, txIsOne bool
	}{
		{"", "", false, false},
		{"replica", "replica", false, false},
		{"primary", "replica", true, false},
		{"replica", "primary", false, true},
	} {
		c := shop()
		c.Reads, c.ReadOnlyTx = test.reads, test.readOnlyTx
		s, err := resolve(c)
		if err != nil {
			t.Errorf("%q, %q: %v", test.reads, test.readOnlyTx, err)
		} else if s.readsPrimary != test.readsPrimary || s.readOnlyTxPrimary != test.txIsOne {
			t.Errorf("%q, %q: got %t, %t", test.reads, test.readOnlyTx, s.readsPrimary, s.readOnlyTxPrimary)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	connector := dsnConnector{driver: plainDriver{}}
	change := func(f func(*Config)) Config {
		c := shop()
		f(&c)
		return c
	}
	rule := func(r Rule) Config {
		return change(func(c *Config) { c.Rules = []Rule{{Verbs: []string{"x"}, Use: "audit"}, r} })
	}
	for _, test := range []struct {
		config Config
		want   string // how the error begins
	}{
		{Config{}, `multidb: primary: missing: there is no engine`},
		{Config{Replicas: []Engine{{DSN: "postgres://h"}}}, `multidb: primary: missing: replicas need a primary`},
		{Config{Databases: map[string]Database{"a": {Replicas: []Engine{{DSN: "postgres://h"}}}}},
			`multidb: databases.a.primary: missing`},
		{Config{Databases: map[string]Database{"a": {}}}, `multidb: databases.a: no engine`},
		{change(func(c *Config) { c.Replicas[1].DSN = "" }), `multidb: replicas[1].dsn: missing`},
		{change(func(c *Config) { c.Primary.DSN = " " }), `multidb: primary.dsn: missing`},
		{change(func(c *Config) { c.Primary.Connector = connector }), `multidb: primary: has both`},

		{change(func(c *Config) { c.Primary.DSN = "app.db" }),
			`multidb: primary.driver: cannot be told from the DSN: add "driver", the name of the engine's database/sql driver (registered: "configtest-`},
		{change(func(c *Config) { c.Replicas[0].Driver = "mariadb" }),
			`multidb: replicas[0].driver: no driver "mariadb" is registered: import its package (registered: "configtest-`},
		{change(func(c *Config) { c.Driver = "mariadb" }), `multidb: primary.driver: no driver "mariadb" is registered`},
		{change(func(c *Config) { c.Primary.Driver = "multidb" }), `multidb: primary.driver: an engine cannot be opened with "multidb" itself`},

		{change(func(c *Config) { c.Primary.MaxOpen = -1 }), `multidb: primary.max_open: must not be negative`},
		{change(func(c *Config) { c.Replicas[0].MaxIdle = -1 }), `multidb: replicas[0].max_idle: must not be negative`},
		{change(func(c *Config) { c.Replicas[0].MaxLifetime = -1 }), `multidb: replicas[0].max_lifetime: must not be negative`},
		{change(func(c *Config) { c.Databases["audit"].Replicas[0].MaxIdleTime = -1 }),
			`multidb: databases.audit.replicas[0].max_idle_time: must not be negative`},
		{change(func(c *Config) { c.Replicas[0].Weight = -1 }), `multidb: replicas[0].weight: must not be negative`},
		{change(func(c *Config) { c.Primary.MaxOpen, c.Primary.MaxIdle = 2, 3 }), `multidb: primary.max_idle: 3 is more than max_open, 2`},

		{change(func(c *Config) { c.Replicas[0].Name = "reports" }), `multidb: replicas[1].name: the name "reports" is that of replicas[0].name, too`},
		{change(func(c *Config) { c.Replicas[1].Name = "replica1" }), `multidb: replicas[1].name: the name "replica1" is that of replicas[0], too`},
		{change(func(c *Config) { c.Replicas[0].Name = "replica2"; c.Replicas[1].Name = "" }),
			`multidb: replicas[1]: the name "replica2" is that of replicas[0].name, too`},
		{change(func(c *Config) { c.Replicas[1].Name = "audit.replica1" }), `multidb: databases.audit.replicas[0]: the name`},
		{change(func(c *Config) { c.Replicas[0].Name = "audit" }), `multidb: databases.audit.primary: the name "audit" is that of replicas[0].name, too`},
		{change(func(c *Config) {
			d := c.Databases["audit"]
			d.Primary.Name = "auditor"
			c.Databases["audit"] = d
			c.Replicas[0].Name = "audit"
		}), `multidb: replicas[0].name: the name "audit" is that of a database`},
		{change(func(c *Config) { c.Replicas[0].Name = "primary" }), `multidb: replicas[0].name: "primary" is a role`},
		{change(func(c *Config) { c.Primary.Name = "Replica" }), `multidb: primary.name: "Replica" is a role`},
		{change(func(c *Config) { c.Primary.Name = "a b" }), `multidb: primary.name: "a b" cannot be a name`},
		{change(func(c *Config) { c.Primary.Name = strings.Repeat("a", 64) }), `multidb: primary.name: "aaa`},
		{change(func(c *Config) { c.Primary.Name = "postgres://u:hidden@h" }), `multidb: primary.name: (not shown: not a name) cannot be a name`},
		{change(func(c *Config) { c.Databases["replica"] = c.Databases["audit"] }), `multidb: databases.replica: "replica" is a role`},
		{change(func(c *Config) { c.Databases["a.b"] = c.Databases["audit"] }), `multidb: databases: "a.b" cannot be a name`},
		{change(func(c *Config) { c.Databases[""] = c.Databases["audit"] }), `multidb: databases: "" cannot be a name`},

		{change(func(c *Config) { c.Reads = "replicas" }), `multidb: reads: "replicas" is neither "replica" nor "primary"`},
		{change(func(c *Config) { c.ReadOnlyTx = "replicas" }), `multidb: read_only_tx: "replicas" is neither "replica" nor "primary"`},

		{rule(Rule{Use: "audit"}), `multidb: rules[1]: has no condition`},
		{rule(Rule{Verbs: []string{"x"}}), `multidb: rules[1].use: missing; have "audit", "audit.replica1", "primary", "replica1", "reports", "secondary"`},
		{rule(Rule{Verbs: []string{"x"}, Use: "audti"}),
			`multidb: rules[1].use: "audti" names no database or engine; have "audit", "audit.replica1", "primary", "replica1", "reports", "secondary"`},
		{rule(Rule{Verbs: []string{"a b"}, Use: "audit"}), `multidb: rules[1].verbs[0]: "a b" is not one keyword`},
		{rule(Rule{Kinds: []string{"read", "Read"}, Use: "audit"}), `multidb: rules[1].kinds[1]: unknown kind "Read"; have "read"`},
		{rule(Rule{Tables: []string{"a", "b[c]"}, Use: "audit"}), `multidb: rules[1].tables[1]: "b[c]" is not a pattern`},
		{rule(Rule{Verbs: []string{"select"}, Use: "replica1"}), `multidb: rules[1].use: "replica1" is a replica, and the rule may match more than reads`},
		{rule(Rule{Kinds: []string{"read", "write"}, Use: "audit.replica1"}), `multidb: rules[1].use: "audit.replica1" is a replica`},
		{rule(Rule{Kinds: []string{"session"}, Use: "replica"}), `multidb: rules[1].use: "replica" is a replica`},
	} {
		_, err := resolve(test.config)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%v:\n got %v\nwant %s", test.config, err, test.want)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("a secret is shown: %v", err)
		}
	}
}

func TestConnectorNeedsNoRegisteredDriver(t *testing.T) {
	for _, test := range []struct {
		engine Engine
		want   Dialect
	}{
		{Engine{Connector: dsnConnector{driver: plainDriver{}}}, Generic},
		{Engine{Connector: dsnConnector{driver: plainDriver{}}, Driver: "sqlite"}, SQLite},
		{Engine{Connector: dsnConnector{driver: plainDriver{}}, Driver: "cockroach"}, Generic},
		{Engine{Connector: dsnConnector{driver: &contextDriver{}}}, Generic},
		{Engine{Connector: dsnConnector{}}, Generic},
	} {
		s, err := resolve(Config{Driver: "mysql", Primary: test.engine})
		if err != nil {
			t.Error(err)
		} else if e := s.databases[0].primary; e.dialect != test.want || e.connector == nil {
			t.Errorf("%v: dialect %d, want %d", test.engine, e.dialect, test.want)
		}
	}
}
