package multidb

import (
	"context"
	"fmt"
)

// A route answers two questions, always in this order: which database holds the
// data, then which engine of it answers. This file is the only place that
// decides.

// via is how database/sql came to the driver.
type via uint8

const (
	viaQuery via = iota
	viaExec
	viaPrepare
	viaPrepareExec
	viaBegin
	viaBeginReadOnly
	viaCommit
	viaRollback
	viaPing
	viaRaw
)

// carriesText reports whether there is a statement to classify.
func (v via) carriesText() bool { return v <= viaPrepareExec }

// runs reports whether the call may change data or the connection's state.
func (v via) runs() bool { return v == viaQuery || v == viaExec || v == viaCommit }

// isStatement reports whether the call is one of those that statistics count:
// a statement is counted when it runs, a transaction when it begins.
func (v via) isStatement() bool {
	return v != viaPrepare && v != viaPrepareExec && v != viaCommit && v != viaRollback
}

// question is all that a decision depends on.
type question struct {
	ctx    context.Context
	via    via
	query  string
	choice *choice // of the context; nil if it has none
	known  *facts  // perhaps those of the query; nil if there are none at hand

	leases     []*child // in the hands of the asking Conn
	pin        *engine  // where the Conn's state is; nil if it has none
	wrote      *engine  // where the Conn ran its last statement that was no read; nil if there is none
	wroteGone  bool     // the child that ran it is not in the Conn's hands any more
	detour     *detour  // what came of the statement before; nil at the first time
	inTx       bool     // the state is an open transaction
	readOnlyTx bool     // which the server keeps from writing
}

// route is the answer. It has no more than four fields, because such a struct is
// returned in registers.
type route struct {
	engine *engine
	causes
	rule  *rule  // the one that decided, if one did
	facts *facts // nil if nothing had to be classified
}

// causes are why the answer is what it is.
type causes struct {
	reason     reason // why this engine
	databaseBy reason // why this database; reasonNone for the default one
	named      bool   // the engine was named, so that no other will do
}

// selection is what a context or a rule asks for. All of it may be empty.
type selection struct {
	database   *database
	databaseBy reason
	rule       *rule   // if the selection is a rule's
	engine     *engine // by name; of database
	role       string  // Primary or Replica; not together with engine
	engineBy   reason
}

// ask makes the question: of the call, and of what the Conn and the context say.
func (c *Conn) ask(ca *call, q *question) {
	q.ctx, q.via, q.query, q.detour, q.known = ca.ctx, ca.via, ca.query, ca.detour, ca.known
	q.choice = choiceFrom(ca.ctx)
	if q.known == nil {
		q.known = ca.route.facts // if the call was routed before
	}
	if q.known == nil {
		q.known = c.lastFacts
	}
	q.leases = c.leases
	if c.wrote != nil {
		q.wrote, q.wroteGone = c.wrote.engine, c.wroteGone || c.wrote.broken
	}
	if c.pin != nil {
		q.pin, q.inTx, q.readOnlyTx = c.pin.engine, c.inTransaction(), c.readOnlyTx
	}
	ca.pinned, ca.inTx, ca.readOnlyTx = q.pin != nil, q.inTx, q.readOnlyTx
}

// route decides.
func (k *Connector) route(q *question) (route, error) {
	if q.choice == nil {
		if k.single != nil {
			return route{engine: k.single, causes: causes{reason: reasonOnlyEngine}}, nil
		}
		if q.wrote != nil && q.pin == nil && q.via.carriesText() {
			if r, ok, err := k.routeToState(q); ok {
				return r, err
			}
		}
		if r, ok := k.routeByText(q); ok {
			return r, nil
		}
	}
	return k.routeInFull(q)
}

