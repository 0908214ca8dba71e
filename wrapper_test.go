package multidb

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
)

// The shapes of the wrappers that are in use.
type (
	rawWrapper      struct{ wrapperConn }    // XSAM/otelsql
	connWrapper     struct{ wrapperConn }    // DataDog
	embeddingConn   struct{ driver.Conn }    // simukti/sqldb-logger
	embeddingDeeply struct{ *embeddingConn } // Elastic
	hidingConn      struct{ wrapperConn }    // New Relic
	selfWrapper     struct{ noConn }
)

type wrapperConn struct {
	noConn
	inner driver.Conn
}

func around(inner driver.Conn) wrapperConn { return wrapperConn{inner: inner} }

type noConn struct{}

func (noConn) Prepare(string) (driver.Stmt, error) { return nil, driver.ErrSkip }
func (noConn) Close() error                        { return nil }
func (noConn) Begin() (driver.Tx, error)           { return nil, driver.ErrSkip }

func (w rawWrapper) Raw() driver.Conn          { return w.inner }
func (w connWrapper) WrappedConn() driver.Conn { return w.inner }
func (w selfWrapper) Raw() driver.Conn         { return w }

func TestInnermost(t *testing.T) {
	pgx := new(stdlib.Conn)
	for _, test := range []struct {
		name string
		conn driver.Conn
		want driver.Conn
	}{
		{"no wrapper", pgx, pgx},
		{"Raw", rawWrapper{around(pgx)}, pgx},
		{"WrappedConn", &connWrapper{around(pgx)}, pgx},
		{"embedded", &embeddingConn{pgx}, pgx},
		{"embedded in what is embedded", embeddingDeeply{&embeddingConn{pgx}}, pgx},
		{"several", rawWrapper{around(&embeddingConn{connWrapper{around(pgx)}})}, pgx},
		{"hidden", hidingConn{around(pgx)}, hidingConn{around(pgx)}},
		{"around nothing", rawWrapper{}, rawWrapper{}},
		{"embedded in nothing", embeddingDeeply{}, embeddingDeeply{}},
		{"itself", selfWrapper{}, selfWrapper{}},
	} {
		if got := innermost(test.conn); got != test.want {
			t.Errorf("%s: %T, want %T", test.name, got, test.want)
		}
	}
}

// A wrapper that does not pass on IsValid hides nothing either.
func TestRecogniseBelowAWrapper(t *testing.T) {
	valid := validConn{pgx: new(stdlib.Conn)}
	for _, conn := range []driver.Conn{valid, rawWrapper{around(valid)}} {
		if ch := newChild(&engine{}, conn); ch.validator != valid {
			t.Errorf("%T: asks %T whether it is valid", conn, ch.validator)
		}
	}
	if ch := newChild(&engine{}, rawWrapper{around(valid.pgx)}); ch.pgx != valid.pgx || ch.queryerContext != nil {
		t.Error("pgx is not known below a wrapper, or is called past it")
	}
}

type validConn struct {
	noConn
	pgx *stdlib.Conn
}

func (validConn) IsValid() bool { return true }

type embeddingConnector struct{ driver.Connector }

func TestDialectBelowAWrapper(t *testing.T) {
	pgx := dsnConnector{driver: stdlib.GetDefaultDriver()}
	for _, c := range []driver.Connector{pgx, &embeddingConnector{pgx}, tracing{&embeddingConnector{pgx}}} {
		if got := dialectOf("", c); got != Postgres {
			t.Errorf("%T speaks %v", c, got)
		}
	}
	if got := dialectOf("mysql", &embeddingConnector{pgx}); got != MySQL {
		t.Errorf("the driver's name does not count: %v", got)
	}
	if got := dialectOf("", tracing{}); got != Generic {
		t.Errorf("a connector around nothing speaks %v", got)
	}
}

// tracing has a driver of its own, as otelsql.
type tracing struct{ driver.Connector }

func (tracing) Connect(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn }
func (tracing) Driver() driver.Driver                        { return plainDriver{} }
