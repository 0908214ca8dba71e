package multidb_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// The errors of drivers that are not imported, as their types are.

type numberedError struct { // go-sql-driver/mysql
	Number   uint16
	SQLState [5]byte
	Message  string
}

func (e *numberedError) Error() string { return fmt.Sprintf("Error %d: %s", e.Number, e.Message) }

type codeError struct { // modernc.org/sqlite
	msg  string
	code int
}

func (e *codeError) Error() string { return e.msg }
func (e *codeError) Code() int     { return e.code }

type smallCode uint8

type smallCodeError struct{ code int } // ncruces/go-sqlite3

func (e *smallCodeError) Error() string   { return "sqlite3: attempt to write a readonly database" }
func (e *smallCodeError) Code() smallCode { return smallCode(e.code) }

type fieldError struct { // mattn/go-sqlite3
	Code         smallCode
	ExtendedCode int
	err          string
}

func (e fieldError) Error() string { return e.err }

type textCodeError struct{ Code, Message string } // lib/pq, had it no SQLState

func (e *textCodeError) Error() string { return e.Message }

type hollowError struct { // of somebody who embeds, and fills in nothing
	*numberedError
	*codeError
}

func (hollowError) Error() string { return "readonly" }

// A refusal is rescued, and nothing else is.
func TestRefusalsOfAllDrivers(t *testing.T) {
	const noWrites = "attempt to write a readonly database"
	for _, c := range []struct {
		err     error
		refusal bool
		driver  string // "" is mysql
	}{
		{sqlState("25006"), true, ""},
		{&numberedError{Number: 1792}, true, ""},
		{&numberedError{Number: 1836}, true, ""},
		{&numberedError{Number: 1290, Message: "The MariaDB server is running with the --read-only option"}, true, ""},
		{&numberedError{Number: 1290, Message: "The MySQL server is running with the --super-read-only option"}, true, ""},
		{&codeError{noWrites, 8}, true, "sqlite"},
		{&codeError{noWrites + " (1032)", 1032}, true, "sqlite"},
		{&smallCodeError{8}, true, "sqlite"},
		{fieldError{Code: 8, err: noWrites}, true, "sqlite"},
		{&fieldError{Code: 8, err: noWrites}, true, "sqlite"},
		{fmt.Errorf("traced: %w", &codeError{noWrites, 8}), true, "sqlite"},

		{&numberedError{Number: 1290, Message: "The MariaDB server is running with the --secure-file-priv option"}, false, ""},
		{&numberedError{Number: 1062, Message: "Duplicate entry 'readonly'"}, false, ""},
		{&codeError{"database is locked", 5}, false, "sqlite"},
		{&codeError{"out of range", 8}, false, ""}, // another system's number
		{&textCodeError{"1792", noWrites}, false, ""},
		{errors.New(noWrites), false, ""},
		{hollowError{}, false, ""},
	} {
		t.Run(fmt.Sprintf("%T %v", c.err, c.err), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, func(config *multidb.Config) {
					if c.driver != "" {
						config.Primary.Driver, config.Replicas[0].Driver = c.driver, c.driver
					}
				})
				h.replicas[0].On(testdb.OpQuery, func(*testdb.Call) error { return c.err })
				err := use(h.db.Query("SELECT 1"))
				if c.refusal && err != nil || !c.refusal && err != c.err {
					t.Errorf("got %v", err)
				}
				if got := h.stats("replica1").Rescued == 1; got != c.refusal {
					t.Errorf("rescued: %t", got)
				}
			})
		})
	}
}

// pooler is what PgBouncer says, always with the same state.
type pooler string

func (p pooler) Error() string  { return "FATAL: " + string(p) + " (SQLSTATE 08P01)" }
func (pooler) SQLState() string { return "08P01" }

const noMoreClients = pooler("no more connections allowed (max_client_conn)")

// A primary that has no room for one more connection goes on with those it has.
func TestAFullPrimaryGoesOn(t *testing.T) {
	for _, full := range []error{sqlState("53300"), noMoreClients} {
		for _, change := range []func(*multidb.Config){discover, func(*multidb.Config) {}} {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1, change)
				check(t, h.write())
				one, two := must(h.db.Begin()), must(h.db.Begin())
				check(t, one.Commit())
				h.primary.On(testdb.OpDial, func(*testdb.Call) error { return full })
				three := must(h.db.Begin())
				_, err := h.db.Exec("DELETE FROM t") // there is no third
				wantErr(t, err, full)
				check(t, two.Commit())
				check(t, three.Commit())
				for range 5 {
					check(t, h.write())
					time.Sleep(time.Second)
				}
				if n, state := h.primary.Open(), h.stats("primary").State; n != 2 || state != multidb.Up {
					t.Errorf("it is %s, with %d connections", state, n)
				}
			})
		}
	}
}

// A proxy whose server is away is as good as down; one that gets arguments that do
// not fit is not.
func TestWhatPgBouncerSays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		h.replicas[0].On(testdb.OpDial, func(*testdb.Call) error { return pooler("client_login_timeout (server down)") })
		check(t, use(h.db.Query("SELECT 1")))
		if state := h.stats("replica1").State; state != multidb.Down {
			t.Errorf("it is %s", state)
		}
	})
	bubble(t, func(t *testing.T) {
		h := newHerd(t, 1)
		wrong := pooler("bind message supplies 1 parameters, but prepared statement requires 2")
		h.replicas[0].FailOnce(testdb.OpQuery, wrong)
		wantErr(t, use(h.db.Query("SELECT 1")), wrong)
	})
}

// A replica that has no room for one more connection is not down.
func TestAFullReplicaIsNotDown(t *testing.T) {
	for _, err := range []error{noMoreClients, sqlState("53300"), &numberedError{Number: 1040}, &numberedError{Number: 1203}, &numberedError{Number: 1226}} {
		t.Run(err.Error(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				h := newHerd(t, 1)
				h.replicas[0].On(testdb.OpDial, func(*testdb.Call) error { return err })
				if got := h.spread(10); got["primary"] != 10 {
					t.Errorf("answered by %v", got)
				}
				if e := h.stats("replica1"); e.State != multidb.Up || e.Moved == 0 {
					t.Errorf("it is %s, and %d reads moved", e.State, e.Moved)
				}
			})
		})
	}
}