// routeInFull is the long way, on which everything is asked.
func (k *Connector) routeInFull(q *question) (route, error) {
	var wanted selection
	var err error
	if q.choice != nil {
		if wanted, err = k.chosen(q); err != nil {
			return route{}, err
		}
	}
	if k.single != nil {
		return route{engine: k.single, causes: causes{reason: reasonOnlyEngine}}, nil
	}
	var f *facts
	if q.via.carriesText() {
		f = k.factsFor(q, k.dialectFor(&wanted, q.pin))
		if wanted.database == nil && (f.rule != nil || k.router != nil) {
			if wanted, err = k.ruled(q, f, wanted); err != nil {
				return route{}, err
			}
		}
	}
	db, err := k.databaseFor(q, &wanted)
	if err != nil {
		return route{}, err
	}
	if f != nil && f.dialect != db.dialect {
		f = k.factsFor(q, db.dialect)
	}
	r := route{facts: f}
	if r.engine, r.reason, err = k.engineFor(q, &wanted, db, f); err != nil {
		return route{}, err
	}
	r.named = wanted.engine != nil
	if f != nil && r.engine.isReplica() && f.mayWrite() && !q.readOnlyTx {
		return route{}, fmt.Errorf("%w: engine %q, statement: %s; name the primary, or list a function without effect in read_functions",
			ErrReadOnlyEngine, r.engine.name, f.what())
	}
	if q.pin == nil {
		if f != nil && f.AsksSession && q.wroteGone && r.engine == q.wrote {
			return route{}, q.stateGone(f)
		}
		r.databaseBy, r.rule = wanted.databaseBy, wanted.rule
	}
	return r, nil
}

// routeToState is for a statement that asks for what the last write left on its
// connection: it must meet that one. A question goes there whatever a rule says of
// it. A write whose place is elsewhere is refused: no connection could do both.
func (k *Connector) routeToState(q *question) (r route, ok bool, err error) {
	f := k.factsFor(q, q.wrote.database.dialect)
	switch {
	case !f.AsksSession:
		return route{}, false, nil
	case q.wroteGone:
		return route{}, true, q.stateGone(f)
	case f.mayWrite():
		if err := k.mayWriteAtState(q, f); err != nil {
			return route{}, true, err
		}
	}
	return route{engine: q.wrote, causes: causes{reason: reasonPinned}, facts: f}, true, nil
}

func (k *Connector) mayWriteAtState(q *question, f *facts) error {
	if q.wrote.isReplica() {
		return fmt.Errorf("%w: engine %q, which holds the state that the statement asks for (%s)", ErrReadOnlyEngine, q.wrote.name, f.what())
	}
	wanted, err := k.ruled(q, f, selection{})
	if err != nil || wanted.database == nil && len(f.Writes) == 0 { // the latter is a question after all
		return err
	}
	db, err := k.databaseFor(q, &wanted)
	if err != nil || db == q.wrote.database {
		return err
	}
	return fmt.Errorf("%w: what the statement asks for (%s) is on engine %q, and its place is database %q; ask first, and write the answer with a second statement",
		ErrTxDatabase, f.what(), q.wrote.name, db.name)
}

// stateGone refuses a statement that another connection would answer with the
// state of somebody else.
func (q *question) stateGone(f *facts) error {
	return fmt.Errorf("multidb: engine %q: the connection that ran the last write is gone, and with it what this statement asks for (%s); run both in one transaction",
		q.wrote.name, f.what())
}

// routeByText is the short way for the many questions in which nothing but the
// text and the pin decides. It gives the answer that the long way would.
func (k *Connector) routeByText(q *question) (r route, ok bool) {
	db := k.byDefault
	if q.pin != nil {
		db = q.pin.database
	}
	if db == nil || k.router != nil || k.settings.requireDatabase {
		return route{}, false
	}
	if q.via.carriesText() {
		if r.facts = k.factsFor(q, db.dialect); r.facts.rule != nil {
			return route{}, false
		}
	}
	if q.pin == nil {
		r.engine, r.reason = k.automatic(q, db, r.facts)
		return r, r.engine != nil
	}
	r.engine, r.reason = q.pin, q.pinnedBy()
	return r, !q.pin.isReplica() // on a replica there is more to ask
}

