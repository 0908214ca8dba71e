package libraries

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"testing"

	"github.com/multidb-go/multidb"
)

// Code in the style of what sqlc generates: first its tests, then the code.

func TestSqlc(t *testing.T) {
	on(t, testSqlc, postgres, mariadb, modernc, ncruces)
}

func testSqlc(t *testing.T, s server) {
	f := s.open(t)
	ctx := t.Context()
	f.exec(createCustomers)
	plain := New(f.DB, s)
	prepared, err := Prepare(ctx, f.DB, s)
	must(t, err)
	defer prepared.Close()
	for name, queries := range map[string]*Queries{"plain": plain, "prepared": prepared} {
		t.Run(name, func(t *testing.T) {
			f.writes(func() {
				created, err := queries.CreateCustomer(ctx, CreateCustomerParams{ID: 1, Name: "Ada"})
				must(t, err)
				equal(t, "what was created", created, Customer{ID: 1, Name: "Ada"})
				_, err = queries.CreateCustomer(ctx, CreateCustomerParams{2, "Bob", sql.NullString{String: "bob@example.org", Valid: true}})
				must(t, err)
				changed, err := queries.RenameCustomer(ctx, RenameCustomerParams{"Cy", 2})
				must(t, err)
				equal(t, "the number of changed rows", changed, 1)
			})
			f.reads(func() {
				for range 4 {
					customer, err := queries.GetCustomer(ctx, 2)
					must(t, err)
					equal(t, "the customer", customer, Customer{2, "Cy", sql.NullString{String: "bob@example.org", Valid: true}})
					all, err := queries.ListCustomers(ctx)
					must(t, err)
					equal(t, "the number of customers", len(all), 2)
				}
				ranked, err := queries.RankCustomers(ctx)
				must(t, err)
				equal(t, "the ranking", ranked, []RankCustomersRow{{"Cy", 1}, {"Ada", 2}})
				if _, err := queries.GetCustomer(ctx, 99); !errors.Is(err, sql.ErrNoRows) {
					t.Errorf("a customer that is not there: %v", err)
				}
				at, err := queries.WhereAmI(ctx)
				f.isOn(multidb.Replica, at, err)
			})
			f.writes(func() {
				tx, err := f.BeginTx(ctx, nil)
				must(t, err)
				defer tx.Rollback()
				inTx := queries.WithTx(tx)
				must(t, inTx.DeleteCustomer(ctx, 1))
				left, err := inTx.ListCustomers(ctx)
				must(t, err)
				equal(t, "the number of customers in the transaction", len(left), 1)
				at, err := inTx.WhereAmI(ctx)
				f.isOn(multidb.Primary, at, err)
				must(t, tx.Commit())
				must(t, queries.DeleteCustomer(ctx, 2))
			})
			equal(t, "the number of rows that are left", f.count("SELECT COUNT(*) FROM customers"), 0)
		})
	}
}

// db.go

type DBTX interface {
	ExecContext(context.Context, string, ...interface{}) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...interface{}) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...interface{}) *sql.Row
}

func New(db DBTX, s server) *Queries { return &Queries{db: db, server: s} }

func Prepare(ctx context.Context, db DBTX, s server) (*Queries, error) {
	q := &Queries{db: db, server: s, stmts: make(map[string]*sql.Stmt)}
	for _, query := range []string{createCustomer, deleteCustomer, getCustomer, listCustomers, rankCustomers, renameCustomer, s.whereAmI} {
		stmt, err := db.PrepareContext(ctx, s.placeholders(query))
		if err != nil {
			return nil, err
		}
		q.stmts[query] = stmt
	}
	return q, nil
}

type Queries struct {
	db     DBTX
	tx     *sql.Tx
	stmts  map[string]*sql.Stmt // sqlc has a field for each
	server server
}

func (q *Queries) Close() (err error) {
	for _, stmt := range q.stmts {
		err = errors.Join(err, stmt.Close())
	}
	return err
}

func (q *Queries) WithTx(tx *sql.Tx) *Queries {
	return &Queries{db: tx, tx: tx, stmts: q.stmts, server: q.server}
}

