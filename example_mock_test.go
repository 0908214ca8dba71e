package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log"

	"github.com/DATA-DOG/go-sqlmock"

	"github.com/multidb-go/multidb"
)

// ship is code to be tested: it writes in a transaction, and reads.
func ship(ctx context.Context, db *sql.DB, order int) (left int, err error) {
	err = multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE orders SET shipped = true WHERE id = $1", order)
		return err
	})
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM orders WHERE NOT shipped").Scan(&left)
	return left, err
}

// Test code on multidb with an [sqlmock] for each engine: each is told what must
// reach it, and says what did not. Here the SQL is read as any server would; see
// the other example for a server's own.
//
// [sqlmock]: https://pkg.go.dev/github.com/DATA-DOG/go-sqlmock
func Example_mockedEngines() {
	_, primary, err := sqlmock.NewWithDSN("shop/primary")
	if err != nil {
		log.Fatal(err)
	}
	_, replica, err := sqlmock.NewWithDSN("shop/replica")
	if err != nil {
		log.Fatal(err)
	}
	primary.ExpectBegin()
	primary.ExpectExec("UPDATE orders").WithArgs(7).WillReturnResult(sqlmock.NewResult(0, 1))
	primary.ExpectCommit()
	replica.ExpectQuery("SELECT count").WillReturnRows(sqlmock.NewRows([]string{"count"}).AddRow(3))

	db, err := sql.Open("multidb", `{"driver": "sqlmock", "primary": "shop/primary", "replicas": ["shop/replica"]}`)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	fmt.Println(ship(context.Background(), db, 7))
	fmt.Println("primary:", primary.ExpectationsWereMet())
	fmt.Println("replica:", replica.ExpectationsWereMet())
	// Output:
	// 3 <nil>
	// primary: <nil>
	// replica: <nil>
}

// mockConnector makes a [driver.Connector] of a mock.
type mockConnector struct {
	db  *sql.DB // the mock's own
	dsn string
}

func (c *mockConnector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(c.dsn) }
func (c *mockConnector) Driver() driver.Driver                        { return c.db.Driver() }

// With Driver "pgx" beside the connector of a mock, the SQL is read as
// PostgreSQL does. Connections of a replica are then made read-only by a first
// statement, which the mock would have to expect; ReadOnly "trust" does without.
func Example_mockedPostgres() {
	mocked := func(dsn string) (*mockConnector, sqlmock.Sqlmock) {
		db, mock, err := sqlmock.NewWithDSN(dsn)
		if err != nil {
			log.Fatal(err)
		}
		return &mockConnector{db, dsn}, mock
	}
	toPrimary, primary := mocked("postgres/primary")
	toReplica, replica := mocked("postgres/replica")
	primary.ExpectQuery("SELECT nextval").WillReturnRows(sqlmock.NewRows([]string{"nextval"}).AddRow(42))
	replica.ExpectQuery("SELECT date_trunc").WillReturnRows(sqlmock.NewRows([]string{"day"}).AddRow("Monday"))

	connector, err := multidb.NewConnector(multidb.Config{
		Primary:  multidb.Engine{Driver: "pgx", Connector: toPrimary},
		Replicas: []multidb.Engine{{Driver: "pgx", Connector: toReplica, ReadOnly: "trust"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	var id int
	var day string
	fmt.Println(db.QueryRow("SELECT nextval('orders_id_seq')").Scan(&id), id)
	fmt.Println(db.QueryRow("SELECT date_trunc('day', now())").Scan(&day), day)
	fmt.Println("primary:", primary.ExpectationsWereMet())
	fmt.Println("replica:", replica.ExpectationsWereMet())
	// Output:
	// <nil> 42
	// <nil> Monday
	// primary: <nil>
	// replica: <nil>
}
