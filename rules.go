package multidb

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ruleConfig matches a statement as Rule says.
type ruleConfig struct {
	verbs  []string // in lower case
	kinds  []Kind
	tables []tablePattern
	target
}

// target is what a name in Rule.Use stands for: a database; or one engine of it;
// or any replica of it.
type target struct {
	database *databaseConfig
	engine   *engineConfig // nil: not one engine
	replica  bool          // any replica
}

var kindNames = map[string]Kind{
	"read":        KindRead,
	"write":       KindWrite,
	"session":     KindSession,
	"transaction": KindTransaction,
}

var verbPattern = regexp.MustCompile(`^[A-Za-z]+$`)

func (s *settings) newRule(path string, r Rule) (ruleConfig, error) {
	if len(r.Verbs)+len(r.Kinds)+len(r.Tables) == 0 {
		return ruleConfig{}, keyError(path, "has no condition: give it verbs, kinds or tables")
	}
	var rule ruleConfig
	for i, verb := range r.Verbs {
		if !verbPattern.MatchString(verb) {
			return ruleConfig{}, keyError(fmt.Sprintf("%s.verbs[%d]", path, i), `%s is not one keyword, such as "insert"`, show(verb))
		}
		rule.verbs = append(rule.verbs, strings.ToLower(verb))
	}
	onlyReads := len(r.Kinds) > 0
	for i, name := range r.Kinds {
		kind, ok := kindNames[name]
		if !ok {
			return ruleConfig{}, keyError(fmt.Sprintf("%s.kinds[%d]", path, i),
				`unknown kind %s; have "read", "write", "session", "transaction"`, show(name))
		}
		rule.kinds = append(rule.kinds, kind)
		onlyReads = onlyReads && kind == KindRead
	}
	for i, text := range r.Tables {
		pattern, ok := newTablePattern(text)
		if !ok {
			return ruleConfig{}, keyError(fmt.Sprintf("%s.tables[%d]", path, i),
				`%s is not a pattern such as "event_log", "audit.*" or "tmp_*"`, show(text))
		}
		rule.tables = append(rule.tables, pattern)
	}
	path = keyPath(path, "use")
	if r.Use == "" {
		return ruleConfig{}, keyError(path, "missing; have %s", s.names())
	}
	var ok bool
	if rule.target, ok = s.lookup(r.Use); !ok {
		return ruleConfig{}, keyError(path, "%s names no database or engine; have %s", show(r.Use), s.names())
	}
	if rule.toReplica() && !onlyReads {
		return ruleConfig{}, keyError(path, `%q is a replica, and the rule may match more than reads; add "kinds": ["read"]`, r.Use)
	}
	return rule, nil
}

// toReplica reports whether the target is a replica, which takes nothing but reads.
func (t target) toReplica() bool { return t.replica || t.engine != nil && t.engine.replica }

// names lists what a rule may use: engines, and the databases whose primary has
// another name.
func (s *settings) names() string {
	var names []string
	for _, d := range s.databases {
		if d.name != "" {
			names = append(names, d.name)
		}
		for _, e := range d.engines() {
			names = append(names, e.name)
		}
	}
	slices.Sort(names)
	return quotedList(slices.Compact(names))
}

// rule is a Rule of the configuration at run time.
type rule struct {
	number int // from 1, for reasons that a person reads
	config ruleConfig
	uses   selection
}

func (k *Connector) newRule(number int, config ruleConfig) *rule {
	return &rule{number: number, config: config, uses: k.selected(config.target, reasonRule)}
}

// selected is a target of the configuration at run time.
func (k *Connector) selected(t target, by reason) selection {
	s := selection{database: k.databases[t.database.name], databaseBy: by}
	switch {
	case t.engine != nil:
		s.engine, s.engineBy = k.engines[t.engine.name], by
	case t.replica:
		s.role, s.engineBy = Replica, by
	}
	return s
}

// matchingRule returns the first rule that matches the text, by any of its verbs, or
// nil. If another one matches by another verb and uses another database, the text can
// not be sent anywhere, and that rule is returned as well.
func (k *Connector) matchingRule(s *Statement) (r, against *rule) {
	r = k.ruleFor(s.Verb, s)
	for _, verb := range s.OtherVerbs {
		other := k.ruleFor(verb, s)
		switch {
		case other == nil:
		case r == nil:
			r = other
		case other.uses.database != r.uses.database:
			return r, other
		case other.number < r.number:
			r = other
		}
	}
	return r, nil
}

// ruleFor returns the first rule that matches one verb of the text, or nil.
func (k *Connector) ruleFor(verb string, s *Statement) *rule {
	for _, r := range k.rules {
		if r.matches(verb, s) {
			return r
		}
	}
	return nil
}

func (r *rule) matches(verb string, s *Statement) bool {
	c := &r.config
	return (len(c.verbs) == 0 || slices.Contains(c.verbs, verb)) &&
		(len(c.kinds) == 0 || slices.Contains(c.kinds, s.Kind)) &&
		(len(c.tables) == 0 || c.matchesTable(s.Reads) || c.matchesTable(s.Writes))
}

// opposed refuses a text of which one statement belongs to the database of one rule,
// and another to that of another.
func (r *rule) opposed(by *rule) error {
	return fmt.Errorf("multidb: the text has statements for two databases: %q by rule %d and %q by rule %d; send them one at a time",
		r.uses.database.name, r.number, by.uses.database.name, by.number)
}

// matchesTable reports whether one of the tables fits one of the patterns.
func (c *ruleConfig) matchesTable(tables []string) bool {
	return slices.ContainsFunc(tables, func(table string) bool {
		return slices.ContainsFunc(c.tables, func(p tablePattern) bool { return p.match(table) })
	})
}
