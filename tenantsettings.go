package multidb

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// defaultMaxDatabases is how many databases of tenants are kept open.
const defaultMaxDatabases = 10_000

// tenantPlaceholder stands for a tenant's name in the DSNs of a template.
const tenantPlaceholder = "{tenant}"

// placeholder is what looks like one, so that a misspelt one is not taken for
// itself.
var placeholder = regexp.MustCompile(`\{[A-Za-z_]*\}`)

func (s *settings) hasTenants() bool { return s.tenants != nil || s.resolveTenant != nil }

func (d Database) isZero() bool { return isZero(d.Primary) && len(d.Replicas) == 0 }

// engines returns the engines of the database, the primary first.
func (d Database) engines() []Engine { return append([]Engine{d.Primary}, d.Replicas...) }

// setTenants reads what databases may be opened on first use.
func (s *settings) setTenants(c Config) error {
	s.driver, s.resolveTenant, s.requireDatabase = c.Driver, c.Resolve, c.RequireDatabase
	if c.Tenants.isZero() {
		return nil
	}
	if c.Resolve != nil {
		return keyError("tenants", "there is a Resolve, too; give one")
	}
	template := Database{Primary: c.Tenants.Primary, Replicas: slices.Clone(c.Tenants.Replicas)}
	for i, e := range template.engines() {
		path := "tenants.primary"
		if i > 0 {
			path = fmt.Sprintf("tenants.replicas[%d]", i-1)
		}
		if err := checkTemplate(path, e); err != nil {
			return err
		}
	}
	s.tenants = &template
	sample, err := s.tenant("sample", template.named("sample"))
	if err != nil {
		return err
	}
	s.tenantDialect = sample.primary.dialect
	for _, e := range template.engines() {
		s.tenantAddresses = append(s.tenantAddresses, addressOf(s.tenantDialect, e.named(standIn).DSN))
	}
	return nil
}

// findAddresses takes the addresses of a tenant's engines from those of the
// template, where these can be told: to read each tenant's DSN as pgx does would
// cost more than all else that opens a database.
func (s *settings) findAddresses(d *databaseConfig) {
	for i, e := range d.engines() {
		if s.tenants != nil && s.tenantAddresses[i].host != "" {
			e.address = s.tenantAddresses[i].named(d.name)
		} else {
			e.address = addressOf(e.dialect, e.dsn)
		}
	}
}

// checkTemplate refuses an engine that would be the same one for two tenants.
func checkTemplate(path string, e Engine) error {
	switch {
	case e.Connector != nil:
		return keyError(path, "a template has a dsn; for a Connector of each tenant there is Resolve")
	case e.Name != "":
		return keyError(keyPath(path, "name"), "must be left out: the engines are called after their tenant")
	case !strings.Contains(e.DSN, tenantPlaceholder):
		return keyError(keyPath(path, "dsn"), "has no %s, so that all tenants would share it", tenantPlaceholder)
	}
	for _, found := range placeholder.FindAllString(e.DSN, -1) {
		if found != tenantPlaceholder {
			return keyError(keyPath(path, "dsn"), "there is no other placeholder than %s", tenantPlaceholder)
		}
	}
	return nil
}

// named returns the database of a tenant. The name is one that databaseName
// matches, which has no meaning but itself in any DSN.
func (d Database) named(tenant string) Database {
	named := Database{Primary: d.Primary.named(tenant)}
	for _, e := range d.Replicas {
		named.Replicas = append(named.Replicas, e.named(tenant))
	}
	return named
}

func (e Engine) named(tenant string) Engine {
	e.DSN = strings.ReplaceAll(e.DSN, tenantPlaceholder, tenant)
	return e
}

// tenant checks the database of a tenant and fills in its defaults.
func (s *settings) tenant(name string, d Database) (*databaseConfig, error) {
	builder := engineBuilder{driver: s.driver, discover: s.discover, paths: make(map[string]string)}
	path := keyPath("tenants", name)
	built, err := builder.database(path, name, d)
	if err != nil {
		return nil, err
	}
	return built, s.checkTenantNames(path, built)
}

// checkLengths refuses a tenant that a server could take for another, because it
// cuts off what is too long of a name in the DSN.
func (d *databaseConfig) checkLengths() error {
	for _, e := range d.engines() {
		for _, n := range e.address.names {
			if n.length > n.limit && (!n.varies || strings.Contains(n.text, d.name)) {
				return fmt.Errorf("%w %s: the %s of engine %q has a name of %d characters, and the server tells names apart by the first %d; shorten the tenant's, or what is put around it",
					ErrUnknownDatabase, show(d.name), n.what, e.name, n.length, n.limit)
			}
		}
	}
	return nil
}

// checkTenantNames refuses engines with the names of others.
func (s *settings) checkTenantNames(path string, d *databaseConfig) error {
	for _, e := range d.engines() {
		if _, taken := s.lookup(e.name); taken {
			return keyError(path, "the name %q is that of a configured database or engine", e.name)
		}
	}
	return nil
}
