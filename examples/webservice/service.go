package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/multidb-go/multidb"
)

// service takes orders over HTTP. It has one *sql.DB and does not know how many
// servers are behind it, but for one line: see get.
type service struct{ db *sql.DB }

type order struct {
	ID   int64  `json:"id"`
	Item string `json:"item"`
	Paid bool   `json:"paid"`
}

const createOrders = `CREATE TABLE IF NOT EXISTS orders (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL, paid boolean NOT NULL DEFAULT false)`

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", answer(s.create))
	mux.HandleFunc("POST /orders/{id}/payment", answer(s.pay))
	mux.HandleFunc("GET /orders/{id}", answer(s.get))
	mux.HandleFunc("GET /orders", answer(s.list))
	return mux
}

// create asks for the new row's id, so it is a query; it goes to the primary, as
// it is no read.
func (s *service) create(ctx context.Context, r *http.Request) (any, error) {
	o := order{Item: r.FormValue("item")}
	err := s.db.QueryRowContext(ctx, `INSERT INTO orders (item) VALUES ($1) RETURNING id`, o.Item).Scan(&o.ID)
	return o, err
}

// pay is a transaction: its reads see what it writes, and its lock holds.
func (s *service) pay(ctx context.Context, r *http.Request) (any, error) {
	var o order
	err := multidb.RunInTx(ctx, s.db, nil, func(ctx context.Context, tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, `SELECT id, item, paid FROM orders WHERE id = $1 FOR UPDATE`, r.PathValue("id"))
		if err := row.Scan(&o.ID, &o.Item, &o.Paid); err != nil || o.Paid {
			return err
		}
		o.Paid = true
		_, err := tx.ExecContext(ctx, `UPDATE orders SET paid = true WHERE id = $1`, o.ID)
		return err
	})
	return o, err
}

// get reads from a replica, which may lag behind a little. A client that has just
// changed the order says so as HTTP has it, and is answered by the primary.
func (s *service) get(ctx context.Context, r *http.Request) (any, error) {
	if r.Header.Get("Cache-Control") == "no-cache" {
		ctx = multidb.WithEngine(ctx, multidb.Primary)
	}
	var o order
	row := s.db.QueryRowContext(ctx, `SELECT id, item, paid FROM orders WHERE id = $1`, r.PathValue("id"))
	return &o, row.Scan(&o.ID, &o.Item, &o.Paid)
}

func (s *service) list(ctx context.Context, _ *http.Request) (any, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, item, paid FROM orders ORDER BY id DESC LIMIT 100`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	orders := []order{}
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.ID, &o.Item, &o.Paid); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, rows.Err()
}

// patience is how long a request may take. The context with it bounds every wait
// of multidb, too.
const patience = 5 * time.Second

// answer makes an http.HandlerFunc of a function that gives a value or an error.
func answer(f func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		value, err := f(ctx, r)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			http.Error(w, "no such order", http.StatusNotFound)
		case errors.Is(err, multidb.ErrUnknownOutcome):
			http.Error(w, "it may have been done or not: look before you repeat it", http.StatusBadGateway)
		case err != nil:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(value)
		}
	}
}
