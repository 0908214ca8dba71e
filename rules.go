package multidb

import "slices"

// rule is a Rule of the configuration at run time.
type rule struct {
	number int // from 1, for reasons that a person reads
	config ruleConfig
	uses   selection
}

func (k *Connector) newRule(number int, config ruleConfig) *rule {
	uses, _ := k.lookup(config.use, reasonRule) // settings made sure that it is there
	return &rule{number: number, config: config, uses: uses}
}

// lookup returns what a name in Rule.Use, or from Config.Router, stands for: a
// database, an engine, or a role in the default database.
func (k *Connector) lookup(use string, by reason) (s selection, ok bool) {
	if db := k.databases[use]; db != nil && use != "" {
		return selection{database: db, databaseBy: by}, true
	}
	if e := k.engines[use]; e != nil {
		return selection{database: e.database, databaseBy: by, engine: e, engineBy: by}, true
	}
	if db := k.byDefault; db != nil && (use == Primary || use == Replica) {
		return selection{database: db, databaseBy: by, role: use, engineBy: by}, true
	}
	return selection{}, false
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