// chosen looks up the caller's choice.
func (k *Connector) chosen(q *question) (selection, error) {
	c := q.choice
	var t selection
	if c.hasDatabase {
		db, err := k.databaseNamed(q, c.database)
		if err != nil {
			return t, err
		}
		t.database, t.databaseBy = db, reasonContext
	}
	switch c.engine {
	case "":
		return t, nil
	case Primary, Replica:
		t.role, t.engineBy = c.engine, reasonContext
		return t, nil
	}
	e := k.engineNamed(t.database, c.engine)
	switch {
	case e == nil && t.database == nil:
		return t, fmt.Errorf("%w %q", ErrUnknownEngine, c.engine)
	case e == nil:
		return t, fmt.Errorf("%w: %q is not an engine of database %q", ErrUnknownEngine, c.engine, t.database.name)
	}
	t.database, t.databaseBy = e.database, reasonContext
	t.engine, t.engineBy = e, reasonContext
	return t, nil
}

// databaseNamed returns a configured database, or that of a tenant. An open
// session keeps the one that it is in, also when that was forgotten meanwhile,
// and does not so much as open another.
func (k *Connector) databaseNamed(q *question, name string) (*database, error) {
	if q.pin != nil && q.pin.database.name == name {
		return q.pin.database, nil
	}
	if db, ok := k.databases[name]; ok {
		return db, nil
	}
	switch {
	case name == "":
		return nil, fmt.Errorf("%w: there is no default database; name one with WithDatabase", ErrNoDatabase)
	case k.tenants == nil:
		return nil, fmt.Errorf("%w %q", ErrUnknownDatabase, name)
	case q.pin != nil:
		return nil, q.pinnedElsewhere(name)
	}
	return k.tenants.find(q.ctx, name)
}

// engineNamed returns the engine of that name in a database, or among all that are
// configured, or nil.
func (k *Connector) engineNamed(db *database, name string) *engine {
	if db == nil {
		return k.engines[name]
	}
	for _, e := range db.engines {
		if e.name == name {
			return e
		}
	}
	return nil
}

// pinnedElsewhere refuses to take an open session to another database.
func (q *question) pinnedElsewhere(name string) error {
	return fmt.Errorf("%w: it is on engine %q, and database %q is asked for; end it first, or use another connection",
		ErrTxDatabase, q.pin.name, name)
}

// dialectFor says how to read a statement before its database is known: rules
// need to know what it is.
func (k *Connector) dialectFor(wanted *selection, pin *engine) Dialect {
	switch {
	case wanted.database != nil:
		return wanted.database.dialect
	case pin != nil:
		return pin.database.dialect
	}
	return k.dialect
}

// ruled asks the rules, then Config.Router, and keeps the role that the caller
// chose. The rule that matches a text is part of what is known about the text.
func (k *Connector) ruled(q *question, f *facts, wanted selection) (selection, error) {
	t := selection{}
	switch {
	case f.against != nil:
		return t, f.rule.opposed(f.against)
	case f.rule != nil:
		t = f.rule.uses
		t.rule = f.rule
	case k.router != nil:
		var err error
		if t, err = k.routed(q, f); err != nil {
			return t, err
		}
	}
	if wanted.role != "" {
		t.engine, t.role, t.engineBy = nil, wanted.role, reasonContext
	}
	return t, nil
}

func (k *Connector) routed(q *question, f *facts) (selection, error) {
	use, err := k.router(q.ctx, f.Statement)
	if err != nil || use == "" {
		return selection{}, err
	}
	if t, ok := k.settings.lookup(use); ok {
		return k.selected(t, reasonRouter), nil
	}
	if k.tenants != nil {
		db, err := k.databaseNamed(q, use)
		return selection{database: db, databaseBy: reasonRouter}, err
	}
	return selection{}, fmt.Errorf("%w or database %q, given by Config.Router", ErrUnknownEngine, use)
}

// databaseFor answers the first question.
func (k *Connector) databaseFor(q *question, wanted *selection) (*database, error) {
	switch {
	case q.pin != nil && wanted.database != nil && wanted.database != q.pin.database:
		return nil, q.pinnedElsewhere(wanted.database.name)
	case q.pin != nil:
		return q.pin.database, nil
	case wanted.database != nil:
		return wanted.database, nil
	case k.settings.requireDatabase && q.via != viaPing:
		return nil, fmt.Errorf("%w: the configuration requires one; name it with WithDatabase", ErrNoDatabase)
	case k.byDefault != nil:
		return k.byDefault, nil
	}
	return nil, fmt.Errorf("%w: there is no default database; name one with WithDatabase, or add a primary to the configuration", ErrNoDatabase)
}

