package libraries

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/multidb-go/multidb"
)

// What a program has set on its child driver holds behind multidb. pgx's query
// modes are compared value by value in the integration module.

// connectors makes a pgx connector for each engine, from a configuration that
// change has changed.
func (e endpoints) connectors(t *testing.T, change func(*pgx.ConnConfig), options ...stdlib.OptionOpenDB) multidb.Config {
	t.Helper()
	connector := func(dsn string) multidb.Engine {
		config, err := pgx.ParseConfig(dsn)
		must(t, err)
		if change != nil {
			change(config)
		}
		return multidb.Engine{Connector: stdlib.GetConnector(*config, options...)}
	}
	c := multidb.Config{Primary: connector(e.primary)}
	for _, dsn := range e.replicas {
		c.Replicas = append(c.Replicas, connector(dsn))
	}
	return c
}

func openConfig(t *testing.T, c multidb.Config) *sql.DB {
	t.Helper()
	connector, err := multidb.NewConnector(c)
	must(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// asked is what a statement answers on both roles.
func asked(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var answers [2]string
	for i, role := range []string{multidb.Primary, multidb.Replica} {
		must(t, db.QueryRowContext(multidb.WithEngine(t.Context(), role), query, args...).Scan(&answers[i]))
	}
	if answers[0] != answers[1] {
		t.Errorf("%s is %s on the primary and %s on a replica", query, answers[0], answers[1])
	}
	return answers[1]
}

// What the server keeps prepared after statements with arguments is what each
// mode of pgx leaves there: nothing in those for PgBouncer.
func TestPgxQueryModesReachTheServer(t *testing.T) {
	e := postgres.start(t)
	for mode, kept := range map[pgx.QueryExecMode]string{
		pgx.QueryExecModeCacheStatement: "1",
		pgx.QueryExecModeCacheDescribe:  "0",
		pgx.QueryExecModeDescribeExec:   "0",
		pgx.QueryExecModeExec:           "0",
		pgx.QueryExecModeSimpleProtocol: "0",
	} {
		t.Run(mode.String(), func(t *testing.T) {
			db := openConfig(t, e.connectors(t, func(c *pgx.ConnConfig) {
				c.DefaultQueryExecMode = mode
				c.StatementCacheCapacity = 4
			}))
			for _, role := range []string{multidb.Primary, multidb.Replica} {
				conn, err := db.Conn(t.Context())
				must(t, err)
				defer conn.Close()
				ctx := multidb.WithEngine(t.Context(), role)
				var n string
				for i := range 3 {
					must(t, conn.QueryRowContext(ctx, "SELECT $1::int + 1", i).Scan(new(int)))
				}
				must(t, conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::int + 1'").Scan(&n))
				equal(t, "the number of prepared statements on the "+role, n, kept)
			}
		})
	}
}

func TestPgxConnectorsKeepTheirSettings(t *testing.T) {
	e := postgres.start(t)
	var before, after, reset atomic.Int64
	db := openConfig(t, e.connectors(t,
		func(c *pgx.ConnConfig) { c.RuntimeParams["application_name"] = "shop" },
		stdlib.OptionBeforeConnect(func(context.Context, *pgx.ConnConfig) error { before.Add(1); return nil }),
		stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			after.Add(1)
			_, err := conn.Exec(ctx, "SET statement_timeout = '77s'")
			return err
		}),
		stdlib.OptionResetSession(func(context.Context, *pgx.Conn) error { reset.Add(1); return nil }),
	))
	for range 3 {
		equal(t, "application_name", asked(t, db, "SELECT current_setting('application_name')"), "shop")
		equal(t, "what AfterConnect has set", asked(t, db, "SELECT current_setting('statement_timeout')"), "77s")
	}
	if n := int64(2); before.Load() < n || after.Load() < n || reset.Load() < n {
		t.Errorf("hooks ran %d, %d and %d times; there are %d engines at least", before.Load(), after.Load(), reset.Load(), n)
	}
}

// A name that RegisterConnConfig gives is a DSN of an engine, and of multidb.
func TestPgxRegisteredNames(t *testing.T) {
	e := postgres.start(t)
	register := func(dsn, name string) string {
		config, err := pgx.ParseConfig(dsn)
		must(t, err)
		config.RuntimeParams["application_name"] = name
		registered := stdlib.RegisterConnConfig(config)
		t.Cleanup(func() { stdlib.UnregisterConnConfig(registered) })
		return registered
	}
	plain, err := sql.Open("multidb", register(e.primary, "alone"))
	must(t, err)
	defer plain.Close()
	equal(t, "application_name", asked(t, plain, "SELECT current_setting('application_name')"), "alone")

	split, err := sql.Open("multidb", fmt.Sprintf(`{"primary": %q, "replicas": [%q]}`, register(e.primary, "both"), register(e.replicas[0], "both")))
	must(t, err)
	defer split.Close()
	equal(t, "application_name", asked(t, split, "SELECT current_setting('application_name')"), "both")
	equal(t, "what keeps writes away from replicas", func() (on string) {
		must(t, split.QueryRow("SHOW default_transaction_read_only").Scan(&on))
		return on
	}(), "on")
}

// A TLS configuration, in a name of go-sql-driver/mysql and in pgx's own value,
// is what the server is met with: each checks the certificate with a function
// that the test can see.
func TestTLSConfigurations(t *testing.T) {
	certificate := selfSigned(t)
	seen := errors.New("the certificate was seen")
	config := &tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return seen }}

	t.Run("pgx", func(t *testing.T) {
		address := serveTLS(t, certificate, func(conn net.Conn) error {
			if _, err := io.CopyN(io.Discard, conn, 8); err != nil { // SSLRequest
				return err
			}
			_, err := conn.Write([]byte("S"))
			return err
		})
		e := endpoints{primary: "postgres://app@" + address + "/shop?sslmode=require", replicas: []string{"postgres://app@" + address + "/shop?sslmode=require"}}
		db := openConfig(t, e.connectors(t, func(c *pgx.ConnConfig) { c.TLSConfig = config }))
		for _, role := range []string{multidb.Primary, multidb.Replica} {
			if err := db.PingContext(multidb.WithEngine(t.Context(), role)); !errors.Is(err, seen) {
				t.Errorf("%s: %v", role, err)
			}
		}
	})
	t.Run("mysql", func(t *testing.T) {
		must(t, mysql.RegisterTLSConfig("shop", config))
		defer mysql.DeregisterTLSConfig("shop")
		address := serveTLS(t, certificate, greetMySQL)
		dsn := "app@tcp(" + address + ")/shop?tls=shop"
		db := openConfig(t, multidb.Config{Driver: "mysql", Primary: multidb.Engine{DSN: dsn}, Replicas: []multidb.Engine{{DSN: dsn}}})
		for _, role := range []string{multidb.Primary, multidb.Replica} {
			if err := db.PingContext(multidb.WithEngine(t.Context(), role)); !errors.Is(err, seen) {
				t.Errorf("%s: %v", role, err)
			}
		}
	})
}

