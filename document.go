package multidb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// From JSON.

func (c *Config) decode(v value) error {
	return v.object(
		field{"driver", decodeText(&c.Driver)},
		field{"primary", c.Primary.decode},
		field{"replicas", decodeEngines(&c.Replicas)},
		field{"databases", c.decodeDatabases},
		field{"rules", func(v value) error { return decodeList(v, &c.Rules, (*Rule).decode) }},
		field{"reads", decodeText(&c.Reads)},
		field{"read_only_tx", decodeText(&c.ReadOnlyTx)},
		field{"fallback", decodeText(&c.Fallback)},
		field{"balance", c.Balance.decode},
		field{"connect_timeout", decodeDuration(&c.ConnectTimeout)},
		field{"discover", decodeBool(&c.Discover)},
		field{"failover_timeout", decodeDuration(&c.FailoverTimeout)},
		field{"read_functions", decodeTexts(&c.ReadFunctions)},
		field{"write_functions", decodeTexts(&c.WriteFunctions)},
		field{"echo", decodeBool(&c.Echo)},
	)
}

func (c *Config) decodeDatabases(v value) error {
	members, err := v.members()
	if err != nil || len(members) == 0 {
		return err
	}
	c.Databases = make(map[string]Database, len(members))
	for _, m := range members {
		var d Database
		if err := d.decode(m.value); err != nil {
			return err
		}
		c.Databases[m.key] = d
	}
	return nil
}

func (d *Database) decode(v value) error {
	switch v.json[0] {
	case '"':
		return d.Primary.decode(v)
	case '{':
	default:
		return v.errorf("must be a DSN, an engine, or an object with primary and replicas")
	}
	members, err := v.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.key == "primary" || m.key == "replicas" {
			return v.object(
				field{"primary", d.Primary.decode},
				field{"replicas", decodeEngines(&d.Replicas)},
			)
		}
	}
	return d.Primary.decode(v)
}

func (e *Engine) decode(v value) error {
	switch v.json[0] {
	case '"':
		return decodeText(&e.DSN)(v)
	case '{':
	default:
		return v.errorf("must be a DSN, or an object with one")
	}
	return v.object(
		field{"dsn", decodeText(&e.DSN)},
		field{"driver", decodeText(&e.Driver)},
		field{"name", decodeText(&e.Name)},
		field{"read_only", decodeText(&e.ReadOnly)},
		field{"weight", decodeInt(&e.Weight)},
		field{"max_open", decodeInt(&e.MaxOpen)},
		field{"max_idle", decodeInt(&e.MaxIdle)},
		field{"max_lifetime", decodeDuration(&e.MaxLifetime)},
		field{"max_idle_time", decodeDuration(&e.MaxIdleTime)},
	)
}

func (r *Rule) decode(v value) error {
	return v.object(
		field{"verbs", decodeTexts(&r.Verbs)},
		field{"kinds", decodeTexts(&r.Kinds)},
		field{"tables", decodeTexts(&r.Tables)},
		field{"use", decodeText(&r.Use)},
	)
}

// value is a JSON value that is known to be well formed, and where it stands.
// encoding/json cannot decode a Config by itself: it takes keys in any case, the
// last one of two that are equal, and null for anything, and it does not say
// where an error is.
type value struct {
	path string // "replicas[1].max_open"; "" is the document
	json json.RawMessage
}

// member is a key of an object, with its value.
type member struct {
	key string
	value
}

// field is a key that an object may have, and what to do with its value.
type field struct {
	key    string
	decode func(value) error
}

func (v value) errorf(format string, args ...any) error {
	return keyError(v.path, format, args...)
}

// keyError is an error about the value at a path.
func keyError(path, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if path == "" {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %s", path, text)
}

// keyPath is the path of a key of the object at path.
func keyPath(path, key string) string {
	if path == "" {
		return key
	}
	if !engineName.MatchString(key) {
		return path + "[" + show(key) + "]"
	}
	return path + "." + key
}

func (v value) object(fields ...field) error {
	members, err := v.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		i := 0
		for i < len(fields) && fields[i].key != m.key {
			i++
		}
		if i == len(fields) {
			return v.errorf("unknown key %s (have %s)", show(m.key), keyList(fields))
		}
		if err := fields[i].decode(m.value); err != nil {
			return err
		}
	}
	return nil
}

func keyList(fields []field) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return strings.Join(keys, ", ")
}

func (v value) members() ([]member, error) {
	if v.json[0] != '{' {
		return nil, v.errorf("must be an object")
	}
	dec := json.NewDecoder(bytes.NewReader(v.json))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var members []member
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: token.(string)} // the decoder takes nothing else for a key
		if seen[m.key] {
			return nil, v.errorf("key %s is given twice", show(m.key))
		}
		seen[m.key] = true
		m.path = keyPath(v.path, m.key)
		if err := dec.Decode(&m.json); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

