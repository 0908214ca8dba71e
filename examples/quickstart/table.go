package main

import (
	"context"
	"database/sql"
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
	log *lastLine
	err error // the first of a statement that should have worked
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
	lines := &lastLine{}
	config.Logger = slog.New(lines)
	connector, err := multidb.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	return &shown{DB: db, on: db, log: lines}, nil
}

func (s *shown) within(tx *sql.Tx) *shown { return &shown{DB: s.DB, on: tx, log: s.log} }

func (s *shown) exec(ctx context.Context, query string, args ...any) {
	_, err := s.on.ExecContext(ctx, query, args...)
	s.row(query, "", err)
}

func (s *shown) query(ctx context.Context, query string, args ...any) {
	rows, err := s.on.QueryContext(ctx, query, args...)
	if err != nil {
		s.row(query, "", err)
		return
	}
	defer rows.Close()
	var value any
	for rows.Next() {
		rows.Scan(&value)
	}
	s.row(query, fmt.Sprint(value), rows.Err())
}

const line = "  %-44s  %-9s  %-8s  %s\n"

func (s *shown) title(text string) {
	fmt.Printf("\n%s\n", text)
	fmt.Printf(line, "statement", "engine", "answer", "reason")
	fmt.Printf(line, strings.Repeat("-", 44), "---------", "--------", strings.Repeat("-", 30))
}

func (s *shown) row(query, answer string, err error) {
	if err != nil {
		answer = "ERROR"
		s.log.reason = err.Error()
		if s.err == nil {
			s.err = err
		}
	}
	if len(query) > 44 {
		query = query[:41] + "..."
	}
	fmt.Printf(line, query, s.log.engine, answer, s.log.reason)
}

// note prints a remark between the rows.
func (s *shown) note(format string, args ...any) {
	fmt.Printf("  * "+format+"\n", args...)
}

// lastLine is a slog.Handler that keeps what the last statement's line said.
type lastLine struct{ engine, reason string }

func (l *lastLine) Handle(_ context.Context, r slog.Record) error {
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

func (l *lastLine) Enabled(context.Context, slog.Level) bool { return true }
func (l *lastLine) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lastLine) WithGroup(string) slog.Handler            { return l }
