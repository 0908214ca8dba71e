package libraries

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	_ "github.com/lib/pq"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// What multidb knows of a driver by its type, it knows below otelsql, too.

// libpq is PostgreSQL by lib/pq.
var libpq = server{
	name:   "lib/pq",
	driver: "postgres",
	start: func(t testing.TB) endpoints {
		e := postgres.start(t)
		e.primary += "?sslmode=disable"
		for i := range e.replicas {
			e.replicas[i] += "?sslmode=disable"
		}
		return e
	},
}

// traced is an engine whose connector is otelsql's around the driver's own. It
// does not name the driver: the dialect is found, too.
func (s server) traced(t testing.TB, dsn string) multidb.Engine {
	t.Helper()
	plain, err := sql.Open(s.driver, dsn)
	must(t, err)
	defer plain.Close()
	wrapped := otelsql.WrapDriver(plain.Driver())
	if d, ok := wrapped.(driver.DriverContext); ok {
		connector, err := d.OpenConnector(dsn)
		must(t, err)
		return multidb.Engine{Connector: connector}
	}
	return multidb.Engine{Driver: s.driver, Connector: &tracedConnector{dsn, wrapped}}
}

// The server does the write and its answer is lost. pgx and lib/pq then say
// driver.ErrBadConn, on which database/sql would run the write again.
func TestLostWriteBelowOtelsqlIsNotRepeated(t *testing.T) {
	const insert = "INSERT INTO visits VALUES (1)"
	on(t, func(t *testing.T, s server) {
		for _, replicas := range []int{1, 0} { // a Conn leases its children, or holds one
			t.Run(fmt.Sprint("replicas ", replicas), func(t *testing.T) {
				e := s.start(t)
				direct, err := sql.Open(s.driver, e.primary)
				must(t, err)
				defer direct.Close()
				mustExec(t, direct, "CREATE TABLE visits (id INT)")
				proxy := testdb.NewProxy(t, e.primary)
				config := multidb.Config{Primary: s.traced(t, proxy.DSN)}
				for _, dsn := range e.replicas[:replicas] {
					config.Replicas = append(config.Replicas, s.traced(t, dsn))
				}
				db := openConfig(t, config)
				writes := 0
				for err = nil; err == nil && writes < 9; writes += 3 {
					// pgx asks the server whether a connection lives before it is used
					// for the second time, and after a pause: then that answer is lost.
					mustExec(t, db, insert)
					mustExec(t, db, insert)
					must(t, proxy.Set(testdb.CutNext))
					_, err = db.ExecContext(t.Context(), insert)
				}
				if asChild := s.driver == "mysql" && replicas == 0; err == nil || !asChild && !errors.Is(err, multidb.ErrUnknownOutcome) {
					t.Errorf("the error is %T %v", err, err)
				}
				var n int
				must(t, direct.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM visits").Scan(&n))
				equal(t, "the number of rows", n, writes)
			})
		}
	}, postgres, libpq, mariadb)
}

// A replica below otelsql is opened read-only, though nothing names its driver.
func TestReplicaBelowOtelsqlIsReadOnly(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		e := s.start(t)
		mustExec(t, openConfig(t, multidb.Config{Primary: s.traced(t, e.primary)}), "CREATE TABLE visits (id INT)")
		db := openConfig(t, multidb.Config{ // twice the primary, which would write
			Primary: s.traced(t, e.primary), Replicas: []multidb.Engine{s.traced(t, e.primary)}})
		conn, err := db.Conn(t.Context())
		must(t, err)
		defer conn.Close()
		must(t, conn.Raw(func(c any) error {
			return c.(*multidb.Conn).Raw(multidb.WithEngine(t.Context(), multidb.Replica), func(child any) error {
				_, err := child.(driver.ExecerContext).ExecContext(t.Context(), "INSERT INTO visits VALUES (1)", nil)
				if err == nil || s.driver != "sqlite3" && code(err) == "" {
					t.Errorf("the replica took a write: %v", err)
				}
				return nil
			})
		}))
	}, postgres, mariadb, modernc, ncruces)
}

// A read on a replica that hangs is interrupted, and answered by the primary.
func TestReadOnAHangingReplicaBelowOtelsqlGoesOn(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		e := s.start(t)
		proxy := testdb.NewProxy(t, e.replicas[0])
		db := openConfig(t, multidb.Config{ConnectTimeout: multidb.Duration(500 * time.Millisecond),
			Primary: s.traced(t, e.primary), Replicas: []multidb.Engine{s.traced(t, proxy.DSN)}})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var at int
		for range 3 { // so that the next one asks nothing first
			must(t, db.QueryRowContext(ctx, s.whereAmI).Scan(&at))
			equal(t, "where a read ran", at, 1)
		}
		must(t, proxy.Set(testdb.Mute))
		must(t, db.QueryRowContext(ctx, s.whereAmI).Scan(&at))
		equal(t, "where a read ran while the replica hung", at, 0)
	}, postgres, mariadb)
}
