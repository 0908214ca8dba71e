package multidb

import (
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// dsns maps a DSN to what it says and to its canonical form, "" if that is itself.
var dsns = map[string]struct {
	config    Config
	canonical string
}{
	"postgres://app@h/shop":   {config: Config{Primary: Engine{DSN: "postgres://app@h/shop"}}},
	"host=h user=app":         {config: Config{Primary: Engine{DSN: "host=h user=app"}}},
	"registeredConnConfig0":   {config: Config{Primary: Engine{DSN: "registeredConnConfig0"}}},
	" app.db\n":               {config: Config{Primary: Engine{DSN: " app.db\n"}}},
	"app\xff.db":              {config: Config{Primary: Engine{DSN: "app\xff.db"}}},
	`{}`:                      {},
	" \r\n\t{ }\n":            {canonical: `{}`},
	`{"primary":"@file"}`:     {config: Config{Primary: Engine{DSN: "@file"}}},
	`{"primary":"{}"}`:        {config: Config{Primary: Engine{DSN: "{}"}}},
	`{"primary":" "}`:         {config: Config{Primary: Engine{DSN: " "}}},
	`{"primary":""}`:          {canonical: `{}`},
	`{"primary":{}}`:          {canonical: `{}`},
	`{"primary":"app.db"}`:    {config: Config{Primary: Engine{DSN: "app.db"}}, canonical: "app.db"},
	`{"primary":{"dsn":"a"}}`: {config: Config{Primary: Engine{DSN: "a"}}, canonical: "a"},
	`{"replicas":[],"databases":{},"rules":[],"read_functions":[],"write_functions":[],"reads":"","echo":false}`: {canonical: `{}`},
	`{"replicas":[""]}`: {config: Config{Replicas: []Engine{{}}}, canonical: `{"replicas":[{}]}`},
	`{"driver":"sqlite","primary":"file:a.db?x=1&y=<2>"}`: {
		config: Config{Driver: "sqlite", Primary: Engine{DSN: "file:a.db?x=1&y=<2>"}},
	},
	`{"echo":true,"write_functions":["b"],"read_functions":["a"],"read_only_tx":"primary","reads":"primary","primary":"p"}`: {
		config: Config{Primary: Engine{DSN: "p"}, Reads: "primary", ReadOnlyTx: "primary",
			ReadFunctions: []string{"a"}, WriteFunctions: []string{"b"}, Echo: true},
		canonical: `{"primary":"p","reads":"primary","read_only_tx":"primary","read_functions":["a"],"write_functions":["b"],"echo":true}`,
	},
	`{"primary":{"name":"n","driver":"d","dsn":"s","weight":1,"max_open":2,"max_idle":3,"max_lifetime":"4s","max_idle_time":"5ms"}}`: {
		config: Config{Primary: Engine{Name: "n", Driver: "d", DSN: "s", Weight: 1, MaxOpen: 2, MaxIdle: 3,
			MaxLifetime: Duration(4 * time.Second), MaxIdleTime: Duration(5 * time.Millisecond)}},
	},
	`{
		"primary":   "postgres://app@writer/shop",
		"replicas":  ["postgres://app@reader1/shop", {"dsn": "postgres://app@reader2/shop", "weight": 2, "max_open": 20}],
		"databases": {"secondary": "postgres://app@legacy/crm",
		              "archive":   {"dsn": "postgres://app@archive/crm", "driver": "pgx"},
		              "audit":     {"primary": "postgres://app@audit/audit", "replicas": ["postgres://app@audit-ro/audit"]},
		              "empty":     {}},
		"rules":     [{"verbs": ["insert", "update", "delete"], "use": "secondary"},
		              {"tables": ["audit.*", "event_log"], "kinds": [], "use": "audit"},
		              {}]
	}`: {
		config: Config{
			Primary:  Engine{DSN: "postgres://app@writer/shop"},
			Replicas: []Engine{{DSN: "postgres://app@reader1/shop"}, {DSN: "postgres://app@reader2/shop", Weight: 2, MaxOpen: 20}},
			Databases: map[string]Database{
				"secondary": {Primary: Engine{DSN: "postgres://app@legacy/crm"}},
				"archive":   {Primary: Engine{DSN: "postgres://app@archive/crm", Driver: "pgx"}},
				"audit":     {Primary: Engine{DSN: "postgres://app@audit/audit"}, Replicas: []Engine{{DSN: "postgres://app@audit-ro/audit"}}},
				"empty":     {},
			},
			Rules: []Rule{
				{Verbs: []string{"insert", "update", "delete"}, Use: "secondary"},
				{Tables: []string{"audit.*", "event_log"}, Use: "audit"},
				{},
			},
		},
		canonical: `{"primary":"postgres://app@writer/shop",` +
			`"replicas":["postgres://app@reader1/shop",{"dsn":"postgres://app@reader2/shop","weight":2,"max_open":20}],` +
			`"databases":{"archive":{"primary":{"driver":"pgx","dsn":"postgres://app@archive/crm"}},` +
			`"audit":{"primary":"postgres://app@audit/audit","replicas":["postgres://app@audit-ro/audit"]},` +
			`"empty":{},"secondary":"postgres://app@legacy/crm"},` +
			`"rules":[{"verbs":["insert","update","delete"],"use":"secondary"},{"tables":["audit.*","event_log"],"use":"audit"},{}]}`,
	},
}

func TestParseDSN(t *testing.T) {
	for dsn, test := range dsns {
		got, err := ParseDSN(dsn)
		if err != nil {
			t.Errorf("%q: %v", dsn, err)
			continue
		}
		if !reflect.DeepEqual(got, test.config) {
			t.Errorf("%q:\n got %v\nwant %v", dsn, got, test.config)
		}
		canonical := test.canonical
		if canonical == "" {
			canonical = dsn
		}
		if formatted := got.FormatDSN(); formatted != canonical {
			t.Errorf("%q is formatted\n     %s\nwant %s", dsn, formatted, canonical)
		}
	}
}

func TestParseDSNErrors(t *testing.T) {
	for dsn, want := range map[string]string{
		"":      "multidb: the DSN is empty: pass",
		" \n\t": "multidb: the DSN is empty: pass",

		`{`:                             `multidb: the document is not JSON: syntax error at line 1, byte 1`,
		"{\n\"primary\": hidden}":       `multidb: the document is not JSON: syntax error at line 2, byte 12`,
		`{"primary":"u:hid"den@h"}`:     `multidb: the document is not JSON: syntax error at line 1, byte 19`,
		`{} {}`:                         `multidb: the document is not JSON: syntax error`,
		`{"a":1,}`:                      `multidb: the document is not JSON: syntax error`,
		"{\"primary\":\"\xff\"}":        `multidb: the document is not valid UTF-8`,
		strings.Repeat(`{"a":`, 20_000): `multidb: the document is not JSON`,

		`{"primry":"hidden"}`:                      `multidb: unknown key "primry" (have driver, primary, replicas,`,
		`{"Primary":"hidden"}`:                     `multidb: unknown key "Primary" (have`,
		`{"postgres://u:hidden@h":"p"}`:            `multidb: unknown key (not shown: not a name) (have`,
		`{"primary":{"dsn":"a","maxopen":1}}`:      `multidb: primary: unknown key "maxopen" (have dsn, driver,`,
		`{"rules":[{},{"table":["a"]}]}`:           `multidb: rules[1]: unknown key "table" (have verbs,`,
		`{"primary":"hidden","primary":"hidden2"}`: `multidb: key "primary" is given twice`,
		`{"primary":"a","prim\u0061ry":"b"}`:       `multidb: key "primary" is given twice`,
		`{"replicas":[{"dsn":"a","dsn":"b"}]}`:     `multidb: replicas[0]: key "dsn" is given twice`,
		`{"databases":{"a":"x","a":"y"}}`:          `multidb: databases: key "a" is given twice`,
		`{"databases":{"u:hidden@h":{"dsn":1}}}`:   `multidb: databases[(not shown: not a name)].dsn: must be a string`,
		`{"databases":{"a b":{"dsn":1}}}`:          `multidb: databases["a b"].dsn: must be a string`,

		`{"primary":["hidden"]}`:                                `multidb: primary: must be a DSN, or an object with one`,
		`{"primary":null}`:                                      `multidb: primary: must be a DSN`,
		`{"replicas":"hidden"}`:                                 `multidb: replicas: must be a list`,
		`{"replicas":[null]}`:                                   `multidb: replicas[0]: must be a DSN`,
		`{"databases":["hidden"]}`:                              `multidb: databases: must be an object`,
		`{"databases":{"a":["hidden"]}}`:                        `multidb: databases.a: must be a DSN, an engine, or an object with primary and replicas`,
		`{"databases":{"a":{"dsn":"hidden","replicas":["b"]}}}`: `multidb: databases.a: unknown key "dsn" (have primary, replicas)`,
		`{"databases":{"a":{"primary":{"primary":"b"}}}}`:       `multidb: databases.a.primary: unknown key "primary"`,
		`{"databases":{"a":{"replicas":[{"weight":"x"}]}}}`:     `multidb: databases.a.replicas[0].weight: must be a whole number`,
		`{"rules":{}}`:                                          `multidb: rules: must be a list`,
		`{"rules":["a"]}`:                                       `multidb: rules[0]: must be an object`,
		`{"rules":[{"verbs":"insert"}]}`:                        `multidb: rules[0].verbs: must be a list`,
		`{"rules":[{"verbs":["insert",1]}]}`:                    `multidb: rules[0].verbs[1]: must be a string`,
		`{"echo":"true"}`:                                       `multidb: echo: must be true or false`,
		`{"echo":null}`:                                         `multidb: echo: must be true or false`,

		`{"replicas":["a",{"max_open":1.5}]}`:          `multidb: replicas[1].max_open: must be a whole number`,
		`{"primary":{"max_open":null}}`:                `multidb: primary.max_open: must be a whole number`,
		`{"primary":{"max_open":9223372036854775808}}`: `multidb: primary.max_open: must be a whole number`,
		`{"primary":{"max_lifetime":5}}`:               `multidb: primary.max_lifetime: must be a string with a unit, such as "250ms"`,
		`{"primary":{"max_lifetime":null}}`:            `multidb: primary.max_lifetime: must be a string with a unit`,
		`{"primary":{"max_idle_time":"hidden"}}`:       `multidb: primary.max_idle_time: not a duration; write one such as "250ms"`,
	} {
		_, err := ParseDSN(dsn)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q:\n got %v\nwant %s", dsn, err, want)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: a value is shown: %v", dsn, err)
		}
	}
}

func TestParseDSNFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"good.json":   "\n{\"primary\": \"app.db\", \"echo\": true}\n",
		"plain.json":  "postgres://u:hidden@h",
		"empty.json":  "",
		"wrong.json":  `{"primary": "a", "replica": "hidden"}`,
		"broken.json": "{\"primary\":\n\"hidden",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	absolute, err := filepath.Abs("good.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, dsn := range []string{"@good.json", "@" + absolute} {
		c, err := ParseDSN(dsn)
		if want := (Config{Primary: Engine{DSN: "app.db"}, Echo: true}); err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("%s: got %v, %v", dsn, c, err)
		}
	}
	for dsn, want := range map[string]string{
		"@":             "multidb: cannot read the configuration: open : ",
		"@missing.json": "multidb: cannot read the configuration: open missing.json: ",
		"@plain.json":   "multidb: plain.json: not a JSON document: it must start with '{'",
		"@empty.json":   "multidb: empty.json: not a JSON document",
		"@wrong.json":   `multidb: wrong.json: unknown key "replica" (have`,
		"@broken.json":  "multidb: broken.json: the document is not JSON: syntax error at line 2, byte 7",
	} {
		_, err := ParseDSN(dsn)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", dsn, err, want)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: a value is shown: %v", dsn, err)
		}
	}
}

