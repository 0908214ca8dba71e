package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/multidb-go/multidb"
)

// shown is a *sql.DB whose statements are printed as rows of a table. The table
// is made of nothing but what multidb itself logs.
type shown struct {
	*sql.DB
	on  runner // the DB, or a transaction of it
	log *routeLog
}

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// open is sql.Open("multidb", dsn) with a logger of our own.
func open(dsn string) (*shown, error) {
	config, err := multidb.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	routes := &routeLog{}
	config.Logger = slog.New(routes)
	connector, err := multidb.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	return &shown{DB: db, on: db, log: routes}, nil
}

// in is the same table for statements of a transaction.
func (s *shown) in(tx *sql.Tx) *shown { return &shown{DB: s.DB, on: tx, log: s.log} }

func (s *shown) exec(ctx context.Context, query string, args ...any) {
	_, err := s.on.ExecContext(ctx, query, args...)
	s.row(query, "", err)
}

func (s *shown) query(ctx context.Context, query string, args ...any) {
	answer, err := s.answer(ctx, query, args...)
	s.row(query, answer, err)
}

func (s *shown) answer(ctx context.Context, query string, args ...any) (string, error) {
	rows, err := s.on.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var value any
	for rows.Next() {
		if err := rows.Scan(&value); err != nil {
			return "", err
		}
	}
	return fmt.Sprint(value), rows.Err()
}

// refused runs a statement that multidb is to refuse.
func (s *shown) refused(ctx context.Context, query string) {
	_, err := s.on.QueryContext(ctx, query)
	for _, refusal := range []error{multidb.ErrTxEngine, multidb.ErrTxDatabase, multidb.ErrReadOnlyEngine} {
		if errors.Is(err, refusal) {
			fmt.Printf(line, short(query), "-", "REFUSED", strings.TrimPrefix(refusal.Error(), "multidb: "))
			return
		}
	}
	s.row(query, "", fmt.Errorf("%s was not refused: %v", query, err))
}

const line = "  %-44s  %-9s  %-7s  %s\n"

func (s *shown) title(text string) {
	fmt.Printf("\n%s\n\n", text)
	fmt.Printf(line, "STATEMENT", "ENGINE", "ANSWER", "REASON")
}

func (s *shown) row(query, answer string, err error) {
	if err != nil {
		answer = "ERROR"
		s.log.failed = errors.Join(s.log.failed, err)
	}
	fmt.Printf(line, short(query), s.log.engine, answer, s.log.reason)
}

// note prints a remark between the rows.
func (s *shown) note(format string, args ...any) { fmt.Printf("  ... "+format+"\n", args...) }

func short(query string) string {
	if len(query) > 44 {
		return query[:41] + "..."
	}
	return query
}

// routeLog is a slog.Handler that keeps what the last line said.
type routeLog struct {
	engine, reason string
	failed         error // what should not have
}

func (l *routeLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "engine":
			l.engine = a.Value.String()
		case "reason":
			l.reason = a.Value.String()
		}
		return true
	})
	return nil
}

func (l *routeLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *routeLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *routeLog) WithGroup(string) slog.Handler            { return l }
