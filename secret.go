package multidb

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// masked stands where a secret stood.
	masked = "xxxxx"

	// withheld stands for a text that may show pieces of a secret.
	withheld = "(not shown: the DSN is malformed near its password, and the text may quote a piece of it)"
)

// redact returns the text, which may quote the child DSN or parts of it, without
// the DSN's secrets. The text is an error of a driver as a rule.
func redact(text, dsn string) string {
	secrets := secretsIn(dsn)
	switch {
	case len(secrets) == 0 && strings.ContainsAny(dsn, "@="):
		// It has the look of a DSN with a login, in a form that is not known here.
		return strings.ReplaceAll(text, dsn, masked)
	case len(secrets) == 0:
		return text
	case malformed(dsn):
		return withheld
	}
	pairs := make([]string, 0, 2*len(secrets))
	for _, s := range secrets {
		pairs = append(pairs, s, masked)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// secretsIn returns the secrets of a DSN in all spellings in which a message may
// show them, the longest first. Drivers do not agree on how a DSN is read, and
// it is not known here which driver reads this one: so each reading counts, and
// what is hidden may be too much, but never too little.
func secretsIn(dsn string) []string {
	found := make(map[string]bool)
	for _, secret := range append(passwords(dsn), secretParameters(dsn)...) {
		for _, s := range spellings(secret) {
			if s != "" {
				found[s] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
}

// passwords returns what may be the password of "scheme://user:password@host" or
// of "user:password@protocol(address)".
func passwords(dsn string) []string {
	var found []string
	for _, text := range []string{dsn, afterScheme(dsn)} {
		_, text, _ = strings.Cut(text, ":")
		// The password ends at the last '@' of the authority (net/url), at the last
		// one before the last '/' (MySQL's drivers), or, unescaped, at the last one.
		for _, end := range []int{strings.IndexAny(text, "/?#"), strings.LastIndexByte(text, '/'), len(text)} {
			if end < 0 {
				continue
			}
			if at := strings.LastIndexByte(text[:end], '@'); at >= 0 {
				found = append(found, text[:at])
			}
		}
	}
	return found
}

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// afterScheme returns what follows "scheme://", or "" if there is none.
func afterScheme(dsn string) string {
	if prefix := scheme.FindString(dsn); prefix != "" {
		return dsn[len(prefix):]
	}
	return ""
}

var (
	secretKey = regexp.MustCompile(`(?i)[\w.-]*(?:pass|pwd|secret|token|key)[\w.-]*\s*=\s*`)
	// notSecret are switches whose value, a 1 or a true, must not be hidden
	// wherever it appears.
	notSecret = regexp.MustCompile(`(?i)^(?:allow\w*|_?foreign_keys?)\s*=`)
)

// secretParameters returns the values of parameters that are called a password, a
// token or the like.
func secretParameters(dsn string) []string {
	var found []string
	for _, at := range secretKey.FindAllStringIndex(dsn, -1) {
		if notSecret.MatchString(dsn[at[0]:at[1]]) {
			continue
		}
		value := dsn[at[1]:]
		// A parameter of a URL ends at '&' or '#', one of ODBC and its like at
		// ';', one of libpq at white space.
		for _, end := range []int{
			strings.IndexByte(value, '&'), strings.IndexByte(value, '#'), strings.IndexByte(value, ';'),
			len(wordOrQuoted.FindString(value)), len(value),
		} {
			if end > 0 {
				found = append(found, value[:end])
			}
		}
	}
	return found
}

// wordOrQuoted is a value as libpq reads it.
var wordOrQuoted = regexp.MustCompile(`^(?s:'(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)`)

// spellings returns a secret as it is, decoded, and as a message may quote it.
func spellings(secret string) []string {
	plain := []string{secret}
	if s, err := url.PathUnescape(secret); err == nil {
		plain = append(plain, s)
	}
	if s, err := url.QueryUnescape(secret); err == nil {
		plain = append(plain, s)
	}
	if q := secret[:1]; (q == "'" || q == `"`) && len(secret) > 2 && strings.HasSuffix(secret, q) {
		plain = append(plain, secret[1:len(secret)-1])
	}
	for _, s := range plain {
		plain = append(plain, backslash.ReplaceAllString(s, "$1"))
	}
	all := slices.Clone(plain)
	for _, s := range plain {
		quoted := strconv.Quote(s)
		all = append(all, quoted[1:len(quoted)-1], url.QueryEscape(s), url.PathEscape(s),
			strings.TrimPrefix(url.UserPassword("", s).String(), ":"))
	}
	return all
}

var backslash = regexp.MustCompile(`(?s)\\(.)`)

// malformed reports whether a DSN with a secret is written so that its driver will
// take the secret for something else, such as a port or a keyword, and complain
// about a piece of it, which cannot be found in the message.
func malformed(dsn string) bool {
	if rest := afterScheme(dsn); rest != "" {
		return malformedURL(rest)
	}
	key, _, _ := strings.Cut(dsn, "=")
	if !keyword.MatchString(strings.TrimSpace(key)) || strings.Contains(dsn, ";") {
		return false
	}
	_, ok := keywords(dsn)
	return !ok
}

func malformedURL(rest string) bool {
	if _, err := url.PathUnescape(rest); err != nil {
		return true
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		return false
	}
	authority, tail := rest[:end], rest[end:]
	before, _, at := strings.Cut(tail, "@")
	if !at {
		return false
	}
	// An '@' in the value of a parameter is fine. Elsewhere it is the end of a
	// password with a '/', '?' or '#' in it; so it is if something that is not a
	// port follows the "host:".
	if !strings.Contains(before, "=") {
		return true
	}
	_, port, ok := strings.Cut(authority, ":")
	return ok && !strings.Contains(authority, "@") && strings.Trim(port, "0123456789") != ""
}

// show returns a name for an error message: quoted, or described if it could be a
// DSN that stands where a name belongs.
func show(name string) string {
	if strings.ContainsAny(name, ":=@/") {
		return "(not shown: not a name)"
	}
	return strconv.Quote(name)
}

// redacted returns a copy of the engine whose DSN may be shown.
func (e Engine) redacted() Engine {
	e.DSN = redact(e.DSN, e.DSN)
	return e
}

func redactedEngines(engines []Engine) []Engine {
	shown := make([]Engine, len(engines))
	for i, e := range engines {
		shown[i] = e.redacted()
	}
	return shown
}

func (c Config) redacted() Config {
	c.Primary = c.Primary.redacted()
	c.Replicas = redactedEngines(c.Replicas)
	databases := make(map[string]Database, len(c.Databases))
	for name, d := range c.Databases {
		databases[name] = Database{Primary: d.Primary.redacted(), Replicas: redactedEngines(d.Replicas)}
	}
	c.Databases = databases
	return c
}

// String returns the DSN of the configuration with its secrets masked.
func (c Config) String() string { return c.redacted().FormatDSN() }

// Format prints [Config.String] for every verb: %#v and %d would show what the
// fields hold.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue implements [slog.LogValuer] with [Config.String].
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String returns the JSON form of the engine with its secrets masked.
func (e Engine) String() string { return encode(e.redacted().document()) }

// Format prints [Engine.String] for every verb: %#v and %d would show what the
// fields hold.
func (e Engine) Format(f fmt.State, _ rune) { io.WriteString(f, e.String()) }

// LogValue implements [slog.LogValuer] with [Engine.String].
func (e Engine) LogValue() slog.Value { return slog.StringValue(e.String()) }
