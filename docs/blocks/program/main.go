// Program runs the Go code of the documents. The test of the folder above adds
// the code to it, a file for each block, and gives it a database; by itself it
// has nothing to run. What a document may use is imported here, under the name
// that the document uses, and what it takes for given is declared here.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"testing/fstest"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/Masterminds/squirrel"
	"github.com/XSAM/otelsql"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"github.com/ncruces/go-sqlite3/gormlite"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/docs/blocks/shop"
	"github.com/multidb-go/multidb/examples/ent/ent"
)

var _ = []any{dialect.Postgres, entsql.OpenDB, squirrel.Select, migratepgx.WithInstance, pgx.Connect, stdlib.GetConnector,
	sqlx.NewDb, goose.NewProvider, riverdatabasesql.New, bun.NewDB, pgdialect.New, postgres.New, mysql.New, gormlite.OpenDB, gorm.Open,
	shop.New, otelsql.OpenDB, ent.NewClient, slog.Default, errors.Is, driver.ErrBadConn, time.Second, multidb.FromDB, use, id, conn, columns, rows, files, directory,
	provider, config, connector, traced}

// What the documents take for given, beside ctx and db.
var (
	dsn       = os.Getenv("MULTIDB_DSN")
	id        = 1
	directory *sql.DB
	conn      *sql.Conn
	columns   = []string{"item"}
	rows      = pgx.CopyFromRows([][]any{{"tea"}, {"cake"}})
	connector *multidb.Connector
	traced    driver.Connector
	config    = new(gorm.Config)
	provider  *goose.Provider
	files     = fstest.MapFS{"00001_coupons.sql": {Data: []byte("-- +goose Up\nCREATE TABLE coupons (id bigint);\n")}}
)

// block is the code of one place in a document.
type block struct {
	place string
	run   func(ctx context.Context, db *sql.DB) error
}

// blocks is filled by the files that the test adds.
var blocks []block

// use takes the variables that a block leaves behind, and reports its errors.
func use(values ...any) error {
	for _, v := range values {
		if err, ok := v.(error); ok {
			return err
		}
	}
	return nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("multidb", dsn)
	if err != nil {
		log.Fatal(err)
	}
	if conn, err = db.Conn(ctx); err != nil {
		log.Fatal(err)
	}
	connector = multidb.FromDB(db)
	if provider, err = goose.NewProvider(goose.DialectPostgres, db, files); err != nil {
		log.Fatal(err)
	}
	failed := false
	for _, b := range blocks {
		if err := b.run(ctx, db); err != nil {
			failed = true
			fmt.Printf("%s: %v\n", b.place, err)
		}
	}
	if failed {
		os.Exit(1)
	}
	fmt.Println(len(blocks), "blocks")
}