func (q *Queries) exec(ctx context.Context, query string, args ...interface{}) (sql.Result, error) {
	switch stmt := q.stmts[query]; {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	case stmt != nil:
		return stmt.ExecContext(ctx, args...)
	default:
		return q.db.ExecContext(ctx, q.server.placeholders(query), args...)
	}
}

func (q *Queries) query(ctx context.Context, query string, args ...interface{}) (*sql.Rows, error) {
	switch stmt := q.stmts[query]; {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	case stmt != nil:
		return stmt.QueryContext(ctx, args...)
	default:
		return q.db.QueryContext(ctx, q.server.placeholders(query), args...)
	}
}

func (q *Queries) queryRow(ctx context.Context, query string, args ...interface{}) *sql.Row {
	switch stmt := q.stmts[query]; {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	case stmt != nil:
		return stmt.QueryRowContext(ctx, args...)
	default:
		return q.db.QueryRowContext(ctx, q.server.placeholders(query), args...)
	}
}

var dollar = regexp.MustCompile(`\$(\d)`)

// placeholders writes $1 as the server wants it; sqlc generates it so.
func (s server) placeholders(query string) string {
	if s.dollars() {
		return query
	}
	return dollar.ReplaceAllString(query, "?")
}

// query.sql.go

type Customer struct {
	ID    int32
	Name  string
	Email sql.NullString
}

const createCustomer = `-- name: CreateCustomer :one
INSERT INTO customers (id, name, email)
VALUES ($1, $2, $3)
RETURNING id, name, email
`

type CreateCustomerParams struct {
	ID    int32
	Name  string
	Email sql.NullString
}

func (q *Queries) CreateCustomer(ctx context.Context, arg CreateCustomerParams) (Customer, error) {
	row := q.queryRow(ctx, createCustomer, arg.ID, arg.Name, arg.Email)
	var i Customer
	err := row.Scan(&i.ID, &i.Name, &i.Email)
	return i, err
}

const deleteCustomer = `-- name: DeleteCustomer :exec
DELETE FROM customers
WHERE id = $1
`

func (q *Queries) DeleteCustomer(ctx context.Context, id int32) error {
	_, err := q.exec(ctx, deleteCustomer, id)
	return err
}

const getCustomer = `-- name: GetCustomer :one
SELECT id, name, email FROM customers
WHERE id = $1 LIMIT 1
`

func (q *Queries) GetCustomer(ctx context.Context, id int32) (Customer, error) {
	row := q.queryRow(ctx, getCustomer, id)
	var i Customer
	err := row.Scan(&i.ID, &i.Name, &i.Email)
	return i, err
}

const listCustomers = `-- name: ListCustomers :many
SELECT id, name, email FROM customers
ORDER BY name
`

func (q *Queries) ListCustomers(ctx context.Context) ([]Customer, error) {
	rows, err := q.query(ctx, listCustomers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []Customer
	for rows.Next() {
		var i Customer
		if err := rows.Scan(&i.ID, &i.Name, &i.Email); err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return items, nil
}

const rankCustomers = `-- name: RankCustomers :many
WITH named AS (
  SELECT id, name FROM customers WHERE name <> ''
)
SELECT name, ROW_NUMBER() OVER (ORDER BY name DESC) AS place
FROM named
ORDER BY place
`

type RankCustomersRow struct {
	Name  string
	Place int64
}

func (q *Queries) RankCustomers(ctx context.Context) ([]RankCustomersRow, error) {
	rows, err := q.query(ctx, rankCustomers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []RankCustomersRow
	for rows.Next() {
		var i RankCustomersRow
		if err := rows.Scan(&i.Name, &i.Place); err != nil {
			return nil, err
		}
		items = append(items, i)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return items, nil
}

const renameCustomer = `-- name: RenameCustomer :execrows
UPDATE customers
SET name = $1
WHERE id = $2
`

type RenameCustomerParams struct {
	Name string
	ID   int32
}

func (q *Queries) RenameCustomer(ctx context.Context, arg RenameCustomerParams) (int64, error) {
	result, err := q.exec(ctx, renameCustomer, arg.Name, arg.ID)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q *Queries) WhereAmI(ctx context.Context) (int, error) {
	row := q.queryRow(ctx, q.server.whereAmI)
	var role int
	err := row.Scan(&role)
	return role, err
}