// serveTLS accepts connections, says what comes before TLS, and shakes hands.
func serveTLS(t *testing.T, certificate tls.Certificate, before func(net.Conn) error) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if before(conn) == nil {
				tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake()
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// greetMySQL sends a server's greeting, which offers TLS, and takes the request
// for it.
func greetMySQL(conn net.Conn) error {
	const capabilities = 1<<0 | 1<<3 | 1<<9 | 1<<11 | 1<<13 | 1<<15 | 1<<19 // with protocol 4.1, TLS, plugin authentication
	greeting := append([]byte{10}, "8.0.0\x00"...)
	greeting = append(greeting, 1, 0, 0, 0)
	greeting = append(greeting, "12345678\x00"...)
	greeting = binary.LittleEndian.AppendUint16(greeting, capabilities&0xffff)
	greeting = append(greeting, 45, 2, 0)
	greeting = binary.LittleEndian.AppendUint16(greeting, capabilities>>16)
	greeting = append(greeting, 21)
	greeting = append(greeting, make([]byte, 10)...)
	greeting = append(greeting, "123456789012\x00mysql_native_password\x00"...)
	header := []byte{byte(len(greeting)), 0, 0, 0}
	if _, err := conn.Write(append(header, greeting...)); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, conn, 4+32)
	return err
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// otelsql as the child connector of each engine tells the engines apart.
func TestOtelsqlAsChild(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		e := s.start(t)
		spans := tracetest.NewSpanRecorder()
		traced := func(name, dsn string) multidb.Engine {
			plain, err := sql.Open(s.driver, dsn)
			must(t, err)
			defer plain.Close()
			return multidb.Engine{Driver: s.driver, Connector: &tracedConnector{dsn, otelsql.WrapDriver(plain.Driver(),
				otelsql.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))),
				otelsql.WithAttributes(attribute.String("engine", name)))}}
		}
		db := openConfig(t, multidb.Config{Primary: traced("primary", e.primary), Replicas: []multidb.Engine{traced("replica", e.replicas[0])}})
		mustExec(t, db, createCustomers)
		must(t, e.catchUp(t.Context()))
		var n int
		must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM customers").Scan(&n))
		where := make(map[string]string)
		for _, span := range spans.Ended() {
			var engine, statement string
			for _, a := range span.Attributes() {
				switch a.Key {
				case "engine":
					engine = a.Value.AsString()
				case "db.statement", "db.query.text":
					statement = a.Value.AsString()
				}
			}
			if statement != "" {
				where[statement] += engine + " "
			}
		}
		equal(t, "the engine of the read", firstWord(where["SELECT COUNT(*) FROM customers"]), "replica")
		equal(t, "the engine of the write", firstWord(where[createCustomers]), "primary")

		// The errors and the values are the child's.
		_, err := db.ExecContext(t.Context(), "INSERT INTO customers (id, name) SELECT 1, NULL")
		if code(err) == "" {
			t.Errorf("the error of a NULL is %T %v", err, err)
		}
	}, postgres, mariadb, modernc, ncruces)
}

