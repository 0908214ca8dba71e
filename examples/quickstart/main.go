// Quickstart shows what multidb does, on SQLite files and with no server: it
// runs statements through ordinary *sql.DB values and prints for each one which
// engine answered it, and why.
//
//	go -C examples run ./quickstart
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/multidb-go/multidb"

	_ "modernc.org/sqlite"
)

func main() {
	dir, err := os.MkdirTemp("", "multidb-quickstart-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), dir)
	os.RemoveAll(dir)
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string) error {
	// Three engines. The replica is the primary's own file, opened so that
	// SQLite itself refuses to write; the legacy database has nothing to do with
	// either.
	var (
		shop     = "file:" + filepath.Join(dir, "shop.db")
		writer   = shop + "?_pragma=journal_mode(WAL)"
		reader   = shop + "?mode=ro&_pragma=query_only(1)"
		legacy   = "file:" + filepath.Join(dir, "legacy.db")
		orders   = `CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)`
		insert   = `INSERT INTO orders (item) VALUES (?)`
		count    = `SELECT count(*) FROM orders`
		withTail = `WITH last AS (SELECT max(id) AS id FROM orders) SELECT item FROM orders JOIN last USING (id)`
	)

	fmt.Println("One *sql.DB, three engines. What runs where?")

	split, err := open(fmt.Sprintf(`{
	  "driver":    "sqlite",
	  "primary":   %q,
	  "replicas":  [%q],
	  "databases": {"legacy": %q}
	}`, writer, reader, legacy))
	if err != nil {
		return err
	}
	defer split.Close()

	split.title("Writes to the primary, reads to a replica")
	split.exec(ctx, orders)
	split.exec(ctx, insert, "tea")
	split.query(ctx, count)
	split.query(ctx, withTail)
	split.query(ctx, `INSERT INTO orders (item) VALUES ('cake') RETURNING id`)

	split.title("Explicit selection: the context chooses an engine for a unit of work")
	onLegacy := multidb.WithEngine(ctx, "legacy")
	split.exec(onLegacy, orders)
	err = multidb.RunInTx(onLegacy, split.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		split.in(tx).exec(ctx, insert, "never kept")
		return errors.New("something went wrong")
	})
	split.note("the transaction failed (%v) and was rolled back", err)
	split.query(onLegacy, count)
	split.query(multidb.WithEngine(ctx, multidb.Primary), count)

	split.title("A transaction sticks to its engine, and never moves to another")
	err = multidb.RunInTx(ctx, split.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		inside := split.in(tx)
		inside.exec(ctx, insert, "scone")
		inside.query(ctx, count)
		inside.refused(multidb.WithEngine(ctx, "replica1"), count)
		inside.refused(multidb.WithDatabase(ctx, "legacy"), count)
		return nil
	})
	if err != nil {
		return err
	}
	split.refused(multidb.WithEngine(ctx, "replica1"), `DELETE FROM orders`)

	rules, err := open(fmt.Sprintf(`{
	  "driver":    "sqlite",
	  "primary":   %q,
	  "databases": {"secondary": %q},
	  "rules":     [{"verbs": ["insert", "update", "delete"], "use": "secondary"}]
	}`, writer, legacy))
	if err != nil {
		return err
	}
	defer rules.Close()

	rules.title("Routing rules: INSERT, UPDATE and DELETE to one database, the rest to another")
	rules.exec(ctx, insert, "jam")
	rules.exec(ctx, `UPDATE orders SET item = 'marmalade'`)
	rules.query(ctx, count)
	rules.query(multidb.WithDatabase(ctx, "secondary"), count)

	fmt.Println()
	return errors.Join(split.log.failed, rules.log.failed)
}
