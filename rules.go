package multidb

import "slices"

// rule is a Rule of the configuration at run time.
type rule struct {
	number int // from 1, for reasons that a person reads
	config ruleConfig
	uses   selection
}

func (k *Connector) newRule(number int, config ruleConfig) *rule {
	use := selection{database: k.databases[config.database.name], databaseBy: ReasonRule}
	switch {
	case config.engine != nil:
		use.engine, use.engineBy = k.engines[config.engine.name], ReasonRule
	case config.replica:
		use.role, use.engineBy = Replica, ReasonRule
	}
	return &rule{number: number, config: config, uses: use}
}

// matchingRule returns the first rule that matches the statement, or nil.
func (k *Connector) matchingRule(s *Statement) *rule {
	for _, r := range k.rules {
		if r.matches(s) {
			return r
		}
	}
	return nil
}

func (r *rule) matches(s *Statement) bool {
	c := &r.config
	return (len(c.verbs) == 0 || slices.Contains(c.verbs, s.Verb)) &&
		(len(c.kinds) == 0 || slices.Contains(c.kinds, s.Kind)) &&
		(len(c.tables) == 0 || c.matchesTable(s.Reads) || c.matchesTable(s.Writes))
}

// matchesTable reports whether one of the tables fits one of the patterns.
func (c *ruleConfig) matchesTable(tables []string) bool {
	return slices.ContainsFunc(tables, func(table string) bool {
		return slices.ContainsFunc(c.tables, func(p tablePattern) bool { return p.match(table) })
	})
}
