package multidb

import (
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// facts are what is known of a query text in one dialect, with the rule that
// matches it: all of the route that does not depend on the caller.
type facts struct {
	query   string
	rule    *rule // nil if none matches
	against *rule // one that sends another statement of the text to another database
	dialect Dialect
	refused bool        // by a replica, as a write
	kept    bool        // by the cache, so that others may keep them as well
	seen    atomic.Bool // since the cache last looked for something to forget
	Statement
	room [2]string // for the names of its tables, which few statements have more of
}

// mayWrite reports whether the statement must not be sent to a replica.
func (f *facts) mayWrite() bool { return f.Kind == KindWrite || f.Mutates }

// marks reports whether the text does nothing but set, release or go back to
// savepoints: inside a transaction it neither begins nor ends one, though SQLite's
// SAVEPOINT does outside.
func (f *facts) marks() bool {
	if f.Kind != KindTransaction || len(f.OtherVerbs) > 0 {
		return false
	}
	return f.Verb == "savepoint" || f.Verb == "release" || f.Verb == "rollback" && f.Tx == TxNone
}

// what names the statement without showing its text, which may hold values.
func (f *facts) what() string {
	switch {
	case f.Reason != "":
		return f.Reason
	case f.Verb != "":
		return strings.ToUpper(f.Verb)
	}
	return "empty"
}

const (
	// factsSets times factsWays texts are remembered. The cache takes 48 KiB
	// when empty, and at most 16 MiB with texts of the greatest length.
	factsSets = 1024
	factsWays = 4

	// maxCachedText is the length in bytes up to which a text is remembered. A
	// longer one is classified each time, at some hundred megabytes a second.
	maxCachedText = 4 << 10
)

// factsCache remembers facts by query text. A hit takes no lock and allocates
// nothing.
//
// A text gets in when it comes again: of the first time there remains a mark, and no
// copy. So a program that puts literals into its texts, which come once each, fills
// nothing but marks.
//
// It is an array of small sets, in the manner of a processor's cache: a text
// belongs to one set, and a new one takes the place of one that was not asked
// for again since it came. So texts that come but twice leave those alone that come
// over and over.
type factsCache struct {
	seed maphash.Seed
	sets [factsSets]factsSet
}

type factsSet struct {
	ways  [factsWays]atomic.Pointer[facts]
	marks [factsWays]atomic.Uint32 // of texts that came, a part of their hash
}

func newFactsCache() *factsCache { return &factsCache{seed: maphash.MakeSeed()} }

// place returns the set of a text, and its mark.
func (c *factsCache) place(query string) (set *factsSet, mark uint32) {
	hash := maphash.String(c.seed, query)
	return &c.sets[hash%factsSets], uint32(hash >> 32)
}

func (set *factsSet) get(query string) *facts {
	for i := range set.ways {
		if f := set.ways[i].Load(); f != nil && f.query == query {
			if !f.seen.Load() {
				f.seen.Store(true)
			}
			return f
		}
	}
	return nil
}

// came reports whether a text has come before, as far as its mark is still there. It
// takes an empty place, or that of any other mark: if that were always the same, two
// texts could keep each other out for ever.
func (set *factsSet) came(mark uint32) bool {
	place := -1
	for i := range set.marks {
		switch set.marks[i].Load() {
		case mark:
			return true
		case 0:
			place = i
		}
	}
	if place < 0 {
		place = rand.N(factsWays)
	}
	set.marks[place].Store(mark)
	return false
}

// add puts f in an empty place, else in that of a text that was not seen again.
// If all were, they get a second chance and one of them goes.
func (set *factsSet) add(f *facts) {
	for i := range set.ways {
		if set.ways[i].CompareAndSwap(nil, f) {
			return
		}
	}
	first := rand.N(factsWays)
	for i := range factsWays {
		way := &set.ways[(first+i)%factsWays]
		if !way.Load().seen.Load() {
			way.Store(f)
			return
		}
	}
	for i := range set.ways {
		set.ways[i].Load().seen.Store(false)
	}
	set.ways[first].Store(f)
}

// replace puts f where facts of the same text are, else where add would.
func (set *factsSet) replace(f *facts) {
	for i := range set.ways {
		if old := set.ways[i].Load(); old != nil && old.query == f.query && set.ways[i].CompareAndSwap(old, f) {
			return
		}
	}
	set.add(f)
}

// factsFor returns the facts that a question needs. Those at hand are often the
// right ones: of the statement that was prepared, of the last one, or of this one,
// asked before.
func (k *Connector) factsFor(q *question, d Dialect) *facts {
	f := q.known
	if f == nil || f.dialect != d || f.query != q.query {
		f = k.classified(d, q.query, q.via == viaPrepare)
		q.known = f
	}
	return f
}

// classified returns the facts about a query text, from memory if it is there. A
// text that is to stay is remembered the first time.
func (k *Connector) classified(d Dialect, query string, stays bool) *facts {
	if len(query) > maxCachedText {
		return k.classifyNow(d, query)
	}
	set, mark := k.known[d].place(query)
	if f := set.get(query); f != nil {
		return f
	}
	if !set.came(mark) && !stays {
		return k.classifyNow(d, query)
	}
	// The text may be a piece of a much larger one, which must not be kept
	// alive by it.
	f := k.classifyNow(d, strings.Clone(query))
	f.kept = true
	set.add(f)
	return f
}

func (k *Connector) classifyNow(d Dialect, query string) *facts {
	f := &facts{query: query, dialect: d}
	mayLock := f.scan(f.room[:], d, query, k.functions)
	if d == MySQL {
		f.crossExamine(query, mayLock, k.asksForTables)
	}
	f.rule, f.against = k.matchingRule(&f.Statement)
	return f
}

// learnWrite returns the facts of a statement that a replica refused as a write,
// and remembers them. The rule stays that of the text, so that the statement
// stays in its database.
func (k *Connector) learnWrite(f *facts) *facts {
	keep := len(f.query) <= maxCachedText
	if keep && !f.kept { // its names are pieces of the text, which may be one of a much larger one
		f = k.classifyNow(f.dialect, strings.Clone(f.query))
	}
	learnt := &facts{query: f.query, dialect: f.dialect, rule: f.rule, against: f.against, Statement: f.Statement, refused: true, kept: keep}
	learnt.Kind, learnt.Mutates, learnt.Reason = KindWrite, true, "refused by a replica"
	if keep {
		set, _ := k.known[f.dialect].place(f.query)
		set.replace(learnt)
	}
	return learnt
}

// isRead reports whether the call cannot have changed anything, also if the user is
// mistaken in read_functions. It is for after a failure, and classifies anew.
func (k *Connector) isRead(ca *call) bool {
	if ca.via == viaCommit {
		return ca.readOnly
	}
	d, kind := k.dialect, KindRead
	if f := ca.route.facts; f != nil {
		d, kind = f.dialect, f.Kind
	} else {
		kind = classify(d, ca.query, k.functions).Kind
	}
	return kind == KindRead && Classify(d, ca.query).Kind == KindRead
}
