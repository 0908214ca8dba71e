package multidb

import (
	"errors"
	"strings"
	"testing"
)

func TestHostOfADSN(t *testing.T) {
	t.Setenv("PGHOST", "from-environment")
	for _, test := range []struct {
		dialect Dialect
		dsn     string
		want    string
	}{
		{Postgres, "postgres://app:p%40w@db1.example:5433/shop?sslmode=disable", "db1.example:5433"},
		{Postgres, "postgres://DB1/shop", "db1:5432"},
		{Postgres, "postgres://db1:5432/shop", "db1:5432"},
		{Postgres, "postgres:///shop?host=db1", "db1:5432"},
		{Postgres, "postgres:///shop?host=/Run/pg&port=5434", "/Run/pg:5434"},
		{Postgres, "postgres://a:1,b:2/shop", "a:1,b:2"},
		{Postgres, "postgres://[::1]/shop", "::1:5432"},
		{Postgres, "host=db1 port=5433 password='it\\'s host=no' dbname=x", "db1:5433"},
		{Postgres, "dbname=x host = 'db2'", "db2:5432"},
		{Postgres, "dbname=x", "from-environment:5432"},
		{Postgres, "postgres:///shop", "from-environment:5432"},
		{Postgres, "registeredConnConfig1", ""},
		{Postgres, "", ""}, // a connector
		{Postgres, "host=db1 port=many", ""},
		{MySQL, "app:p@ss/w(o)rd@tcp(db1:3306)/shop?parseTime=true", "tcp(db1:3306)"},
		{MySQL, "app@tcp(DB1)/shop", "tcp(db1:3306)"},
		{MySQL, "app@tcp([::1])/shop", "tcp([[::1]]:3306)"}, // as go-sql-driver has it
		{MySQL, "app@tcp/shop", "tcp(127.0.0.1:3306)"},
		{MySQL, "app@/shop", "tcp(127.0.0.1:3306)"},
		{MySQL, "/shop", "tcp(127.0.0.1:3306)"},
		{MySQL, "app@unix(/run/mysqld.sock)/shop", "unix(/run/mysqld.sock)"},
		{MySQL, "app@unix/shop", "unix(/tmp/mysql.sock)"},
		{MySQL, "app@cloudsql(project:instance)/shop", "cloudsql(project:instance)"},
		{MySQL, "mysql://app@db1:3306/shop", "db1:3306"},
		{MySQL, "no slash", ""},
		{SQLite, "file:shop.db", ""},
		{Generic, "postgres://db1/shop", "db1:5432"}, // CockroachDB
		{Generic, "sqlserver://app:secret@Writer:1433?database=shop", "writer:1433"},
		{Generic, "server=writer;database=shop", ""},
		{Generic, "whatever", ""},
	} {
		if got := addressOf(test.dialect, test.dsn).host; got != test.want {
			t.Errorf("%s: %q is on %q, want %q", test.dialect, test.dsn, got, test.want)
		}
	}
}

// A server that cuts names off would take two tenants for one.
func TestTenantsThatAServerWouldNotTellApart(t *testing.T) {
	registerDrivers()
	for _, test := range []struct {
		driver, dsn string
		longest     int // of the names that may be used
	}{
		{"pgx", "postgres://app@db/{tenant}", 63},
		{"pgx", "postgres://app@db/platform_{tenant}", 63 - len("platform_")},
		{"pgx", "postgres://db/?dbname={tenant}-{tenant}", 31},
		{"pgx", "postgres://db/%7B{tenant}%7D", 61},
		{"pgx", "dbname='t {tenant}'", 61},
		{"pgx", "postgres://app-{tenant}@db/shop", 59},
		{"pgx", "postgres://db/shop?user=app-{tenant}", 59},
		{"pgx", "postgres://db/shop?role=app-{tenant}", 59},
		{"pgx", "postgres://db/shop?search_path=t_{tenant}", 61},
		{"pgx", `postgres://db/shop?search_path=a_schema_that_many_tenants_share,%20"t_{tenant}",public`, 61},
		{"pgx", "postgres://db/shop?options=-c%20search_path%3Dt_{tenant},public", 61},
		{"pgx", "postgres://db/shop?options=-c%20statement_timeout%3D5s%20--search-path%3Dt_{tenant}", 61},
		{"pgx", "postgres://db/shop?app.tenant=the_tenant_is_{tenant}&application_name=shop_{tenant}", 63}, // no names of the server's
		{"pgx", "postgres://db/shop?host={tenant}.database.of.a.customer.example&dbname=shop", 63},
		{"configtest-mysql", "app@tcp(db)/{tenant}", 63},
		{"configtest-mysql", "app@tcp(db)/platform_{tenant}?parseTime=true", 64 - len("platform_")},
		{"configtest-mysql", "app_{tenant}:secret@tcp(db)/shop", 28},
	} {
		k := mustConnector(t, Config{Driver: test.driver, Tenants: Database{Primary: Engine{DSN: test.dsn}}})
		for length := 1; length <= 63; length++ {
			_, err := k.tenants.find(t.Context(), strings.Repeat("x", length))
			if errors.Is(err, ErrUnknownDatabase) != (length > test.longest) || err != nil && length <= test.longest {
				t.Errorf("%s: a name of %d: %v; want %d at most", test.dsn, length, err, test.longest)
			}
		}
	}
}
