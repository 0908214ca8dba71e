package multidb

import (
	"database/sql/driver"
	"reflect"
)

// A wrapper, such as one that traces, stands between multidb and the child
// driver, and all calls go through it. But what is known of a driver by its type
// holds for what is inside: whether it may call a lost write safe to repeat, or
// says if rows are open. So wrappers are looked through for knowing, once for each
// connection.
//
// They show what is inside by a method, XSAM/otelsql's Raw or DataDog's
// WrappedConn, or in the field that they embed, as Elastic's apmsql and uptrace's
// otelsql do. Those that hide it (New Relic's, ngrok/sqlmw, ocsql) are taken for
// drivers of their own.

// maxWrappers is how many around each other are looked through: one that calls
// itself its inside must not be looked at for ever.
const maxWrappers = 8

// innermost returns the child driver's own connection, which is conn itself if no
// wrapper is around it.
func innermost(conn driver.Conn) driver.Conn {
	for range maxWrappers {
		inner := insideConn(conn)
		if inner == nil {
			break
		}
		conn = inner
	}
	return conn
}

func insideConn(conn driver.Conn) driver.Conn {
	switch w := conn.(type) {
	case interface{ Raw() driver.Conn }:
		return w.Raw()
	case interface{ WrappedConn() driver.Conn }:
		return w.WrappedConn()
	}
	return embedded[driver.Conn](conn, "Conn")
}

// innermostDriver returns the driver of the innermost connector.
func innermostDriver(c driver.Connector) driver.Driver {
	for range maxWrappers {
		inner := embedded[driver.Connector](c, "Connector")
		if inner == nil {
			break
		}
		c = inner
	}
	return c.Driver()
}

// embedded returns the field of an interface's type, T, that v or what v points
// at has by that name, or nil.
func embedded[T any](v any, name string) (inner T) {
	s := reflect.ValueOf(v)
	if s.Kind() == reflect.Pointer {
		s = s.Elem()
	}
	if s.Kind() != reflect.Struct {
		return inner
	}
	field, ok := s.Type().FieldByName(name)
	if !ok || field.Type != reflect.TypeFor[T]() {
		return inner
	}
	if f, err := s.FieldByIndexErr(field.Index); err == nil {
		inner, _ = f.Interface().(T)
	}
	return inner
}
