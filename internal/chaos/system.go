package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/multidb-go/multidb/internal/testdb"
)

// System is a kind of server.
type System struct {
	Name string

	driver   string // must be registered by the program
	replicas int    // of a fleet, unless the scenario says how many
	start    func(ctx context.Context, replicas int) (cluster, []*testdb.Server, error)
	schema   func(ctx context.Context, f *fleet) error
	dsn      func(s *testdb.Server, user string) string
	hasty    func(dsn string) string // gives up a connect after a second

	insert  string // id, body
	literal string // the same as a format of fmt
	read    string // rows by id
	long    string // the same, for some milliseconds
	misread string // a write by a function that the configuration calls a read; "" if there is none
}

// cluster is what the clusters of testdb have in common.
type cluster interface {
	Primary() *testdb.Server
	CreateDatabase(ctx context.Context, name string) error
	WaitReplay(ctx context.Context) error
	Synchronous(ctx context.Context) error
	FailOver(ctx context.Context) (*testdb.Server, error)
	StartStranger(ctx context.Context) error
	Stop()
}

const database = "chaos"

// PostgreSQL is a primary with two streaming standbys, through pgx.
var PostgreSQL = &System{
	Name:     "PostgreSQL",
	driver:   "pgx",
	replicas: 2,
	start: func(ctx context.Context, replicas int) (cluster, []*testdb.Server, error) {
		c, err := testdb.StartPostgres(ctx, testdb.PostgresOptions{Standbys: replicas})
		if err != nil {
			return nil, nil, err
		}
		return c, c.Standbys(), nil
	},
	schema: postgresSchema,
	dsn: func(s *testdb.Server, user string) string {
		return strings.Replace(s.DSN(database), "postgres@", user+"@", 1)
	},
	hasty:   func(dsn string) string { return dsn + "?connect_timeout=1" },
	insert:  "INSERT INTO ledger (id, body, port) VALUES ($1, $2, inet_server_port())",
	literal: "INSERT INTO ledger (id, body, port) VALUES (%d, '%s', inet_server_port())",
	read:    "SELECT id, body FROM ledger WHERE id = $1",
	long:    "SELECT id, body FROM ledger WHERE id = $1 AND (SELECT count(*) FROM generate_series(1, 50000)) > 0",
	misread: "SELECT note($1, $2)",
}

// The user app, unlike a superuser, has no reserved connections.
func postgresSchema(ctx context.Context, f *fleet) error {
	if err := f.exec(ctx, f.primary, "postgres",
		"CREATE ROLE app LOGIN", "CREATE ROLE hog LOGIN", "ALTER DATABASE "+database+" OWNER TO app"); err != nil {
		return err
	}
	return f.exec(ctx, f.primary, "app",
		`CREATE TABLE ledger (id bigint NOT NULL, body text NOT NULL, port int NOT NULL,
			at bigint NOT NULL DEFAULT extract(epoch FROM clock_timestamp()) * 1000000)`,
		"CREATE INDEX ON ledger (id)",
		"CREATE TABLE churn AS SELECT id, 0 AS n FROM generate_series(1, 1000) id",
		`CREATE FUNCTION note(bigint, text) RETURNS bigint LANGUAGE sql VOLATILE
			AS 'INSERT INTO ledger (id, body, port) VALUES ($1, $2, inet_server_port()) RETURNING id'`,
		fmt.Sprintf("INSERT INTO ledger (id, body, port) SELECT id, 'row ' || id, inet_server_port() FROM generate_series(1, %d) id", seeds),
		"ANALYZE")
}

// MariaDB is a primary with one replica, through go-sql-driver/mysql, which the
// program must import.
var MariaDB = &System{
	Name:     "MariaDB",
	driver:   "mysql",
	replicas: 1,
	start: func(ctx context.Context, replicas int) (cluster, []*testdb.Server, error) {
		c, err := testdb.StartMariaDB(ctx, testdb.MariaDBOptions{Replicas: replicas})
		if err != nil {
			return nil, nil, err
		}
		return c, c.Replicas(), nil
	},
	schema: mariadbSchema,
	dsn: func(s *testdb.Server, user string) string {
		if user == "hog" {
			return strings.Replace(s.DSN(""), "app@", "hog@", 1) // it may log in, no more
		}
		return s.DSN(database)
	},
	hasty:   func(dsn string) string { return dsn + "?timeout=1s" },
	insert:  "INSERT INTO ledger (id, body, port) VALUES (?, ?, @@port)",
	literal: "INSERT INTO ledger (id, body, port) VALUES (%d, '%s', @@port)",
	read:    "SELECT id, body FROM ledger WHERE id = ?",
}

func mariadbSchema(ctx context.Context, f *fleet) error {
	return f.exec(ctx, f.primary, "app",
		"CREATE USER hog@'127.0.0.1'",
		`CREATE TABLE ledger (id bigint NOT NULL, body varchar(40) NOT NULL, port int NOT NULL,
			at bigint NOT NULL DEFAULT (unix_timestamp(sysdate(6)) * 1000000), INDEX (id))`,
		fmt.Sprintf("INSERT INTO ledger (id, body, port) SELECT seq, CONCAT('row ', seq), @@port FROM mysql.seq_1_to_%d", seeds))
}

// exec runs statements on one server, past multidb and proxies.
func (f *fleet) exec(ctx context.Context, s *testdb.Server, user string, statements ...string) error {
	db, err := f.direct(s, user)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %s: %w", s.Name, statement, err)
		}
	}
	return nil
}

func (f *fleet) direct(s *testdb.Server, user string) (*sql.DB, error) {
	return sql.Open(f.system.driver, f.system.dsn(s, user))
}
