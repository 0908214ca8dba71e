package multidb

import (
	"cmp"
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
	if malformed(dsn) {
		return withheld
	}
	secrets := secretsIn(dsn)
	if len(secrets) == 0 && opaque(dsn) {
		return strings.ReplaceAll(text, dsn, masked)
	}
	pairs := make([]string, 0, 2*len(secrets))
	for _, s := range secrets {
		pairs = append(pairs, s, masked)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// secretsIn returns the secrets of a DSN in all spellings in which a message may
// show them, the longest first. Which driver reads the DSN, and how, is not known
// here: where readings differ each of them counts, and rather too much is hidden
// than too little.
func secretsIn(dsn string) []string {
	found := make(map[string]bool)
	for _, secret := range append(secretParameters(dsn), passwords(dsn)...) {
		for _, s := range spellings(secret) {
			if s != "" {
				found[s] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b))
	})
}

// DSNs come in three forms, as far as secrets go.

// asURL returns what follows "scheme://", if the DSN is a URL.
func asURL(dsn string) (rest string, ok bool) {
	prefix := urlScheme.FindString(dsn)
	return dsn[len(prefix):], prefix != ""
}

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// hasKeywords reports whether the DSN is "key=value ..." of libpq, or the like with
// ';' of ODBC and others.
func hasKeywords(dsn string) bool {
	key, _, ok := strings.Cut(dsn, "=")
	return ok && keyword.MatchString(strings.TrimSpace(key))
}

// passwords returns the password of "scheme://user:password@host" and, as a user's
// name may look like a scheme, that of "user:password@protocol(address)/name".
func passwords(dsn string) []string {
	var found []string
	if rest, ok := asURL(dsn); ok {
		authority, _ := cutAuthority(rest)
		found = append(found, passwordOf(authority))
		if !mysqlAddress.MatchString(dsn) {
			return found
		}
	}
	if hasKeywords(dsn) {
		return found
	}
	login := dsn
	if slash := strings.LastIndexByte(dsn, '/'); slash >= 0 {
		login = dsn[:slash] // a password may have a '/' of its own
	}
	return append(found, passwordOf(login))
}

var mysqlAddress = regexp.MustCompile(`@\w*\(`)

// passwordOf returns what stands between the first ':' and the last '@'.
func passwordOf(login string) string {
	at := strings.LastIndexByte(login, '@')
	_, secret, _ := strings.Cut(login[:max(at, 0)], ":")
	return secret
}

// cutAuthority cuts a URL without its scheme after the host.
func cutAuthority(rest string) (authority, tail string) {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end], rest[end:]
	}
	return rest, ""
}

// secretParameters returns the values of parameters that are called a password, a
// token or the like.
func secretParameters(dsn string) []string {
	var found []string
	for _, at := range secretKey.FindAllStringIndex(dsn, -1) {
		if notSecret.MatchString(dsn[at[0]:at[1]]) {
			continue
		}
		value := dsn[at[1]:]
		if hasKeywords(dsn) {
			found = append(found, wordOrQuoted.FindString(value))
		} else {
			value, _, _ = strings.Cut(value, "&")
			beforeFragment, _, _ := strings.Cut(value, "#")
			found = append(found, value, beforeFragment)
		}
		if beforeNext, _, ok := strings.Cut(value, ";"); ok {
			found = append(found, beforeNext)
		}
	}
	return found
}

var (
	secretKey = regexp.MustCompile(`(?i)[\w.-]*(?:pass|pwd|secret|token|key)[\w.-]*\s*=\s*`)
	// notSecret are switches: their value, a 1 or an "on", must not be hidden
	// wherever it appears.
	notSecret = regexp.MustCompile(`(?i)^(?:allow\w*|_?foreign_keys?)\s*=`)
)

// wordOrQuoted is a value as libpq reads it.
var wordOrQuoted = regexp.MustCompile(`^(?s:'(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)`)

// spellings returns a secret as it is, decoded, and as a message may quote it.
func spellings(secret string) []string {
	if secret == "" {
		return nil
	}
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
// take a piece of the secret for something else, such as a port or a keyword, and
// complain about that. Such a piece cannot be found in the message.
func malformed(dsn string) bool {
	if rest, ok := asURL(dsn); ok {
		return malformedURL(rest)
	}
	if !hasKeywords(dsn) || !secretKey.MatchString(dsn) || strings.Contains(dsn, ";") {
		return false
	}
	_, ok := keywords(dsn)
	return !ok
}

func malformedURL(rest string) bool {
	if _, err := url.PathUnescape(rest); err != nil {
		return strings.Contains(rest, "@") || secretKey.MatchString(rest)
	}
	// An '@' after the host is fine in the value of a parameter. Elsewhere it is
	// the end of a password with a '/', '?' or '#' in it; and it is that, too, if
	// what follows "host:" is no port.
	authority, tail := cutAuthority(rest)
	path, query, _ := strings.Cut(tail, "?")
	key, _, at := strings.Cut(query, "@")
	if strings.Contains(path, "@") || at && !strings.Contains(key, "=") {
		return true
	}
	_, port, _ := strings.Cut(authority, ":")
	return at && !strings.Contains(authority, "@") && strings.Trim(port, "0123456789") != ""
}

// opaque reports whether the DSN may hold a secret in a form that is not known
// here, such as "user/password@address".
func opaque(dsn string) bool {
	if _, ok := asURL(dsn); ok || hasKeywords(dsn) {
		return false
	}
	head, _, _ := strings.Cut(dsn, "?")
	login, _, at := strings.Cut(head, "@")
	return at && !userName.MatchString(login) || strings.Contains(head, "=")
}

var userName = regexp.MustCompile(`^[\w.-]*$`)

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
