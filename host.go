package multidb

import (
	"net/url"
	"regexp"
	"strings"
)

// hostOf returns what tells the server of a DSN from others, or "" if that cannot
// be seen: for a database in a file, or a connector. Two spellings of one server
// count as two.
func hostOf(d Dialect, dsn string) string {
	switch d {
	case Postgres:
		if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
			return u.Host
		}
		return libpqHost(dsn)
	case MySQL:
		if m := mysqlServer.FindStringSubmatch(dsn); m != nil {
			return m[1]
		}
	}
	return ""
}

// mysqlServer is the network and address in a DSN of go-sql-driver, as in
// "user:password@tcp(host:3306)/name". A password may hold an '@', so the last one
// counts.
var mysqlServer = regexp.MustCompile(`^(?:.*@)?([a-zA-Z0-9]+\([^()]*\))/[^/]*$`)

// libpqHost returns the host and port of a libpq text of keywords.
func libpqHost(dsn string) string {
	var host, port string
	for rest := strings.TrimSpace(dsn); rest != ""; {
		pair := keywordPair.FindString(rest)
		if pair == "" {
			return ""
		}
		key, value, _ := strings.Cut(pair, "=")
		value = strings.Trim(strings.TrimSpace(value), "'")
		switch strings.TrimSpace(key) {
		case "host", "hostaddr":
			host = value
		case "port":
			port = value
		}
		rest = rest[len(pair):]
	}
	if host == "" {
		return ""
	}
	return host + ":" + port
}
