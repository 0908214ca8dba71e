package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb"
)

// A program that has one database changes one string.
func Example() {
	db, err := sql.Open("multidb", "postgres://app@localhost/shop")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	// With replicas, the string becomes a document. The program stays.
	split, err := sql.Open("multidb", `{
		"primary":  "postgres://app@writer/shop",
		"replicas": ["postgres://app@reader1/shop", "postgres://app@reader2/shop"]
	}`)
	if err != nil {
		log.Fatal(err)
	}
	defer split.Close()

	for _, engine := range multidb.FromDB(split).Stats().Engines {
		fmt.Println(engine.Name, engine.Role)
	}
	// Output:
	// primary primary
	// replica1 replica
	// replica2 replica
}

// A mistake in the configuration is found before anything is dialled.
func Example_mistake() {
	_, err := sql.Open("multidb", `{"primary": "postgres://app:s3cret@writer/shop", "replica": []}`)
	fmt.Println(err)
	_, err = sql.Open("multidb", `{"primary": "postgres://app:s3cret@writer/shop",
		"rules": [{"verbs": ["insert"], "use": "secondary"}]}`)
	fmt.Println(err)
	// Output:
	// multidb: unknown key "replica" (have driver, primary, replicas, databases, tenants, max_databases, max_open_total, max_open_per_host, require_database, rules, reads, read_only_tx, fallback, balance, connect_timeout, discover, failover_timeout, read_functions, write_functions, echo)
	// multidb: rules[0].use: "secondary" names no database or engine; have "primary"
}

// mock is a child engine that answers what it is told to. Engines of the driver
// "sqlmock" let you test code on multidb engine by engine.
func mock(name string) sqlmock.Sqlmock {
	_, engine, err := sqlmock.NewWithDSN(name)
	if err != nil {
		log.Fatal(err)
	}
	return engine
}

// printRoutes logs where statements go, and why, without the times.
func printRoutes() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, slog.LevelKey, slog.MessageKey, "database", "duration":
				return slog.Attr{}
			}
			return a
		},
	}))
}

// Rules send statements to other databases by what they are.
func Example_rules() {
	mock("rules/primary").ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"n"}).AddRow(0))
	mock("rules/secondary").ExpectExec("INSERT").WillReturnResult(sqlmock.NewResult(1, 1))

	config, err := multidb.ParseDSN(`{
		"driver":    "sqlmock",
		"primary":   "rules/primary",
		"databases": {"secondary": "rules/secondary"},
		"rules":     [{"verbs": ["insert", "update", "delete"], "use": "secondary"}]
	}`)
	if err != nil {
		log.Fatal(err)
	}
	config.Logger = printRoutes()
	connector, err := multidb.NewConnector(config)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "INSERT INTO orders (item) VALUES (?)", "tea"); err != nil {
		log.Fatal(err)
	}
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM orders").Scan(&n); err != nil {
		log.Fatal(err)
	}
	// Output:
	// verb=insert engine=secondary reason="write (INSERT), database by rule 1"
	// verb=select engine=primary reason="no replica to read from"
}

// An open transaction never moves to another engine: asking for one is an error.
func ExampleRunInTx() {
	primary := mock("tx/primary")
	primary.ExpectBegin()
	primary.ExpectExec("UPDATE").WillReturnResult(sqlmock.NewResult(0, 1))
	primary.ExpectRollback()
	mock("tx/replica")

	db, err := sql.Open("multidb", `{"driver": "sqlmock", "primary": "tx/primary", "replicas": ["tx/replica"]}`)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx := context.Background()
	err = multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE orders SET paid = true"); err != nil {
			return err
		}
		_, err := tx.QueryContext(multidb.WithEngine(ctx, multidb.Replica), "SELECT * FROM orders")
		return err // rolls back
	})
	fmt.Println(errors.Is(err, multidb.ErrTxEngine), err)
	fmt.Println(primary.ExpectationsWereMet())
	// Output:
	// true multidb: the open transaction is on another engine: it is on "primary", and the context asks for "replica"; end it first, or use another connection
	// <nil>
}

func ExampleWithEngine() {
	mock("engine/primary")
	mock("engine/replica").ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"n"}).AddRow(3))

	db, err := sql.Open("multidb", `{"driver": "sqlmock", "primary": "engine/primary",
		"replicas": [{"dsn": "engine/replica", "name": "reports"}]}`)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx := multidb.WithEngine(context.Background(), "reports")
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM orders").Scan(&n); err != nil {
		log.Fatal(err)
	}
	_, err = db.ExecContext(ctx, "DELETE FROM orders")
	fmt.Println(n, errors.Is(err, multidb.ErrReadOnlyEngine))
	// Output: 3 true
}

func ExampleClassify() {
	for _, query := range []string{
		"SELECT * FROM orders WHERE item = 'FOR UPDATE'",
		"SELECT * FROM orders FOR UPDATE SKIP LOCKED",
		"WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
		"SELECT nextval('orders_id_seq')",
		"SET search_path TO audit",
	} {
		s := multidb.Classify(multidb.Postgres, query)
		fmt.Printf("%-11s %-6s %q\n", s.Kind, s.Verb, s.Reason)
	}
	// Output:
	// read        select ""
	// write       select "FOR UPDATE"
	// write       select "data-modifying CTE"
	// write       select "function nextval"
	// session     set    "SET"
}

func ExampleConfig_FormatDSN() {
	config := multidb.Config{
		Primary:  multidb.Engine{DSN: "postgres://app@writer/shop"},
		Replicas: []multidb.Engine{{DSN: "postgres://app@reader/shop", MaxOpen: 20}},
	}
	fmt.Println(config.FormatDSN())
	// Output: {"primary":"postgres://app@writer/shop","replicas":[{"dsn":"postgres://app@reader/shop","max_open":20}]}
}

// An engine may be a connector of the child driver, for what its DSN cannot say.
func ExampleNewConnector() {
	config, err := pgx.ParseConfig("postgres://app@writer/shop")
	if err != nil {
		log.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol

	connector, err := multidb.NewConnector(multidb.Config{
		Primary:  multidb.Engine{Connector: stdlib.GetConnector(*config)},
		Replicas: []multidb.Engine{{DSN: "postgres://app@reader/shop"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	// Output:
}

// Raw reaches the child connection, here pgx's own COPY of 10,000 rows to the
// primary.
func ExampleConn_Raw() {
	ctx := context.Background()
	db, err := sql.Open("multidb", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	conn, err := db.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	row := func(i int) ([]any, error) { return []any{i, fmt.Sprintf("item %d", i)}, nil }
	err = conn.Raw(func(c any) error {
		return c.(*multidb.Conn).Raw(ctx, func(child any) error {
			pgxConn := child.(*stdlib.Conn).Conn()
			_, err := pgxConn.CopyFrom(ctx, pgx.Identifier{"orders"}, []string{"id", "item"}, pgx.CopyFromSlice(10_000, row))
			return err
		})
	})
	if err != nil {
		log.Fatal(err)
	}
}
