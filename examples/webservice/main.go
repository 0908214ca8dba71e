// Webservice is an HTTP service on a PostgreSQL primary with a replica.
//
//	go -C examples run ./webservice
//
// starts both servers (Linux, with PostgreSQL installed; none of it needs to
// run), sends the service some requests, and shows where their statements ran.
// With servers of your own, it listens until it is interrupted, and makes its
// table "orders" if there is none:
//
//	go -C examples run ./webservice -listen localhost:8080 -dsn '{"primary": "postgres://...", "replicas": ["postgres://..."]}'
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"strings"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/examples/internal/demo"
	"github.com/multidb-go/multidb/internal/testdb"
)

func main() {
	listen := flag.String("listen", "localhost:8080", "where to listen, with -dsn")
	dsn := flag.String("dsn", "", "what to open; without it, servers are started for a demonstration")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	run := func() error { return serve(ctx, *dsn, *listen) }
	if *dsn == "" {
		run = func() error { return demonstrate(ctx, os.Stdout) }
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// serve is what a service of your own would have in its main.
func serve(ctx context.Context, dsn, listen string) error {
	db, err := sql.Open("multidb", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, createOrders); err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: (&service{db}).handler()}
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	log.Printf("listening on http://%s/orders", listen)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// demonstrate plays a client of the service, on servers of its own.
func demonstrate(ctx context.Context, out io.Writer) error {
	cluster, err := testdb.StartPostgres(ctx, testdb.PostgresOptions{Standbys: 1})
	if err != nil {
		return err
	}
	defer cluster.Stop()
	const database = "shop"
	if err := cluster.CreateDatabase(ctx, database); err != nil {
		return err
	}
	routes := &demo.Routes{Out: out}
	connector, err := multidb.NewConnector(multidb.Config{
		Primary:  multidb.Engine{DSN: cluster.Primary().DSN(database)},
		Replicas: []multidb.Engine{{DSN: cluster.Standbys()[0].DSN(database)}},
		Logger:   slog.New(routes),
	})
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	routes.Step("The service begins")
	if _, err := db.ExecContext(ctx, createOrders); err != nil {
		return err
	}
	if err := cluster.WaitReplay(ctx); err != nil { // a demonstration wants the same lines each time
		return err
	}
	server := httptest.NewServer((&service{db}).handler())
	defer server.Close()
	client := client{server: server, routes: routes}
	for _, r := range []request{
		{method: "POST", path: "/orders", form: url.Values{"item": {"tea"}}},
		{method: "GET", path: "/orders/1", fresh: true},
		{method: "POST", path: "/orders/1/payment"},
		{method: "GET", path: "/orders"},
		{method: "GET", path: "/orders/7"},
	} {
		if err := cluster.WaitReplay(ctx); err != nil {
			return err
		}
		if err := client.send(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

type request struct {
	method, path string
	form         url.Values
	fresh        bool // what is not up to date will not do
}

type client struct {
	server *httptest.Server
	routes *demo.Routes
}

// send makes a request and prints it with the answer. In between, the log has
// printed the routes.
func (c client) send(ctx context.Context, r request) error {
	req, err := http.NewRequestWithContext(ctx, r.method, c.server.URL+r.path, strings.NewReader(r.form.Encode()))
	if err != nil {
		return err
	}
	title := r.method + " " + r.path
	if r.fresh {
		req.Header.Set("Cache-Control", "no-cache")
		title += " (Cache-Control: no-cache)"
	}
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		title += " " + r.form.Encode()
	}
	c.routes.Step(title)
	resp, err := c.server.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	c.routes.Note("%d %s", resp.StatusCode, strings.TrimSpace(string(body)))
	return nil
}
