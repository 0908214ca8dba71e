package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// logCall writes one line for a call: what was done where, why there, how long
// it took and how it ended. Never a query text or an argument, which are data.
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
		attrs = append(attrs, slog.String("error", withoutData(err)))
	}
	k.log.LogAttrs(ctx, slog.LevelInfo, "multidb", attrs...)
}

// report writes one line about an engine.
func (k *Connector) report(what string, e *engine, detail string) {
	if k.log == nil {
		return
	}
	attrs := []slog.Attr{slog.String("database", e.database.name), slog.String("engine", e.name)}
	if detail != "" {
		attrs = append(attrs, slog.String("detail", detail))
	}
	k.log.LogAttrs(context.Background(), slog.LevelWarn, "multidb: "+what, attrs...)
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
		if r.reason == reasonRule {
			text = fmt.Sprintf("rule %d", r.rule.number)
		}
	case reasonContext:
		text += ", database by context"
	case reasonRouter:
		text += ", database by router"
	case reasonRule:
		text = fmt.Sprintf("%s, database by rule %d", text, r.rule.number)
	}
	return text
}

// fromText reports whether the reason lies in the statement itself.
func (r reason) fromText() bool {
	return r == reasonWrite || r == reasonSession || r == reasonTransaction
}

// withoutData is what may be logged of an error. A server's own text quotes the
// data that it does not like, so of a child's error only its code and type are
// kept.
func withoutData(err error) string {
	var outcome *OutcomeError
	var state interface{ SQLState() string }
	var code interface{ Code() int }
	switch {
	case errors.As(err, &outcome):
		return ErrUnknownOutcome.Error()
	case strings.HasPrefix(err.Error(), "multidb: "), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err.Error()
	case errors.As(err, &state):
		return fmt.Sprintf("%T: SQLSTATE %s", state, state.SQLState())
	case errors.As(err, &code):
		return fmt.Sprintf("%T: code %d", code, code.Code())
	}
	// MySQL's begin with their number: "Error 1062 (23000): Duplicate entry ..."
	if number, _, ok := strings.Cut(err.Error(), ":"); ok && strings.HasPrefix(number, "Error ") {
		return fmt.Sprintf("%T: %s", err, number)
	}
	return fmt.Sprintf("%T", err)
}
