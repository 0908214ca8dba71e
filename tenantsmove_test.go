package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// moving is a tenant that is moved from one server to another as docs/tenants.md
// says, under programs that go on writing.
type moving struct {
	old, new *testdb.PostgresCluster
	place    atomic.Pointer[testdb.Server] // what the directory says

	done, unsure sync.Map     // the numbers that were written, or may have been
	next         atomic.Int64 // number to write
	refused      atomic.Int64
	moved        atomic.Int64 // written after the directory said the new place
}

const movingTenant = "acme"

// process is the *sql.DB of one process.
func (m *moving) process(t *testing.T) *sql.DB {
	return openConfig(t, multidb.Config{RequireDatabase: true, Resolve: func(_ context.Context, name string) (multidb.Database, error) {
		return multidb.Database{Primary: multidb.Engine{DSN: m.place.Load().DSN(name) + "?application_name=shop"}}, nil
	}})
}

// write writes a number, in a transaction or without one.
func (m *moving) write(ctx context.Context, db *sql.DB) {
	n, atNew := m.next.Add(1), m.place.Load() == m.new.Primary()
	ctx = multidb.WithDatabase(ctx, movingTenant)
	insert := func(ctx context.Context, x interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}) error {
		_, err := x.ExecContext(ctx, "INSERT INTO orders VALUES ($1)", n)
		return err
	}
	var err error
	if n%2 == 0 {
		err = insert(ctx, db)
	} else {
		err = multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx) })
	}
	switch {
	case err == nil:
		m.done.Store(n, true)
		if atNew {
			m.moved.Add(1)
		}
	case code(err) == "25006": // read only
		m.refused.Add(1)
	default: // its session was ended
		m.unsure.Store(n, true)
	}
}

func code(err error) string {
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) {
		return refused.SQLState()
	}
	return ""
}

func TestPostgresATenantIsMoved(t *testing.T) {
	for _, program := range []string{"pg_dump", "psql"} {
		if _, err := exec.LookPath(program); err != nil {
			testdb.Need(t, program, fmt.Errorf("%w: %w", testdb.ErrNotInstalled, err))
		}
	}
	m := &moving{old: testdb.Postgres(t), new: testdb.OwnPostgres(t, testdb.PostgresOptions{})}
	for _, c := range []*testdb.PostgresCluster{m.old, m.new} {
		check(t, c.CreateDatabase(t.Context(), movingTenant))
	}
	m.place.Store(m.old.Primary())
	told, leftOut := m.process(t), m.process(t)
	defer leftOut.Close()
	defer told.Close()
	acme := multidb.WithDatabase(t.Context(), movingTenant)
	must(told.ExecContext(acme, "CREATE TABLE orders (n bigint PRIMARY KEY)"))

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for ctx.Err() == nil {
				m.write(t.Context(), []*sql.DB{told, leftOut}[i%2])
			}
		})
	}
	reach := func(what string, n *atomic.Int64) {
		t.Helper()
		for want := n.Load() + 100; n.Load() < want; time.Sleep(time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("%d %s in a minute", n.Load(), what)
			}
		}
	}
	reach("writes", &m.next)

	// 1. The old place refuses writes.
	admin := must(sql.Open("pgx", m.old.Primary().DSN("postgres")))
	defer admin.Close()
	must(admin.Exec("ALTER DATABASE " + movingTenant + " SET default_transaction_read_only = on"))
	must(admin.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'shop'", movingTenant))
	reach("refusals", &m.refused)

	// 2. The copy.
	m.copy(t)

	// 3. and 4. The directory says the new place, and a process is told.
	m.place.Store(m.new.Primary())
	check(t, multidb.FromDB(told).Forget(movingTenant))
	reach("writes at the new place", &m.moved)

	// One that was left out reads what is old, and writes nothing.
	var n int
	check(t, leftOut.QueryRowContext(acme, "SELECT count(*) FROM orders").Scan(&n))
	if _, err := leftOut.ExecContext(acme, "INSERT INTO orders VALUES (0)"); code(err) != "25006" {
		t.Errorf("a process that was left out wrote: %v", err)
	}
	check(t, multidb.FromDB(leftOut).Forget(movingTenant))
	stop()
	writers.Wait()

	// 5. Nobody is at the old place.
	const sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'shop'"
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if check(t, admin.QueryRow(sessions, movingTenant).Scan(&n)); n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left at the old place", n)
		}
	}
	check(t, m.old.DropDatabase(t.Context(), movingTenant))
	m.checkRows(t, told)
	must(leftOut.ExecContext(acme, "INSERT INTO orders VALUES (0)"))
}

// copy is by pg_dump without --create, which would copy the read-only setting.
func (m *moving) copy(t *testing.T) {
	t.Helper()
	dump := must(exec.CommandContext(t.Context(), "pg_dump", m.old.Primary().DSN(movingTenant)).Output())
	load := exec.CommandContext(t.Context(), "psql", "-v", "ON_ERROR_STOP=1", m.new.Primary().DSN(movingTenant))
	load.Stdin = strings.NewReader(string(dump))
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

// checkRows checks that what was written is there, and nothing else.
func (m *moving) checkRows(t *testing.T, db *sql.DB) {
	t.Helper()
	rows := must(db.QueryContext(multidb.WithDatabase(t.Context(), movingTenant), "SELECT n FROM orders"))
	defer rows.Close()
	there := make(map[any]bool)
	for rows.Next() {
		var n int64
		check(t, rows.Scan(&n))
		there[n] = true
		_, done := m.done.Load(n)
		_, unsure := m.unsure.Load(n)
		if !done && !unsure {
			t.Errorf("%d is there, though it was refused", n)
		}
	}
	check(t, rows.Err())
	m.done.Range(func(n, _ any) bool {
		if !there[n] {
			t.Errorf("%d was written, and is lost", n)
		}
		return true
	})
}
