package multidb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/stdlib"
)

// openConnector returns the connector of the named driver for a DSN, without
// dialling.
func openConnector(driverName, dsn string) (driver.Connector, error) {
	d, err := driverFor(driverName, dsn)
	if err != nil {
		return nil, fmt.Errorf("driver %q: %s", driverName, redact(err.Error(), dsn))
	}
	ofToday, ok := d.(driver.DriverContext)
	if !ok {
		return dsnConnector{dsn: dsn, driver: d}, nil
	}
	c, err := ofToday.OpenConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("driver %q: %s", driverName, redact(err.Error(), dsn))
	}
	return c, nil
}

// driverFor returns the driver that is registered by that name. database/sql hands it
// out only through a DB, which has a goroutine, so the usual one is known. Any other may
// be made for its DSN, so each has its own.
func driverFor(name, dsn string) (driver.Driver, error) {
	if name == "pgx" && isPgx5() {
		return stdlib.GetDefaultDriver(), nil
	}
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Driver(), nil
}

// isPgx5 reports whether "pgx" is the name of the pgx that this package knows: an older
// one may have been first.
var isPgx5 = sync.OnceValue(func() bool {
	db, err := sql.Open("pgx", "")
	if err != nil {
		return false
	}
	defer db.Close()
	return db.Driver() == stdlib.GetDefaultDriver()
})

// dsnConnector is the connector of a driver that has none of its own. Its driver
// cannot be told of the context, as under database/sql.
type dsnConnector struct {
	dsn    string
	driver driver.Driver
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.driver }

// heedsContext reports whether a driver is known to end a dial when its context ends,
// as database/sql's contract has it. Not all do: lib/pq (1.12) minds it until the
// server's socket is open, and then waits for as long as the server says nothing.
func heedsContext(c driver.Connector) bool {
	if _, isDeaf := c.(dsnConnector); isDeaf {
		return false
	}
	return isHeedful(c.Driver()) || isHeedful(innermostDriver(c))
}

func isHeedful(d driver.Driver) bool {
	switch packageOf(d) {
	case "github.com/jackc/pgx/v5/stdlib", "github.com/go-sql-driver/mysql":
		return true
	}
	return false
}

// inferDriver returns the driver that a DSN is surely meant for, or "".
func inferDriver(dsn string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") ||
		pgxRegistered.MatchString(dsn) || isLibpq(dsn) {
		return "pgx"
	}
	return ""
}

// pgxRegistered is what pgx's stdlib.RegisterConnConfig returns.
var pgxRegistered = regexp.MustCompile(`^registeredConnConfig[0-9]+$`)

// isLibpq reports whether the DSN is a libpq text of keywords, with one at least
// that libpq or pgx knows: the rest may be settings of the server.
func isLibpq(dsn string) bool {
	keys, ok := keywords(dsn)
	if !ok {
		return false
	}
	for _, key := range keys {
		if libpqKeywords[key] {
			return true
		}
	}
	return false
}

var libpqKeywords = func() map[string]bool {
	known := make(map[string]bool)
	for key := range strings.FieldsSeq(`
		host hostaddr port dbname database user password passfile service servicefile
		sslmode sslnegotiation sslcert sslkey sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni
		ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version
		requiressl sslcompression requirepeer require_auth channel_binding
		connect_timeout client_encoding options application_name fallback_application_name
		keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout
		krbsrvname krbspn gsslib gssencmode gssdelegation target_session_attrs load_balance_hosts replication`) {
		known[key] = true
	}
	return known
}()

var (
	keyword = regexp.MustCompile(`^[A-Za-z_][\w.]*$`)
	// keywordPair is one "key = value" at the start of a text: the value is a
	// word or stands in single quotes, and a backslash takes the next character
	// as it is.
	keywordPair = regexp.MustCompile(`^([A-Za-z_][\w.]*)\s*=\s*(?s:'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?\s*`)
)

// keywords returns the keys of a libpq text such as "host=db user='a b'", and
// whether the DSN is one.
func keywords(dsn string) (keys []string, ok bool) {
	rest := strings.TrimSpace(dsn)
	for rest != "" {
		pair := keywordPair.FindStringSubmatch(rest)
		if pair == nil {
			return nil, false
		}
		keys = append(keys, pair[1])
		rest = rest[len(pair[0]):]
	}
	return keys, len(keys) > 0
}

// dialectOf returns whose SQL an engine speaks, by the name of its driver, else by
// the package of its connector's driver. What is not known is Generic, in which
// only that is a read which is one everywhere.
func dialectOf(driverName string, c driver.Connector) Dialect {
	if d := dialectByName(driverName); d != Generic || driverName != "" || c == nil {
		return d
	}
	return dialectByPackage(packageOf(innermostDriver(c)))
}

// packageOf returns the path of the package of v's type, or of what v points at.
// It knows drivers whose types are not exported, and that we do not depend on.
func packageOf(v any) string {
	t := reflect.TypeOf(v)
	if t == nil {
		return ""
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath()
}

func dialectByName(driverName string) Dialect {
	name := strings.ToLower(driverName)
	has := func(part string) bool { return strings.Contains(name, part) }
	switch {
	case has("cockroach"):
		// Its quotes are PostgreSQL's, but not its grammar: a SELECT may hide a
		// write in brackets, FROM [DELETE FROM t RETURNING id].
		return Generic
	case has("pgx"), has("postgres"), name == "pq":
		return Postgres
	case has("mysql"), has("mariadb"):
		return MySQL
	case has("sqlite"), has("libsql"):
		return SQLite
	}
	return Generic
}

func dialectByPackage(path string) Dialect {
	for _, known := range []struct {
		path    string
		dialect Dialect
	}{
		{"github.com/jackc/pgx", Postgres},
		{"github.com/lib/pq", Postgres},
		{"github.com/go-sql-driver/mysql", MySQL},
		{"modernc.org/sqlite", SQLite},
		{"github.com/mattn/go-sqlite3", SQLite},
		{"github.com/ncruces/go-sqlite3", SQLite},
		{"github.com/tursodatabase/", SQLite},
	} {
		if strings.HasPrefix(path, known.path) {
			return known.dialect
		}
	}
	return Generic
}
