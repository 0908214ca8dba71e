package multidb

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, test := range []struct{ dsn, text, want string }{
		// The DSN, or its password, stands in the message.
		{"postgres://app:s3cret@h:5432/db", `dial postgres://app:s3cret@h:5432/db: refused`, `dial postgres://app:xxxxx@h:5432/db: refused`},
		{"postgres://app:s3cret@h/db", `password "s3cret" is wrong for app`, `password "xxxxx" is wrong for app`},
		{"postgres://app:s%21cret@h/db", `"s!cret" or "s%21cret"`, `"xxxxx" or "xxxxx"`},
		{"postgres://app:s\"t@h/db", `parse "postgres://app:s\"t@h/db"`, `parse "postgres://app:xxxxx@h/db"`},
		{"postgres://app:s@t@h/db", `host=h s@t`, `host=h xxxxx`},
		{"postgres://app@h/db?sslpassword=s3cret&x=1#f", `s3cret&x=1`, `xxxxx&x=1`},
		{"postgres://app@h/db?x=1&password=s+3#f", `s+3, s 3`, `xxxxx, xxxxx`},
		{"host=h password=s3cret user=app", `host=h password=s3cret user=app`, `host=h password=xxxxx user=app`},
		{`host=h password='it\'s a' user=app`, `'it\'s a' it's a`, `xxxxx xxxxx`},
		{`host=h password = it\'s\ a user=app`, `it\'s\ a it's a`, `xxxxx xxxxx`},
		{"app:s3cret@tcp(h:3306)/db?x=1", `app:s3cret@tcp(h:3306)/db?x=1`, `app:xxxxx@tcp(h:3306)/db?x=1`},
		{"app:p@ss/w@tcp(h:3306)/db", `app p@ss/w`, `app xxxxx`},
		{"app://x@tcp(h)/db", `app //x`, `app xxxxx`},
		{"app:s3cret@tcp(h)/db?allowOldPasswords=1", `1 s3cret`, `1 xxxxx`},
		{"file:a.db?_auth_user=u&_auth_pass=s3cret", `u s3cret`, `u xxxxx`},
		{"file:a.db?_foreign_keys=on", `connection`, `connection`},
		{"libsql://db.example?authToken=s3cret", `token s3cret`, `token xxxxx`},
		{"Server=h;User Id=sa;Password=s3cret;Encrypt=no", `sa s3cret no`, `sa xxxxx no`},

		// Nothing to hide.
		{"postgres://app@h/db?application_name=a@b", `postgres://app@h/db?application_name=a@b`, `postgres://app@h/db?application_name=a@b`},
		{"postgres://h:5432/db?application_name=a@b", `h:5432`, `h:5432`},
		{"postgres://app:s3cret@h1:5432,h2:5432/db", `h1:5432 refused`, `h1:5432 refused`},
		{"host=h user=app", `host=h user=app`, `host=h user=app`},
		{"app@tcp(h)/db?parseTime=true", `app@tcp(h)/db?parseTime=true`, `app@tcp(h)/db?parseTime=true`},
		{"/var/lib/app.db", `open /var/lib/app.db`, `open /var/lib/app.db`},
		{"file:app.db?mode=ro", `open file:app.db?mode=ro`, `open file:app.db?mode=ro`},
		{"registeredConnConfig0", `registeredConnConfig0`, `registeredConnConfig0`},
		{"", `text`, `text`},

		// A login in a form that is not known.
		{"app/s3cret@h/db", `cannot open app/s3cret@h/db`, `cannot open xxxxx`},

		// A driver would take a piece of the password for something else.
		{"postgres://app:s3/cret@h/db", `invalid port ":s3" after host`, withheld},
		{"postgres://app:12/cret@h/db", `dial app:12`, withheld},
		{"postgres://app:s3?x=cret@h/db", `invalid port ":s3" after host`, withheld},
		{"postgres://app:s@3/cret@h/db", `lookup 3`, withheld},
		{"postgres://app:s3%ret@h/db", `invalid URL escape "%re"`, withheld},
		{"postgres://app@h/db?password=%zz", `invalid URL escape "%zz"`, withheld},
		{"host=h password=s3 cret", `missing "=" after "cret"`, withheld},
		{"host=h password='s3 cret", `unterminated 's3 cret`, withheld},
	} {
		if got := redact(test.text, test.dsn); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.dsn, got, test.want)
		}
	}
}