func TestFormatDSNLeavesOutWhatIsOnlyInGo(t *testing.T) {
	c := Config{
		Primary:  Engine{DSN: "app.db"},
		Replicas: []Engine{{Connector: dsnConnector{driver: plainDriver{}}, Weight: 2}},
		Logger:   slog.Default(),
	}
	if got, want := c.FormatDSN(), `{"primary":"app.db","replicas":[{"weight":2}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Replicas = nil
	if got := c.FormatDSN(); got != "app.db" {
		t.Errorf("got %s", got)
	}
}

// FuzzParseDSN: what can be parsed has one canonical form, which says the same.
func FuzzParseDSN(f *testing.F) {
	for _, dsn := range slices.Sorted(maps.Keys(dsns)) {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		if strings.HasPrefix(dsn, "@") {
			t.Skip("would read a file")
		}
		first, err := ParseDSN(dsn)
		if err != nil {
			return
		}
		formatted := first.FormatDSN()
		second, err := ParseDSN(formatted)
		if err != nil {
			t.Fatalf("%q is formatted %q, and then: %v", dsn, formatted, err)
		}
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%q is formatted %q, which says something else:\n%v\n%v", dsn, formatted, first, second)
		}
		if again := second.FormatDSN(); again != formatted {
			t.Fatalf("%q is formatted %q, and then %q", dsn, formatted, again)
		}
		if isPlain(dsn) && formatted != dsn {
			t.Fatalf("the plain DSN %q is formatted %q", dsn, formatted)
		}
	})
}

// FuzzFormatDSN: whatever is in a Config that JSON can say comes back.
func FuzzFormatDSN(f *testing.F) {
	f.Add("postgres://a:b@h/db", "n", "audit", 0, int64(0), false)
	f.Add("@file", "", "a.b", -1, int64(math.MinInt64), true)
	f.Add("{}", "<&>", "", 1, int64(math.MaxInt64), false)
	f.Add("", "\u2028", "x", 64, int64(250*time.Millisecond), true)
	f.Fuzz(func(t *testing.T, dsn, text, name string, number int, duration int64, flag bool) {
		if !utf8.ValidString(dsn) || !utf8.ValidString(text) || !utf8.ValidString(name) {
			t.Skip("JSON cannot say it")
		}
		e := Engine{Name: text, DSN: dsn, ReadOnly: name, Weight: number, MaxOpen: number, MaxIdle: number,
			MaxLifetime: Duration(duration), MaxIdleTime: Duration(duration)}
		for _, c := range []Config{
			{Primary: Engine{DSN: dsn}},
			{Primary: Engine{DSN: dsn}, Replicas: []Engine{e, {DSN: dsn}}},
			{Primary: e, Databases: map[string]Database{
				name: {Primary: e}, name + "1": {Primary: Engine{DSN: dsn}, Replicas: []Engine{e}}, name + "2": {}}},
			{Tenants: Database{Primary: e, Replicas: []Engine{{DSN: dsn}}}, MaxDatabases: number, MaxOpenTotal: number, MaxOpenPerHost: number,
				RequireDatabase: flag, Discover: flag, Fallback: text, Balance: RoundRobin,
				ConnectTimeout: Duration(duration), FailoverTimeout: Duration(duration)},
			{Driver: text, Reads: text, ReadOnlyTx: name, Echo: flag, ReadFunctions: []string{text}, WriteFunctions: []string{name, text}},
			{Rules: []Rule{{Verbs: []string{text}, Use: name}, {Kinds: []string{text, ""}, Tables: []string{dsn}}}},
		} {
			formatted := c.FormatDSN()
			parsed, err := ParseDSN(formatted)
			if err != nil {
				t.Fatalf("%q: %v", formatted, err)
			}
			if !reflect.DeepEqual(parsed, c) {
				t.Fatalf("%q says\n%v, want\n%v", formatted, parsed, c)
			}
		}
	})
}

// Every field of the configuration has a key, but for those that only Go can say.
func TestEveryFieldHasAKey(t *testing.T) {
	goOnly := map[string]bool{"Router": true, "Resolve": true, "Logger": true, "Connector": true}
	check := func(of any, in func(field reflect.Value) Config) {
		v := reflect.ValueOf(of)
		for i := range v.Elem().NumField() {
			name := v.Elem().Type().Field(i).Name
			if goOnly[name] {
				continue
			}
			v.Elem().SetZero()
			field := v.Elem().Field(i)
			switch field.Interface().(type) {
			case string:
				field.SetString("x")
			case int, Duration:
				field.SetInt(7)
			case bool:
				field.SetBool(true)
			case []string:
				field.Set(reflect.ValueOf([]string{"x"}))
			case Balance:
				field.Set(reflect.ValueOf(Random))
			case Engine:
				field.Set(reflect.ValueOf(Engine{DSN: "x"}))
			case []Engine:
				field.Set(reflect.ValueOf([]Engine{{DSN: "x"}}))
			case Database:
				field.Set(reflect.ValueOf(Database{Primary: Engine{DSN: "x"}}))
			case map[string]Database:
				field.Set(reflect.ValueOf(map[string]Database{"x": {Primary: Engine{DSN: "x"}}}))
			case []Rule:
				field.Set(reflect.ValueOf([]Rule{{Use: "x"}}))
			default:
				t.Fatalf("%s: add its type %s here", name, field.Type())
			}
			want := in(v.Elem())
			got, err := ParseDSN(want.FormatDSN())
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s is read as %+v, %v", name, want.FormatDSN(), got, err)
			}
		}
	}
	var c Config
	check(&c, func(reflect.Value) Config { return c })
	var e Engine
	check(&e, func(reflect.Value) Config { return Config{Replicas: []Engine{e}} })
	var r Rule
	check(&r, func(reflect.Value) Config { return Config{Rules: []Rule{r}} })
}
