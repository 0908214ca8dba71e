// Package shop is what sqlc would make of one query, for the line about sqlc in
// the README.
package shop

import (
	"context"
	"database/sql"
)

// DBTX is a *sql.DB or a *sql.Tx.
type DBTX interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Queries has a method for each query.
type Queries struct{ db DBTX }

// New returns the queries of a database.
func New(db DBTX) *Queries { return &Queries{db: db} }

// CountOrders counts the orders.
func (q *Queries) CountOrders(ctx context.Context) (n int64, err error) {
	err = q.db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&n)
	return n, err
}
