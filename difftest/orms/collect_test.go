package orms

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	sqlite "github.com/glebarez/go-sqlite"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

var update = flag.Bool("update", false, "write the texts to ../testdata/orms")

func TestMain(m *testing.M) {
	flag.Parse()
	testdb.Main(m)
}

// server is where the tools work, and where their reads are tried.
type server struct {
	dialect  multidb.Dialect
	child    driver.Connector
	readOnly *sql.DB
	refuses  func(error) bool                // the error of a server that must not write
	catchUp  func(ctx context.Context) error // readOnly has what child has
}

func TestPostgres(t *testing.T) {
	cluster := testdb.Postgres(t)
	database := cluster.Database(t)
	child, err := connector(stdlib.GetDefaultDriver(), cluster.Primary().DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	collect(t, server{
		dialect:  multidb.Postgres,
		child:    child,
		readOnly: open(t, "pgx", cluster.Standbys()[0].DSN(database)),
		catchUp:  cluster.WaitReplay,
		refuses: func(err error) bool {
			var e *pgconn.PgError
			return errors.As(err, &e) && (e.Code == "25006" || e.Code == "55000")
		},
	})
}

func TestMariaDB(t *testing.T) {
	cluster := testdb.MariaDB(t)
	database := cluster.Database(t)
	config, err := mysql.ParseDSN(cluster.Primary().DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	config.MultiStatements, config.ParseTime = true, true
	child, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	collect(t, server{
		dialect:  multidb.MySQL,
		child:    child,
		readOnly: open(t, "mysql", cluster.Replicas()[0].DSN(database)),
		catchUp:  cluster.WaitReplay,
		refuses: func(err error) bool {
			var e *mysql.MySQLError
			return errors.As(err, &e) && (e.Number == 1290 || e.Number == 1792 || e.Number == 1836)
		},
	})
}

func TestSQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	child, err := connector(&sqlite.Driver{}, file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	collect(t, server{
		dialect:  multidb.SQLite,
		child:    child,
		readOnly: open(t, "sqlite", file+"?_pragma=query_only(1)"),
		catchUp:  func(context.Context) error { return nil },
		refuses: func(err error) bool {
			var e *sqlite.Error
			return errors.As(err, &e) && e.Code()&0xff == 8
		},
	})
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// collect drives all tools, and runs what we call a read where nothing else can
// run. Other errors there do not matter: what a transaction has not committed is
// not there to be read.
func collect(t *testing.T, s server) {
	reads, ran := 0, 0
	r := &recorder{Connector: s.child}
	r.tried = func(query string, args []driver.NamedValue) {
		if multidb.Classify(s.dialect, query).Kind != multidb.KindRead {
			return
		}
		reads++
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.catchUp(ctx); err != nil {
			t.Error(err)
		}
		err := drain(ctx, s.readOnly, query, values(args))
		switch {
		case err == nil:
			ran++
		case s.refuses(err):
			t.Errorf("no read: %s\n\t%v", query, err)
		default:
			t.Logf("%s\n\t%v", query, err)
		}
	}
	db := sql.OpenDB(r)
	defer db.Close()
	for _, tool := range []struct {
		name  string
		drive func(*testing.T, multidb.Dialect, *sql.DB)
	}{
		{"goose", driveGoose}, {"gorm", driveGorm}, {"ent", driveEnt}, {"bun", driveBun},
		{"sqlx", driveSqlx}, {"squirrel", driveSquirrel}, {"sqlc", driveSqlc},
	} {
		r.use(tool.name)
		tool.drive(t, s.dialect, db)
	}
	t.Logf("%d texts, %d of the queries are reads, %d of them ran on a replica", len(r.texts), reads, ran)
	if reads < 50 || ran < reads/2 {
		t.Errorf("too few reads: do the tools still pass through the recorder?")
	}
	if *update {
		write(t, s.dialect.String(), r.texts)
	}
}

func drain(ctx context.Context, db *sql.DB, query string, args []any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// write writes the texts, one JSON object a line.
func write(t *testing.T, dialect string, texts []statement) {
	slices.SortFunc(texts, func(a, b statement) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Text, b.Text))
	})
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, s := range texts {
		if err := lines.Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join("..", "testdata", "orms")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, dialect+".jsonl"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
