package multidb

import (
	"errors"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// What servers say, across drivers that are not imported here.

// sqlState returns the SQLSTATE of a PostgreSQL error, or "".
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// saying is what the server itself said, without what the driver says around it.
func saying(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message
	}
	return err.Error()
}

// errorNumber returns the number that MySQL's or SQLite's driver gives an error,
// or 0: a method Code, or a field of the usual name. Any type may come along here,
// and one that panics when it is asked has no number.
func errorNumber(err error) (number int) {
	defer func() {
		if recover() != nil {
			number = 0
		}
	}()
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.ValueOf(err)
		if m := v.MethodByName("Code"); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 1 {
			if n, ok := integer(m.Call(nil)[0]); ok {
				return n
			}
		}
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			continue
		}
		for _, name := range []string{"Number", "Code"} {
			if n, ok := integer(v.FieldByName(name)); ok {
				return n
			}
		}
	}
	return 0
}

func integer(v reflect.Value) (int, bool) {
	switch {
	case !v.IsValid():
		return 0, false
	case v.CanInt():
		return int(v.Int()), true
	case v.CanUint():
		return int(v.Uint()), true
	}
	return 0, false
}

// isInvalidConn reports that go-sql-driver/mysql lost its connection, at the dial
// too. It does not say how, but in its log.
func isInvalidConn(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == "invalid connection" {
			return true
		}
	}
	return false
}

// protocolViolation is the state of all that PgBouncer says in its own name; only
// the text tells what it is. PostgreSQL says it of statements whose arguments do
// not fit.
const protocolViolation = "08P01"

const (
	sqliteReadOnly       = 8    // SQLITE_READONLY; extended codes have it in their low byte
	mysqlOption          = 1290 // ER_OPTION_PREVENTS_STATEMENT: --read-only, and other options
	mysqlReadOnlyTx      = 1792 // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
	mysqlReadOnly        = 1836 // ER_READ_ONLY_MODE
	mysqlDatabaseDenied  = 1044 // ER_DBACCESS_DENIED_ERROR
	mysqlAccessDenied    = 1045 // ER_ACCESS_DENIED_ERROR
	mysqlUnknownDatabase = 1049 // ER_BAD_DB_ERROR
	mysqlShutdown        = 1053 // ER_SERVER_SHUTDOWN
	mysqlKilled          = 1927 // ER_CONNECTION_KILLED (MariaDB)
	mysqlConnections     = 1040 // ER_CON_COUNT_ERROR
	mysqlUserConnections = 1203 // ER_TOO_MANY_USER_CONNECTIONS
	mysqlUserLimit       = 1226 // ER_USER_LIMIT_REACHED: of connections or statements
)

// isReadOnlyRefusal reports that the server does not write here. It says so
// before it does anything of the statement, or undoes it.
func isReadOnlyRefusal(d Dialect, err error) bool {
	switch d {
	case SQLite:
		return errorNumber(err)&0xff == sqliteReadOnly
	case MySQL:
		switch errorNumber(err) {
		case mysqlReadOnlyTx, mysqlReadOnly:
			return true
		case mysqlOption:
			return strings.Contains(err.Error(), "read-only") || strings.Contains(err.Error(), "read_only")
		}
	}
	return sqlState(err) == "25006"
}

// isLeaving reports that the server ended, or refused, the connection for
// reasons that have nothing to do with the statement: it shuts down or starts.
func isLeaving(err error) bool {
	switch state := sqlState(err); state {
	case "57P01", "57P02", "57P03":
		return true
	case protocolViolation:
		return strings.Contains(saying(err), "server") // PgBouncer: the one behind it is away
	default:
		if strings.HasPrefix(state, "08") {
			return true
		}
	}
	switch errorNumber(err) {
	case mysqlShutdown, mysqlKilled:
		return true
	}
	return false
}

// isRefusal reports that the server has no such database, or lets this user in to
// none: what it will say next time, too, until somebody changes that.
func isRefusal(err error) bool {
	switch errorNumber(err) {
	case mysqlDatabaseDenied, mysqlAccessDenied, mysqlUnknownDatabase:
		return true
	}
	state := sqlState(err)
	return state == "3D000" || strings.HasPrefix(state, "28")
}

// isFull reports that the server has no room for another connection, or for
// another statement of this user.
func isFull(err error) bool {
	switch errorNumber(err) {
	case mysqlConnections, mysqlUserConnections, mysqlUserLimit:
		return true
	}
	switch sqlState(err) {
	case "53300":
		return true
	case protocolViolation:
		return strings.Contains(saying(err), "no more connections") // PgBouncer: max_client_conn
	}
	return false
}

// isRecoveryConflict reports that a standby of PostgreSQL cancelled a query that
// was in the way of what it has to replay. Outside of a transaction a read has
// no other reason for these.
func isRecoveryConflict(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01":
		return true
	}
	return false
}
