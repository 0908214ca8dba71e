// Package demo is what the examples have in common: a shop on SQLite files, and a
// log that shows where each statement ran, and why.
package demo

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/multidb-go/multidb"

	_ "modernc.org/sqlite"
)

// Main runs an example in a folder of its own, which is removed afterwards.
func Main(run func(ctx context.Context, folder string) error) {
	folder, err := os.MkdirTemp("", "multidb-example-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), folder)
	os.RemoveAll(folder)
	if err != nil {
		log.Fatal(err)
	}
}

// File is the DSN of a SQLite file.
func File(folder, name string) string {
	return "file:" + filepath.Join(folder, name) + "?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous(off)"
}

// OpenShop opens a shop with a primary and a replica. With SQLite both are the
// same file, so that the replica has everything at once; multidb opens it
// read-only.
func OpenShop(folder string) (*sql.DB, *Routes, error) {
	return Open(multidb.Config{
		Driver:   "sqlite",
		Primary:  multidb.Engine{DSN: File(folder, "shop.db")},
		Replicas: []multidb.Engine{{DSN: File(folder, "shop.db")}},
	})
}

// Open is sql.Open("multidb", ...) with a log that shows the routes.
func Open(config multidb.Config) (*sql.DB, *Routes, error) {
	routes := &Routes{Out: os.Stdout}
	config.Logger = slog.New(routes)
	connector, err := multidb.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	return sql.OpenDB(connector), routes, nil
}

// Routes is a slog.Handler that prints one line for each statement.
type Routes struct {
	Out    io.Writer
	Hidden bool // while a library sets up its tables, say
}

// Step prints what follows.
func (r *Routes) Step(text string) { fmt.Fprintf(r.Out, "\n%s\n", text) }

// Note prints a remark.
func (r *Routes) Note(format string, args ...any) { fmt.Fprintf(r.Out, "   "+format+"\n", args...) }

// Handle implements slog.Handler.
func (r *Routes) Handle(_ context.Context, record slog.Record) error {
	if r.Hidden {
		return nil
	}
	about := make(map[string]string)
	record.Attrs(func(a slog.Attr) bool {
		about[a.Key] = a.Value.String()
		return true
	})
	engine, why := about["engine"], about["reason"]
	if engine == "" {
		engine, why = "nowhere", "refused"
	}
	_, err := fmt.Fprintf(r.Out, "   %-9s -> %-10s %s\n", about["verb"], engine, why)
	return err
}

// Enabled implements slog.Handler.
func (r *Routes) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (r *Routes) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup implements slog.Handler.
func (r *Routes) WithGroup(string) slog.Handler { return r }