// engineFor answers the second question.
func (k *Connector) engineFor(q *question, wanted *selection, db *database, f *facts) (*engine, reason, error) {
	if q.pin != nil {
		if wanted.engineBy == reasonContext && !q.pin.answersTo(wanted) {
			return nil, reasonNone, fmt.Errorf("%w: it is on %q, and the context asks for %q; end it first, or use another connection",
				ErrTxEngine, q.pin.name, wanted.engineName())
		}
		return q.pin, q.pinnedBy(), nil
	}
	var e *engine
	var why reason
	switch {
	case wanted.engine != nil:
		e, why = wanted.engine, wanted.engineBy
	case wanted.role == Primary:
		e, why = db.primary(), wanted.engineBy
	case wanted.role == Replica && f != nil && f.refused:
		e, why = db.primary(), reasonWrite // who asked for a replica took it for a read
	case wanted.role == Replica:
		e, why = k.reading(db, q, wanted.engineBy)
	default:
		e, why = k.automatic(q, db, f)
	}
	if e == nil {
		return nil, reasonNone, fmt.Errorf(`%w in database %q, and the primary is not asked ("fallback": "error")`, ErrNoReplica, db.name)
	}
	return e, why, nil
}

// pinnedBy says what the state is that the Conn is pinned by.
func (q *question) pinnedBy() reason {
	if q.inTx {
		return reasonInTx
	}
	return reasonPinned
}

// automatic is the reader/writer split.
func (k *Connector) automatic(q *question, db *database, f *facts) (*engine, reason) {
	switch {
	case !q.via.carriesText():
		return k.automaticFor(q, db)
	case f.Kind == KindWrite:
		return db.primary(), reasonWrite
	case f.Kind == KindSession:
		return db.primary(), reasonSession
	case f.Kind == KindTransaction:
		return db.primary(), reasonTransaction
	case q.via == viaExec || q.via == viaPrepareExec:
		return db.primary(), reasonExec
	case k.readsOnPrimary:
		return db.primary(), reasonReadsPrimary
	}
	return k.reading(db, q, reasonRead)
}

// automaticFor is the same for what has no text.
func (k *Connector) automaticFor(q *question, db *database) (*engine, reason) {
	switch q.via {
	case viaBegin:
		return db.primary(), reasonBegin
	case viaBeginReadOnly:
		if k.readOnlyTxOnPrimary {
			return db.primary(), reasonBegin
		}
		return k.reading(db, q, reasonBeginReadOnly)
	case viaPing:
		return db.primary(), reasonPing
	}
	return db.primary(), reasonRaw
}

// reading is a replica, or the primary of a database in which none can answer; or
// nil, if the primary is not to be asked then.
func (k *Connector) reading(db *database, q *question, why reason) (*engine, reason) {
	v := db.view.Load()
	if v.only != nil && q.detour == nil {
		return v.only, why
	}
	if e := k.reader(db, q); e != nil {
		return e, why
	}
	switch v = db.view.Load(); {
	case v.replicas == 0:
		return v.primary, reasonNoReplica
	case k.settings.fallbackError:
		return nil, reasonNone
	default:
		return v.primary, reasonNoneReady
	}
}

func (db *database) primary() *engine { return db.view.Load().primary }

// answersTo reports whether the engine is what the caller asked for, so that an
// open session need not move.
func (e *engine) answersTo(wanted *selection) bool {
	switch {
	case wanted.engine != nil:
		return wanted.engine == e
	case wanted.role == Primary:
		return !e.isReplica()
	case wanted.role == Replica:
		return e.isReplica() || e.database.view.Load().replicas == 0
	}
	return true
}

func (t *selection) engineName() string {
	if t.engine != nil {
		return t.engine.name
	}
	return t.role
}
