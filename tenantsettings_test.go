package multidb

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestTemplatesThatAreRefused(t *testing.T) {
	dsn := func(dsn string) Database { return Database{Primary: Engine{DSN: dsn}} }
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{Tenants: dsn("postgres://app@db/shop")}, "tenants.primary.dsn: has no {tenant}"},
		{Config{Tenants: dsn("postgres://app@db/{tenat}")}, "tenants.primary.dsn: has no {tenant}"},
		{Config{Tenants: dsn("postgres://app@{host}/{tenant}")}, "tenants.primary.dsn: there is no other placeholder than {tenant}"},
		{Config{Tenants: Database{Primary: Engine{DSN: "postgres://db/{tenant}"}, Replicas: []Engine{{DSN: "postgres://db/shop"}}}},
			"tenants.replicas[0].dsn: has no {tenant}"},
		{Config{Tenants: Database{Primary: Engine{DSN: "postgres://db/{tenant}", Name: "x"}}}, "tenants.primary.name: must be left out"},
		{Config{Tenants: dsn("file:{tenant}.db")}, "driver: cannot be told from the DSN"},
		{Config{Tenants: dsn("postgres://db/{tenant}"), Resolve: func(context.Context, string) (Database, error) { return Database{}, nil }},
			"tenants: there is a Resolve, too"},
		{Config{Tenants: dsn("postgres://db/{tenant}"), MaxDatabases: -1}, "max_databases: must not be negative"},
		{Config{Tenants: Database{Replicas: []Engine{{DSN: "postgres://db/{tenant}"}}}}, "tenants.primary.dsn: has no {tenant}"},
	} {
		_, err := NewConnector(test.config)
		if err == nil || !strings.HasPrefix(err.Error(), "multidb: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %s", test.config.Tenants, err, test.want)
		}
	}
}

// A tenant whose engine has the name of another would be met by mistake.
func TestATenantsNamesAreItsOwn(t *testing.T) {
	k := mustConnector(t, Config{
		Databases: map[string]Database{"audit": {Primary: Engine{DSN: "postgres://db/audit", Name: "acme"}}},
		Tenants:   Database{Primary: Engine{DSN: "postgres://db/{tenant}"}},
	})
	if _, err := k.tenants.find(t.Context(), "acme"); err == nil || !strings.Contains(err.Error(), `the name "acme" is that of a configured`) {
		t.Errorf("got %v", err)
	}
}

// What does not depend on the tenant's name is found out once for all tenants.
func TestATemplateMakesWhatResolveWouldBeChecked(t *testing.T) {
	registerDrivers()
	for _, config := range []Config{
		{Tenants: Database{Primary: Engine{DSN: "postgres://app@db/{tenant}"}}},
		{Discover: true, Tenants: Database{
			Primary: Engine{DSN: "host=db dbname=shop_{tenant}", Weight: 3, MaxOpen: 7, MaxIdle: 2},
			Replicas: []Engine{
				{DSN: "postgres://{tenant}.replica/{tenant}", ReadOnly: "trust", MaxLifetime: Duration(time.Minute)},
				{DSN: "postgres://replica/?dbname={tenant}", MaxIdleTime: Duration(time.Second)}},
		}},
		{Driver: "configtest-mysql", Tenants: Database{Primary: Engine{DSN: "app@tcp(db)/{tenant}"}, Replicas: []Engine{{DSN: "app@unix(/{tenant})/x"}}}},
		{Driver: "configtest-mysql", Tenants: Database{Primary: Engine{DSN: "u_{tenant}:{tenant}@tcp({tenant})/{tenant}_{tenant}"}}},
		{Driver: "configtest-mysql", Tenants: Database{Primary: Engine{DSN: "app@cloudsql(p:r:{tenant})/x"}, Replicas: []Engine{{DSN: "app@{tenant}(db:3306)/x"}}}},
		{Tenants: Database{Primary: Engine{Driver: "configtest-plain", DSN: "{tenant}"}}},
	} {
		s, err := config.resolve()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"acme", "ACME", "replica1", "a-b_c", strings.Repeat("a", 33), strings.Repeat("b", 63)} {
			got, err := s.fromTemplate(name)
			if err != nil {
				t.Fatal(err)
			}
			want, err := s.tenant(name, config.Tenants.named(name))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range got.engines() {
				e.address = spelledOut(t, e.address, name)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v: the template makes\n%+v, want\n%+v", config.Tenants, got.engines(), want.engines())
				for i := range got.engines() {
					t.Errorf("%+v\n%+v", *got.engines()[i], *want.engines()[i])
				}
			}
		}
	}
}

