package multidb

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// address is what a DSN says of the server, and of the names by which that tells
// one tenant's data from another's.
type address struct {
	host  string // with the port; "" if it cannot be told
	names []serverName
}

// serverName is a name that a server keeps apart from others by its first
// characters only.
type serverName struct {
	what, text    string
	length, limit int  // in characters, or in bytes for PostgreSQL
	places        int  // of a template: how often standIn is in the text
	varies        bool // the limit: some servers keep more
}

// isTooLong reports whether a tenant's server could take the name for another's. In a
// template's, the tenant's is in the place of standIn.
func (n serverName) isTooLong(tenant string) (length int, tooLong bool) {
	length = n.length + n.places*(len(tenant)-len(standIn))
	return length, length > n.limit && (!n.varies || n.places > 0 || strings.Contains(n.text, tenant))
}

// addressOf reads a DSN as its driver does, with the driver's defaults. Two
// spellings of one server, such as a name and its number, remain two.
func addressOf(d Dialect, dsn string) address {
	_, isURL := asURL(dsn)
	switch {
	case dsn == "" || d == SQLite || pgxRegistered.MatchString(dsn): // "" is a connector's
		return address{}
	case d == Postgres || strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://"):
		return postgresAddress(dsn)
	case d == MySQL && (!isURL || mysqlAddress.MatchString(dsn)):
		return mysqlAddressOf(dsn)
	case isURL:
		if u, err := url.Parse(dsn); err == nil && u.Host != "" {
			return address{host: strings.ToLower(u.Host)}
		}
	}
	return address{}
}

// findAddresses reads the DSNs of all engines.
func (d *databaseConfig) findAddresses() {
	for _, e := range d.engines() {
		e.address = addressOf(e.dialect, e.dsn)
	}
}

// standIn is a tenant's name that is nowhere in a DSN but in the place of one.
const standIn = "0standin0for0a0tenant0"

// asTemplate finds standIn in the names.
func (a address) asTemplate() address {
	for i, n := range a.names {
		a.names[i].places = strings.Count(n.text, standIn)
	}
	return a
}

// named returns what an address of a template is for a tenant. The names are shared.
func (a address) named(tenant string) address {
	a.host = strings.ReplaceAll(a.host, standIn, strings.ToLower(tenant))
	return a
}

// PostgreSQL.

const postgresNameLength = 63 // bytes; the server cuts off the rest without an error

// postgresAddress asks pgx, which knows PGHOST, service files and the sockets that
// are there.
func postgresAddress(dsn string) address {
	c, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return address{}
	}
	hosts := []string{postgresHost(c.Host, c.Port)}
	for _, f := range c.Fallbacks { // the same server without TLS, or the next one
		if host := postgresHost(f.Host, f.Port); host != hosts[len(hosts)-1] {
			hosts = append(hosts, host)
		}
	}
	a := address{host: strings.Join(hosts, ",")}
	add := func(what, text string) {
		a.names = append(a.names, serverName{what: what, text: text, length: len(text), limit: postgresNameLength})
	}
	add("database", c.Database)
	add("user", c.User)
	add("role", c.RuntimeParams["role"])
	paths := []string{c.RuntimeParams["search_path"]}
	for _, option := range searchPathOption.FindAllStringSubmatch(c.RuntimeParams["options"], -1) {
		paths = append(paths, option[1])
	}
	for schema := range strings.SplitSeq(strings.Join(paths, ","), ",") {
		add("search_path", strings.Trim(schema, ` "`))
	}
	return a
}

// searchPathOption is the setting as in "-c search_path=a,b", where a backslash
// takes the next character as it is.
var searchPathOption = regexp.MustCompile(`(?i)search[_-]path\s*=\s*((?:\\.|\S)*)`)

func postgresHost(host string, port uint16) string {
	if !strings.HasPrefix(host, "/") { // not a socket
		host = strings.ToLower(host)
	}
	return host + ":" + strconv.Itoa(int(port))
}

// MySQL.

const (
	mysqlNameLength = 64 // characters
	mysqlUserLength = 32 // MariaDB keeps more; both cut off the rest without an error
)

// mysqlAddressOf reads "user:password@network(address)/database?parameters" as
// go-sql-driver does. The last '/' and the last '@' before it count, because a
// password may hold either.
func mysqlAddressOf(dsn string) address {
	slash := strings.LastIndexByte(dsn, '/')
	if slash < 0 {
		return address{}
	}
	at := strings.LastIndexByte(dsn[:slash], '@')
	user, _, _ := strings.Cut(dsn[:max(at, 0)], ":")
	database, _, _ := strings.Cut(dsn[slash+1:], "?")
	if plain, err := url.PathUnescape(database); err == nil {
		database = plain
	}
	return address{host: mysqlHost(dsn[at+1 : slash]), names: []serverName{
		{what: "database", text: database, length: utf8.RuneCountInString(database), limit: mysqlNameLength},
		{what: "user", text: user, length: utf8.RuneCountInString(user), limit: mysqlUserLength, varies: true},
	}}
}

// mysqlHost completes what stands between '@' and '/'.
func mysqlHost(text string) string {
	network, place, hasPlace := strings.Cut(text, "(")
	switch {
	case hasPlace && !strings.HasSuffix(place, ")"):
		return ""
	case network == "":
		network = "tcp"
	}
	place = strings.TrimSuffix(place, ")")
	switch {
	case network == "tcp":
		place = strings.ToLower(place)
		if place == "" {
			place = "127.0.0.1"
		}
		if _, _, err := net.SplitHostPort(place); err != nil {
			place = net.JoinHostPort(place, "3306")
		}
	case network == "unix" && place == "":
		place = "/tmp/mysql.sock"
	case place == "":
		return ""
	}
	return network + "(" + place + ")"
}