func decodeList[T any](v value, into *[]T, decode func(*T, value) error) error {
	if v.json[0] != '[' {
		return v.errorf("must be a list")
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(v.json, &elements); err != nil {
		return err
	}
	for i, element := range elements {
		var t T
		if err := decode(&t, value{path: fmt.Sprintf("%s[%d]", v.path, i), json: element}); err != nil {
			return err
		}
		*into = append(*into, t)
	}
	return nil
}

func decodeEngines(into *[]Engine) func(value) error {
	return func(v value) error { return decodeList(v, into, (*Engine).decode) }
}

func decodeTexts(into *[]string) func(value) error {
	return func(v value) error {
		return decodeList(v, into, func(s *string, v value) error { return decodeText(s)(v) })
	}
}

func decodeText(into *string) func(value) error {
	return func(v value) error {
		if v.json[0] != '"' {
			return v.errorf("must be a string")
		}
		return json.Unmarshal(v.json, into)
	}
}

func decodeBool(into *bool) func(value) error {
	return func(v value) error {
		switch string(v.json) {
		case "true", "false":
			return json.Unmarshal(v.json, into)
		}
		return v.errorf("must be true or false")
	}
}

func decodeInt(into *int) func(value) error {
	return func(v value) error {
		if string(v.json) == "null" || json.Unmarshal(v.json, into) != nil {
			return v.errorf("must be a whole number")
		}
		return nil
	}
}

func decodeDuration(into *Duration) func(value) error {
	return func(v value) error {
		var text string
		if v.json[0] != '"' {
			return v.errorf(`must be a string with a unit, such as "250ms" or "1h30m"`)
		}
		if err := json.Unmarshal(v.json, &text); err != nil {
			return err
		}
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return v.errorf(`not a duration; write one such as "250ms" or "1h30m"`)
		}
		return nil
	}
}

// To JSON. The documents have the fields of the Go types, but tags of their own:
// encoding/json must not show a DSN unless FormatDSN asks for it.

type configDocument struct {
	Driver          string         `json:"driver,omitzero"`
	Primary         any            `json:"primary,omitzero"`
	Replicas        []any          `json:"replicas,omitempty"`
	Databases       map[string]any `json:"databases,omitempty"`
	Rules           []ruleDocument `json:"rules,omitempty"`
	Reads           string         `json:"reads,omitzero"`
	ReadOnlyTx      string         `json:"read_only_tx,omitzero"`
	Fallback        string         `json:"fallback,omitzero"`
	Balance         string         `json:"balance,omitzero"`
	ConnectTimeout  Duration       `json:"connect_timeout,omitzero"`
	Discover        bool           `json:"discover,omitzero"`
	FailoverTimeout Duration       `json:"failover_timeout,omitzero"`
	ReadFunctions   []string       `json:"read_functions,omitempty"`
	WriteFunctions  []string       `json:"write_functions,omitempty"`
	Echo            bool           `json:"echo,omitzero"`
}

type databaseDocument struct {
	Primary  any   `json:"primary,omitzero"`
	Replicas []any `json:"replicas,omitempty"`
}

type engineDocument struct {
	Name        string   `json:"name,omitzero"`
	Driver      string   `json:"driver,omitzero"`
	DSN         string   `json:"dsn,omitzero"`
	ReadOnly    string   `json:"read_only,omitzero"`
	Weight      int      `json:"weight,omitzero"`
	MaxOpen     int      `json:"max_open,omitzero"`
	MaxIdle     int      `json:"max_idle,omitzero"`
	MaxLifetime Duration `json:"max_lifetime,omitzero"`
	MaxIdleTime Duration `json:"max_idle_time,omitzero"`
}

type ruleDocument struct {
	Verbs  []string `json:"verbs,omitempty"`
	Kinds  []string `json:"kinds,omitempty"`
	Tables []string `json:"tables,omitempty"`
	Use    string   `json:"use,omitzero"`
}

func (c Config) document() any {
	doc := configDocument{
		Driver:          c.Driver,
		Primary:         c.Primary.documentOrNil(),
		Replicas:        engineDocuments(c.Replicas),
		Databases:       make(map[string]any, len(c.Databases)),
		Reads:           c.Reads,
		ReadOnlyTx:      c.ReadOnlyTx,
		Fallback:        c.Fallback,
		Balance:         c.Balance.name,
		ConnectTimeout:  c.ConnectTimeout,
		Discover:        c.Discover,
		FailoverTimeout: c.FailoverTimeout,
		ReadFunctions:   c.ReadFunctions,
		WriteFunctions:  c.WriteFunctions,
		Echo:            c.Echo,
	}
	for name, d := range c.Databases {
		doc.Databases[name] = d.document()
	}
	for _, r := range c.Rules {
		doc.Rules = append(doc.Rules, ruleDocument(r))
	}
	return doc
}

func (d Database) document() any {
	primary := d.Primary.documentOrNil()
	if dsn, ok := primary.(string); ok && len(d.Replicas) == 0 {
		return dsn
	}
	return databaseDocument{Primary: primary, Replicas: engineDocuments(d.Replicas)}
}

func engineDocuments(engines []Engine) []any {
	docs := make([]any, len(engines))
	for i, e := range engines {
		docs[i] = e.document()
	}
	return docs
}

// documentOrNil is the document of an engine that may be absent.
func (e Engine) documentOrNil() any {
	if doc := e.document(); doc != (engineDocument{}) {
		return doc
	}
	return nil
}

func (e Engine) document() any {
	doc := engineDocument{
		Name:        e.Name,
		Driver:      e.Driver,
		DSN:         e.DSN,
		ReadOnly:    e.ReadOnly,
		Weight:      e.Weight,
		MaxOpen:     e.MaxOpen,
		MaxIdle:     e.MaxIdle,
		MaxLifetime: e.MaxLifetime,
		MaxIdleTime: e.MaxIdleTime,
	}
	if e.DSN != "" && doc == (engineDocument{DSN: e.DSN}) {
		return e.DSN
	}
	return doc
}

// encode writes a document, which always can be: it holds only texts, numbers and
// lists of them.
func encode(document any) string {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // a DSN is full of '&'
	if err := enc.Encode(document); err != nil {
		panic("multidb: bug: " + err.Error())
	}
	return strings.TrimSuffix(text.String(), "\n")
}
