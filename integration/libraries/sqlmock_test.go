package libraries

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/multidb-go/multidb"
)

// mocked is a child connector whose server is a mock.
type mocked struct {
	sqlmock.Sqlmock
	db  *sql.DB // the mock's own, which keeps it open
	dsn string
}

func (m *mocked) Connect(context.Context) (driver.Conn, error) { return m.Driver().Open(m.dsn) }
func (m *mocked) Driver() driver.Driver                        { return m.db.Driver() }

func newMock(t *testing.T, name string) *mocked {
	t.Helper()
	m := &mocked{dsn: t.Name() + "/" + name}
	var err error
	m.db, m.Sqlmock, err = sqlmock.NewWithDSN(m.dsn)
	must(t, err)
	t.Cleanup(func() {
		if err := m.ExpectationsWereMet(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		m.ExpectClose()
		m.db.Close()
	})
	return m
}

// mocks are the engines of a database, for code that is tested engine by engine.
func openMocks(t *testing.T, driverName, readOnly string) (db *sql.DB, primary, replica, audit *mocked) {
	t.Helper()
	primary, replica, audit = newMock(t, "primary"), newMock(t, "replica"), newMock(t, "audit")
	connector, err := multidb.NewConnector(multidb.Config{
		Primary:   multidb.Engine{Driver: driverName, Connector: primary},
		Replicas:  []multidb.Engine{{Driver: driverName, Connector: replica, ReadOnly: readOnly}},
		Databases: map[string]multidb.Database{"audit": {Primary: multidb.Engine{Driver: driverName, Connector: audit}}},
		Rules:     []multidb.Rule{{Tables: []string{"event_log"}, Use: "audit"}},
	})
	must(t, err)
	db = sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db, primary, replica, audit
}

// What a mock of a replica sees first depends on whose SQL it is told to speak.
func TestSqlmockEngineByEngine(t *testing.T) {
	for _, c := range []struct{ driver, guard string }{
		{"sqlmock", ""},
		{"pgx", "SET default_transaction_read_only = on"},
		{"mysql", "SET SESSION TRANSACTION READ ONLY"},
		{"sqlite", "PRAGMA query_only = 1"},
	} {
		for _, readOnly := range []string{"enforce", "trust"} {
			t.Run(c.driver+" "+readOnly, func(t *testing.T) {
				db, primary, replica, audit := openMocks(t, c.driver, readOnly)
				if readOnly == "enforce" && c.guard != "" {
					replica.ExpectExec(regexp.QuoteMeta(c.guard)).WillReturnResult(sqlmock.NewResult(0, 0))
				}
				replica.ExpectQuery("SELECT item").WillReturnRows(sqlmock.NewRows([]string{"item"}).AddRow("tea").AddRow("milk"))
				primary.ExpectBegin()
				primary.ExpectExec("UPDATE orders").WithArgs("salt", 7).WillReturnResult(sqlmock.NewResult(0, 1))
				primary.ExpectQuery("SELECT item").WillReturnRows(sqlmock.NewRows([]string{"item"}).AddRow("salt"))
				primary.ExpectCommit()
				audit.ExpectPrepare("INSERT INTO event_log").ExpectExec().WithArgs("shipped").WillReturnResult(sqlmock.NewResult(1, 1))

				ctx := t.Context()
				items := func(q interface {
					QueryContext(context.Context, string, ...any) (*sql.Rows, error)
				}) string {
					rows, err := q.QueryContext(ctx, "SELECT item FROM orders ORDER BY item")
					must(t, err)
					defer rows.Close()
					var all []string
					for rows.Next() {
						var item string
						must(t, rows.Scan(&item))
						all = append(all, item)
					}
					must(t, rows.Err())
					return strings.Join(all, ", ")
				}
				equal(t, "what the replica gives", items(db), "tea, milk")
				must(t, multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, "UPDATE orders SET item = ? WHERE id = ?", "salt", 7)
					must(t, err)
					equal(t, "what the transaction gives", items(tx), "salt")
					return nil
				}))
				stmt, err := db.PrepareContext(ctx, "INSERT INTO event_log VALUES (?)")
				must(t, err)
				defer stmt.Close()
				_, err = stmt.ExecContext(ctx, "shipped")
				must(t, err)
			})
		}
	}
}

// An error that a mock is told to return reaches the code under test as it is;
// and so does the mock's own complaint about what it did not expect.
func TestSqlmockErrors(t *testing.T) {
	db, primary, replica, _ := openMocks(t, "pgx", "trust")
	refused := &pgconn.PgError{Code: "40001", Message: "could not serialize access"}
	primary.ExpectBegin()
	primary.ExpectExec("UPDATE").WillReturnError(refused)
	primary.ExpectRollback()
	err := multidb.RunInTx(t.Context(), db, nil, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE orders SET item = 'tea'")
		return err
	})
	if err != refused {
		t.Errorf("the error is %v, not the one that the mock was given", err)
	}

	primary.ExpectBegin()
	primary.ExpectCommit().WillReturnError(refused)
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	if err := tx.Commit(); err != refused {
		t.Errorf("Commit returns %v, not what the mock was given", err)
	}

	broken := errors.New("row 2 is broken")
	replica.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"n"}).AddRow(1).AddRow(2).RowError(1, broken))
	rows, err := db.QueryContext(t.Context(), "SELECT n FROM numbers")
	must(t, err)
	defer rows.Close()
	for rows.Next() {
	}
	if rows.Err() != broken {
		t.Errorf("the rows end with %v", rows.Err())
	}

	_, err = db.ExecContext(t.Context(), "DELETE FROM orders")
	if want := "was not expected"; err == nil || !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("a statement that the mock does not expect: %v", err)
	}
}
