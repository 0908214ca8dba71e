package multidb

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// defaultMaxDatabases is how many databases of tenants are kept open.
const defaultMaxDatabases = 10_000

// tenantPlaceholder stands for a tenant's name in the DSNs of a template.
const tenantPlaceholder = "{tenant}"

// placeholder is what looks like one, so that a misspelt one is not taken for
// itself.
var placeholder = regexp.MustCompile(`\{[A-Za-z_]*\}`)

func (s *settings) hasTenants() bool { return s.template != nil || s.resolveTenant != nil }

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
	for i, e := range c.Tenants.engines() {
		path := "tenants.primary"
		if i > 0 {
			path = fmt.Sprintf("tenants.replicas[%d]", i-1)
		}
		if err := checkTemplate(path, e); err != nil {
			return err
		}
	}
	return s.setTemplate(c.Tenants)
}

// tenantOf makes the database of a tenant from the template, or asks Config.Resolve.
func (s *settings) tenantOf(ctx context.Context, name string) (d *databaseConfig, err error) {
	if s.template != nil {
		d, err = s.fromTemplate(name)
	} else {
		var resolved Database
		if resolved, err = s.resolveTenant(ctx, name); err != nil {
			return nil, fmt.Errorf("multidb: database %q: %w", name, err)
		}
		d, err = s.tenant(name, resolved)
	}
	if err != nil {
		return nil, fmt.Errorf("multidb: %w", err)
	}
	return d, nil
}

// setTemplate finds out all that is the same for each tenant: to check its engines
// one by one, and to read their DSNs, would cost more than all else that opens a
// database.
func (s *settings) setTemplate(d Database) (err error) {
	builder := engineBuilder{driver: s.driver, discover: s.discover, paths: make(map[string]string)}
	if s.template, err = builder.database("tenants", standIn, d.named(standIn)); err != nil {
		return err
	}
	for i, e := range s.template.engines() {
		template := d.engines()[i]
		if a := addressOf(e.dialect, e.dsn); a.host == addressOf(e.dialect, template.named(strings.ToUpper(standIn)).DSN).host {
			e.address = a.asTemplate() // else capitals count, and each tenant's is read
		}
		e.dsn = template.DSN
	}
	s.tenantDialect = s.template.primary.dialect
	return nil
}

// fromTemplate returns the database of a tenant, whose name is one by isDatabaseName.
func (s *settings) fromTemplate(tenant string) (*databaseConfig, error) {
	d := &databaseConfig{name: tenant, primary: s.template.primary.named(tenant)}
	for _, e := range s.template.replicas {
		d.replicas = append(d.replicas, e.named(tenant))
	}
	return d, s.checkTenantNames(d)
}

// named returns the engine of a tenant, if e is one of a template.
func (e *engineConfig) named(tenant string) *engineConfig {
	named := *e
	named.name = tenant + strings.TrimPrefix(e.name, standIn)
	named.database = tenant
	named.dsn = strings.ReplaceAll(e.dsn, tenantPlaceholder, tenant)
	if e.address.host != "" {
		named.address = e.address.named(tenant)
	} else {
		named.address = addressOf(e.dialect, named.dsn)
	}
	return &named
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

// named returns a template with a name in it.
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

// tenant checks the database that was resolved for a tenant and fills in its
// defaults.
func (s *settings) tenant(name string, d Database) (*databaseConfig, error) {
	builder := engineBuilder{driver: s.driver, discover: s.discover, paths: make(map[string]string)}
	built, err := builder.database(keyPath("tenants", name), name, d)
	if err != nil {
		return nil, err
	}
	built.findAddresses()
	return built, s.checkTenantNames(built)
}

// checkLengths refuses a tenant that a server could take for another, because it
// cuts off what is too long of a name in the DSN.
func (d *databaseConfig) checkLengths() error {
	for _, e := range d.engines() {
		for _, n := range e.address.names {
			if length, tooLong := n.isTooLong(d.name); tooLong {
				return fmt.Errorf("%w %s: the %s of engine %q has a name of %d characters, and the server tells names apart by the first %d; shorten the tenant's, or what is put around it",
					ErrUnknownDatabase, show(d.name), n.what, e.name, length, n.limit)
			}
		}
	}
	return nil
}

// checkTenantNames refuses engines with the names of others.
func (s *settings) checkTenantNames(d *databaseConfig) error {
	for _, e := range d.engines() {
		if _, taken := s.lookup(e.name); taken {
			return keyError(keyPath("tenants", d.name), "the name %q is that of a configured database or engine", e.name)
		}
	}
	return nil
}
