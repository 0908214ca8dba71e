// Tenants migrates the databases of 200 customers with goose, ten at a time,
// through one *sql.DB. Each customer has a SQLite file of its own, opened by a
// template when it is first used.
//
// One of them fails. The summary on disk tells the second run what is done
// already, so that it does only the rest.
//
//	go -C examples run ./tenants
package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/examples/internal/demo"
)

func main() { demo.Main(run) }

const (
	customers = 200
	atOnce    = 10
	unlucky   = "tenant042"
)

//go:embed migrations/*.sql
var files embed.FS

func run(ctx context.Context, folder string) error {
	db, err := open(folder, "rwc")
	if err != nil {
		return err
	}
	defer db.Close()
	names := make([]string, customers)
	for i := range names {
		names[i] = fmt.Sprintf("tenant%03d", i+1)
	}

	// Somebody has been at work by hand in one database.
	by := multidb.WithDatabase(ctx, unlucky)
	if _, err := db.ExecContext(by, `CREATE TABLE notes (text TEXT)`); err != nil {
		return err
	}
	summary := filepath.Join(folder, "migrated.json")
	if err := migrate(ctx, db, names, summary); err == nil {
		return errors.New("the migration of " + unlucky + " should have failed")
	}
	fmt.Println("  (the table that is in the way is dropped)")
	if _, err := db.ExecContext(by, `DROP TABLE notes`); err != nil {
		return err
	}
	if err := migrate(ctx, db, names, summary); err != nil {
		return err
	}
	return refusals(ctx, folder)
}

// open opens one *sql.DB for all customers, present and to come. The mode is
// SQLite's: "rwc" makes a file that is not there, "rw" does not.
func open(folder, mode string) (*sql.DB, error) {
	connector, err := multidb.NewConnector(multidb.Config{
		Driver:          "sqlite",
		Tenants:         multidb.Database{Primary: multidb.Engine{DSN: demo.File(folder, "{tenant}.db") + "&mode=" + mode}},
		MaxOpenTotal:    2 * atOnce,
		RequireDatabase: true,
	})
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// migrate brings the databases up to date that the summary does not call done.
func migrate(ctx context.Context, db *sql.DB, names []string, path string) error {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	s, err := readSummary(path)
	if err != nil {
		return err
	}
	todo := s.without(names)
	fmt.Printf("%d databases, %d to do\n", len(names), len(todo))
	bar := progress{out: terminal(), total: len(todo)}
	err = multidb.ForEach(ctx, db, todo, atOnce, func(ctx context.Context, name string) error {
		err := migrateOne(ctx, db, migrations)
		bar.step()
		return errors.Join(err, s.note(name, err))
	})
	bar.end()
	s.print(os.Stdout)
	return err
}

// migrateOne works on the database that the context names. goose knows nothing of
// the others.
func migrateOne(ctx context.Context, db *sql.DB, migrations fs.FS) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// refusals shows what does not lead into anybody's database. A program that serves
// customers, and does not set them up, must not make a file for whoever it is asked
// for.
func refusals(ctx context.Context, folder string) error {
	db, err := open(folder, "rw")
	if err != nil {
		return err
	}
	defer db.Close()
	_, nameless := db.ExecContext(ctx, `DELETE FROM orders`)
	_, crooked := db.ExecContext(multidb.WithDatabase(ctx, "../tenant001"), `DELETE FROM orders`)
	_, unknown := db.ExecContext(multidb.WithDatabase(ctx, "tenant999"), `DELETE FROM orders`)
	_, file := os.Stat(filepath.Join(folder, "tenant999.db"))
	fmt.Println("no tenant named:", errors.Is(nameless, multidb.ErrNoDatabase))
	fmt.Println("a name that is none:", errors.Is(crooked, multidb.ErrUnknownDatabase))
	fmt.Println("nobody's name:", unknown != nil && errors.Is(file, fs.ErrNotExist))
	return nil
}
