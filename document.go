package multidb

import (
	"encoding/json"
	"strings"
)

// From JSON.

func (c *Config) decode(v value) error {
	return v.object(
		field{"driver", decodeText(&c.Driver)},
		field{"primary", c.Primary.decode},
		field{"replicas", decodeEngines(&c.Replicas)},
		field{"databases", c.decodeDatabases},
		field{"tenants", c.Tenants.decode},
		field{"max_databases", decodeInt(&c.MaxDatabases)},
		field{"max_open_total", decodeInt(&c.MaxOpenTotal)},
		field{"max_open_per_host", decodeInt(&c.MaxOpenPerHost)},
		field{"require_database", decodeBool(&c.RequireDatabase)},
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

// To JSON. The documents have the fields of the Go types, but tags of their own:
// encoding/json must not show a DSN unless FormatDSN asks for it.

type configDocument struct {
	Driver          string         `json:"driver,omitzero"`
	Primary         any            `json:"primary,omitzero"`
	Replicas        []any          `json:"replicas,omitempty"`
	Databases       map[string]any `json:"databases,omitempty"`
	Tenants         any            `json:"tenants,omitzero"`
	MaxDatabases    int            `json:"max_databases,omitzero"`
	MaxOpenTotal    int            `json:"max_open_total,omitzero"`
	MaxOpenPerHost  int            `json:"max_open_per_host,omitzero"`
	RequireDatabase bool           `json:"require_database,omitzero"`
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
		MaxDatabases:    c.MaxDatabases,
		MaxOpenTotal:    c.MaxOpenTotal,
		MaxOpenPerHost:  c.MaxOpenPerHost,
		RequireDatabase: c.RequireDatabase,
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
	if !c.Tenants.isZero() {
		doc.Tenants = c.Tenants.document()
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