// spelledOut puts the tenant's name into an address of a template.
func spelledOut(t *testing.T, a address, tenant string) address {
	var names []serverName
	for _, n := range a.names {
		spelled := n
		spelled.text = strings.ReplaceAll(n.text, standIn, tenant)
		spelled.places = 0
		length, tooLong := n.isTooLong(tenant)
		spelled.length = length
		if _, want := spelled.isTooLong(tenant); tooLong != want {
			t.Errorf("%+v is too long for %q: %v, want %v", n, tenant, tooLong, want)
		}
		names = append(names, spelled)
	}
	a.names = names
	return a
}

func FuzzDatabaseName(f *testing.F) {
	for _, name := range []string{"", "a", "A-b_9", "-a", "_a", "a.b", "é", "a\x00", "a\n", strings.Repeat("a", 63), strings.Repeat("a", 64)} {
		f.Add(name)
	}
	documented := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := isDatabaseName(name), documented.MatchString(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	})
}

// The DSN of a tenant is read by its driver as the template is, but for the name.
func FuzzTenantDSN(f *testing.F) {
	for _, name := range []string{"acme", "a-b_c", "A1", "0", "a/b", "a'b", "a b", "a@b", "a?b=c", "a,b", "a:1", "é", "%41", "{tenant}", "primary"} {
		f.Add(name)
	}
	for length := 55; length <= 63; length++ {
		f.Add(strings.Repeat("a", length))
	}
	templates := []string{
		"postgres://app:secret@{tenant}.db.example:5433/{tenant}?application_name={tenant}&sslmode=disable",
		"postgres://app:secret@{tenant}.db.example:5433/shop_{tenant}?application_name={tenant}&sslmode=disable",
		"host={tenant}.db.example port=5433 user=app password=secret dbname='shop_{tenant}' application_name={tenant} sslmode=disable",
	}
	var connectors []*Connector
	for _, dsn := range templates {
		connectors = append(connectors, mustConnector(f, Config{Tenants: Database{Primary: Engine{DSN: dsn}}}))
	}
	f.Fuzz(func(t *testing.T, name string) {
		for i, k := range connectors {
			db, err := k.tenants.find(t.Context(), name)
			if err != nil {
				continue
			}
			config, err := pgx.ParseConfig(db.engines[0].dsn)
			if err != nil {
				t.Fatalf("%q made a DSN that pgx does not read: %v", name, err)
			}
			database := name
			if strings.Contains(templates[i], "shop_") {
				database = "shop_" + name
			}
			if len(database) > 63 {
				t.Errorf("%q in template %d is in database %s, of whose name PostgreSQL keeps 63 bytes", name, i, database)
			}
			read, err := k.settings.fromTemplate(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := spelledOut(t, read.primary.address, name), addressOf(Postgres, db.engines[0].dsn); !reflect.DeepEqual(got, want) {
				t.Errorf("%q in template %d has the address %v, and its DSN says %v", name, i, got, want)
			}
			got := fmt.Sprint(config.Host, config.Port, config.User, config.Password, config.Database, config.RuntimeParams, len(config.Fallbacks))
			want := fmt.Sprint(name+".db.example", 5433, "app", "secret", database, map[string]string{"application_name": name}, 0)
			if got != want {
				t.Errorf("%q in template %d is read as %s, want %s", name, i, got, want)
			}
			k.Forget(name)
		}
	})
}