func TestRedactURLErrors(t *testing.T) {
	for _, dsn := range []string{
		"postgres://app:hidden%@h/db",
		"postgres://app:hid/den@h/db",
		"postgres://app:hid den@h/db",
		"postgres://app:hidden@h:port/db",
		"postgres://app:hidden\x7f@h/db",
		"postgres://app:hidden@[h/db",
	} {
		_, err := url.Parse(dsn)
		if err == nil {
			t.Fatalf("%q is a URL after all", dsn)
		}
		if got := redact(err.Error(), dsn); strings.Contains(got, "hid") {
			t.Errorf("%q: %s", dsn, got)
		}
	}
}

// FuzzRedact: a password is never left in a message that quotes the DSN.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "a", "it's", `a\b"c`, "a b\n", "p@ss/w?#", "%41%", "é\xff", "=&;", "key='x'", "://", ":@", "p@(00000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, middle string) {
		// Marked, so that it stands nowhere else, and ends nowhere early.
		password := "Zq7" + middle + "7qZ"
		quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password) + "'"
		for _, dsn := range []string{
			"postgres://app:" + url.QueryEscape(password) + "@h:5432/db?x=1",
			"postgres://" + url.UserPassword("app", password).String() + "@h/db",
			"postgres://app:" + password + "@h/db",
			"postgres://app@h/db?sslpassword=" + url.QueryEscape(password) + "&x=1",
			"host=h password=" + quoted + " user=app",
			"app:" + password + "@tcp(h:3306)/db?x=1",
		} {
			_, parseErr := url.Parse(dsn)
			for _, text := range []string{dsn, password, strconv.Quote(dsn), fmt.Sprint(parseErr), "wrong: " + quoted, url.QueryEscape(password)} {
				got := redact(text, dsn)
				for _, secret := range []string{password, url.QueryEscape(password), strconv.Quote(password)} {
					if strings.Contains(got, strings.Trim(secret, `"`)) {
						t.Fatalf("DSN %q, text %q: %q shows %q", dsn, text, got, secret)
					}
				}
			}
		}
	})
}

func TestPrintingShowsNoSecret(t *testing.T) {
	e := Engine{DSN: "postgres://app:hidden@h/db", Weight: 2, Connector: dsnConnector{dsn: "hidden", driver: plainDriver{}}}
	d := Database{Primary: e, Replicas: []Engine{e}}
	c := Config{Primary: e, Replicas: []Engine{e}, Databases: map[string]Database{"a": d}}
	plain := Config{Primary: Engine{DSN: e.DSN}}

	for _, value := range []any{e, &e, d, []Engine{e}, c, &c, plain, struct{ C Config }{c}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			text := fmt.Sprintf(format, value)
			if strings.Contains(text, "hidden") || strings.Contains(text, fmt.Sprintf("%x", "hidden")) {
				t.Errorf("%s of a %T: %s", format, value, text)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
		if strings.Contains(log.String(), "hidden") {
			t.Errorf("log of a %T: %s", value, &log)
		}
	}

	if got, want := plain.String(), "postgres://app:xxxxx@h/db"; got != want {
		t.Errorf("plain: got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(c), `{"primary":{"dsn":"postgres://app:xxxxx@h/db","weight":2},`+
		`"replicas":[{"dsn":"postgres://app:xxxxx@h/db","weight":2}],`+
		`"databases":{"a":{"primary":{"dsn":"postgres://app:xxxxx@h/db","weight":2},`+
		`"replicas":[{"dsn":"postgres://app:xxxxx@h/db","weight":2}]}}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c.Replicas[0].DSN != e.DSN || c.Databases["a"].Replicas[0].DSN != e.DSN {
		t.Error("printing has changed the configuration")
	}
	if err := fmt.Errorf("in an error: %w: %v", errors.ErrUnsupported, c); strings.Contains(err.Error(), "hidden") {
		t.Error(err)
	}
}
