package multidb

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// logCall writes one line for a call: what was done where, why there, how long
// it took and how it ended, if there is a log. Never a query text or an argument: they hold data.
func (k *Connector) logCall(ctx context.Context, ca *call, err error) {
	attrs := []slog.Attr{slog.String("verb", k.verb(ca))}
	if e := ca.route.engine; e != nil {
		attrs = append(attrs,
			slog.String("database", e.database.name),
			slog.String("engine", e.name),
			slog.String("reason", ca.route.why()))
	}
	attrs = append(attrs, slog.Duration("duration", time.Since(ca.began)))
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	k.log.LogAttrs(ctx, slog.LevelInfo, "multidb", attrs...)
}

var viaVerbs = map[via]string{
	viaPrepare:       "prepare",
	viaPrepareExec:   "prepare",
	viaBegin:         "begin",
	viaBeginReadOnly: "begin",
	viaCommit:        "commit",
	viaRollback:      "rollback",
	viaPing:          "ping",
	viaRaw:           "raw",
}

func (k *Connector) verb(ca *call) string {
	if verb, ok := viaVerbs[ca.via]; ok {
		return verb
	}
	if ca.route.facts != nil {
		return ca.route.facts.Verb
	}
	return classify(k.dialect, ca.query, k.functions).Verb
}

// why is the reason as a person reads it: "read", "write (FOR UPDATE)",
// "write (INSERT), database by rule 1".
func (r route) why() string {
	text := r.reason.String()
	if r.facts != nil && r.facts.Reason != "" && r.reason.fromText() {
		text = fmt.Sprintf("%s (%s)", text, r.facts.Reason)
	}
	switch r.databaseBy {
	case r.reason:
		if r.reason == ReasonRule {
			text = fmt.Sprintf("rule %d", r.facts.rule.number)
		}
	case ReasonContext:
		text += ", database by context"
	case ReasonRouter:
		text += ", database by router"
	case ReasonRule:
		text = fmt.Sprintf("%s, database by rule %d", text, r.facts.rule.number)
	}
	return text
}

// fromText reports whether the reason lies in the statement itself.
func (r Reason) fromText() bool {
	return r == ReasonWrite || r == ReasonSession || r == ReasonTransaction
}