func firstWord(text string) (word string) {
	fmt.Sscan(text, &word)
	return word
}

// tracedConnector is a DSN of a driver that otelsql has wrapped.
type tracedConnector struct {
	dsn    string
	driver driver.Driver
}

func (c *tracedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	d, ok := c.driver.(driver.DriverContext)
	if !ok {
		return c.driver.Open(c.dsn)
	}
	connector, err := d.OpenConnector(c.dsn)
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}

func (c *tracedConnector) Driver() driver.Driver { return c.driver }

// otelsql around multidb sees every statement once, and changes no route.
func TestOtelsqlAround(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		e := s.start(t)
		config := multidb.Config{Driver: s.driver, Primary: multidb.Engine{DSN: e.primary}}
		for _, dsn := range e.replicas {
			config.Replicas = append(config.Replicas, multidb.Engine{DSN: dsn})
		}
		connector, err := multidb.NewConnector(config)
		must(t, err)
		spans := tracetest.NewSpanRecorder()
		db := otelsql.OpenDB(connector, otelsql.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans))))
		defer db.Close()
		defer connector.Close()
		ctx := t.Context()
		mustExec(t, db, createCustomers)
		must(t, multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO customers (id, name) VALUES (1, 'Ada')")
			return err
		}))
		must(t, e.catchUp(ctx))
		for range 10 {
			var name string
			must(t, db.QueryRowContext(ctx, "SELECT name FROM customers WHERE id = 1").Scan(&name))
			equal(t, "the name", name, "Ada")
		}
		stmt, err := db.PrepareContext(ctx, s.whereAmI)
		must(t, err)
		defer stmt.Close()
		var at int
		must(t, stmt.QueryRowContext(ctx).Scan(&at))
		equal(t, "where a prepared read ran", at, 1)
		must(t, db.QueryRowContext(multidb.WithEngine(ctx, multidb.Primary), s.whereAmI).Scan(&at))
		equal(t, "where a read ran whose context says the primary", at, 0)
		if _, err := db.ExecContext(ctx, "INSERT INTO customers (id, name) VALUES (2, 'Ada')"); code(err) == "" {
			t.Errorf("the error of a unique violation is %T %v", err, err)
		}
		replicas := uint64(0)
		for _, engine := range connector.Stats().Engines {
			if engine.Role == multidb.Replica {
				replicas += engine.Routed["read"]
			}
		}
		equal(t, "the number of reads on replicas", replicas, 11)
	}, postgres, mariadb, modernc, ncruces)
}
