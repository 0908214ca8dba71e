package multidb

import "testing"

func TestHostOf(t *testing.T) {
	for _, test := range []struct {
		dialect Dialect
		dsn     string
		want    string
	}{
		{Postgres, "postgres://app:p%40w@db1.example:5433/shop?sslmode=disable", "db1.example:5433"},
		{Postgres, "postgres://db1/shop", "db1"},
		{Postgres, "postgres://a:1,b:2/shop", "a:1,b:2"},
		{Postgres, "host=db1 port=5433 password='it\\'s host=no' dbname=x", "db1:5433"},
		{Postgres, "dbname=x host = 'db2'", "db2:"},
		{Postgres, "dbname=x", ""},
		{Postgres, "registeredConnConfig1", ""},
		{MySQL, "app:p@ss/w(o)rd@tcp(db1:3306)/shop?parseTime=true", "tcp(db1:3306)"},
		{MySQL, "app@unix(/run/mysqld.sock)/shop", "unix(/run/mysqld.sock)"},
		{MySQL, "/shop", ""},
		{SQLite, "file:shop.db", ""},
		{Generic, "whatever", ""},
	} {
		if got := hostOf(test.dialect, test.dsn); got != test.want {
			t.Errorf("%s: %q is on %q, want %q", test.dialect, test.dsn, got, test.want)
		}
	}
}
