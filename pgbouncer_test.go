package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// Behind a PgBouncer that gives a connection to the server for one transaction
// only, with fewer of them than there are users.

// proxied is what a primary and a standby look like through PgBouncer.
type proxied struct {
	cluster          *testdb.PostgresCluster
	database         string
	primary, standby *testdb.Server
}

const ignoresGuard = "default_transaction_read_only"

func newProxied(t *testing.T, ignore string) *proxied {
	t.Helper()
	cluster := testdb.Postgres(t)
	settings := map[string]string{"pool_mode": "transaction", "default_pool_size": "3", "ignore_startup_parameters": ignore}
	p := &proxied{cluster: cluster, database: cluster.Database(t)}
	p.primary = testdb.PgBouncer(t, cluster.Primary(), settings)
	p.standby = testdb.PgBouncer(t, cluster.Standbys()[0], settings)
	return p
}

// dsn is of a server or proxy, with a pgx setting that does without named
// statements.
func (p *proxied) dsn(s *testdb.Server, mode string) string {
	return s.DSN(p.database) + "?default_query_exec_mode=" + mode
}

func (p *proxied) open(t *testing.T, mode, readOnly string) *sql.DB {
	t.Helper()
	db := openConfig(t, multidb.Config{
		Primary:  multidb.Engine{DSN: p.dsn(p.primary, mode)},
		Replicas: []multidb.Engine{{DSN: p.dsn(p.standby, mode), ReadOnly: readOnly}},
	})
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func TestPgBouncerSettingsOfPgx(t *testing.T) {
	p := newProxied(t, "")
	admin := p.open(t, "exec", "trust")
	must(admin.Exec("CREATE TABLE account (id int PRIMARY KEY, n int)"))
	must(admin.Exec("INSERT INTO account SELECT id, 0 FROM generate_series(1, 20) id"))
	check(t, p.cluster.WaitReplay(t.Context()))
	for _, mode := range []string{"exec", "simple_protocol", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			db := p.open(t, mode, "trust")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var all sync.WaitGroup
			for program := range 16 {
				all.Go(func() {
					for i := range 20 {
						if err := useAccount(ctx, db, i%20+1, program); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			var sum int
			check(t, db.QueryRowContext(multidb.WithEngine(ctx, multidb.Primary), "SELECT sum(n) FROM account").Scan(&sum))
			if sum != 16*20 {
				t.Errorf("the sum is %d, want %d", sum, 16*20)
			}
			must(db.ExecContext(ctx, "UPDATE account SET n = 0"))
		})
	}
}

// useAccount reads on the standby, and writes in a transaction.
func useAccount(ctx context.Context, db *sql.DB, id, program int) error {
	var n int
	var standby bool
	err := db.QueryRowContext(ctx, "SELECT n, pg_is_in_recovery() FROM account WHERE id = $1", id).Scan(&n, &standby)
	if err != nil || !standby {
		return fmt.Errorf("a read: standby %v, %w", standby, err)
	}
	want := fmt.Sprint("program", program)
	return multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT set_config('app.tenant', $1, true)", want); err != nil {
			return err
		}
		var got string
		err := tx.QueryRowContext(ctx, "UPDATE account SET n = n + 1 WHERE id = $1 RETURNING current_setting('app.tenant')", id).Scan(&got)
		if err == nil && got != want {
			err = fmt.Errorf("app.tenant is %q, want %q", got, want)
		}
		return err
	})
}

// PgBouncer refuses a setting at the start of a session that it does not know.
func TestPgBouncerRefusesTheGuardOfReplicas(t *testing.T) {
	p := newProxied(t, "")
	wantNoGuard(t, p.open(t, "exec", ""))
}

// A PgBouncer that was told to ignore it loses it without a word.
func TestPgBouncerDropsTheGuardOfReplicas(t *testing.T) {
	p := newProxied(t, ignoresGuard)
	wantNoGuard(t, p.open(t, "exec", ""))

	// A setting of the role is in force at the server, and PgBouncer shows it.
	admin := must(sql.Open("pgx", p.cluster.Primary().DSN(p.database)))
	defer admin.Close()
	must(admin.Exec("CREATE ROLE reader LOGIN"))
	defer func() { must(admin.Exec("DROP ROLE reader")) }()
	must(admin.Exec("ALTER ROLE reader SET default_transaction_read_only = on"))
	db := openConfig(t, multidb.Config{
		Primary:  multidb.Engine{DSN: p.dsn(p.primary, "exec")},
		Replicas: []multidb.Engine{{DSN: p.dsn(p.primary, "exec") + "&user=reader"}}, // a server that would take writes
	})
	defer db.Close()
	var readOnly string
	check(t, db.QueryRowContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT current_setting('transaction_read_only')").Scan(&readOnly))
	if readOnly != "on" {
		t.Errorf("transaction_read_only is %q", readOnly)
	}
}

// wantNoGuard checks that nothing reaches a replica whose connections cannot be
// made read-only, that the error says what to do, and that reads are answered.
func wantNoGuard(t *testing.T, db *sql.DB) {
	t.Helper()
	var standby bool
	err := db.QueryRowContext(multidb.WithEngine(t.Context(), "replica1"), "SELECT pg_is_in_recovery()").Scan(&standby)
	if err == nil || !strings.Contains(err.Error(), `"read_only": "trust"`) || !strings.HasPrefix(err.Error(), "multidb:") {
		t.Errorf("a replica without its guard: %v", err)
	}
	check(t, db.QueryRowContext(t.Context(), "SELECT pg_is_in_recovery()").Scan(&standby))
	if standby {
		t.Error("a read was answered by a replica without its guard")
	}
}

func TestPgBouncerDiscover(t *testing.T) {
	p := newProxied(t, "")
	db := openConfig(t, multidb.Config{
		Primary:  multidb.Engine{DSN: p.dsn(p.standby, "exec"), ReadOnly: "trust"}, // which it is not
		Replicas: []multidb.Engine{{DSN: p.dsn(p.primary, "exec"), ReadOnly: "trust"}},
		Discover: true,
	})
	defer db.Close()
	must(db.Exec("CREATE TABLE t (id int)"))
	var standby bool
	check(t, db.QueryRow("SELECT pg_is_in_recovery()").Scan(&standby))
	if !standby {
		t.Error("a read was answered by the primary")
	}
}

// A PgBouncer that is told to ignore search_path loses it without a word, and the
// server does not report what it is: all tenants would be in one schema. It is why
// docs/tenants.md says never to, and to have a role for each tenant instead.
func TestPgBouncerAndASchemaForEachTenant(t *testing.T) {
	cluster := testdb.Postgres(t)
	name := cluster.Database(t)
	admin := must(sql.Open("pgx", cluster.Primary().DSN(name)))
	defer admin.Close()
	tenants := []string{"acme", "globex"}
	must(admin.Exec("CREATE TABLE public.marker AS SELECT 'public'::text AS name; GRANT SELECT ON public.marker TO public"))
	for _, tenant := range tenants {
		must(admin.Exec(fmt.Sprintf(`CREATE ROLE %[1]s LOGIN; CREATE SCHEMA AUTHORIZATION %[1]s;
			CREATE TABLE %[1]s.marker AS SELECT '%[1]s'::text AS name; ALTER TABLE %[1]s.marker OWNER TO %[1]s;
			ALTER ROLE %[1]s IN DATABASE %[2]s SET search_path = %[1]s`, tenant, name)))
		defer func() {
			must(admin.Exec("DROP OWNED BY " + tenant))
			must(admin.Exec("DROP ROLE " + tenant))
		}()
	}
	open := func(ignore, parameter string) *sql.DB {
		proxy := testdb.PgBouncer(t, cluster.Primary(), map[string]string{
			"pool_mode": "transaction", "default_pool_size": "1", "ignore_startup_parameters": ignore})
		db := openConfig(t, multidb.Config{RequireDatabase: true,
			Tenants: multidb.Database{Primary: multidb.Engine{DSN: proxy.DSN(name) + "?default_query_exec_mode=exec&" + parameter}}})
		t.Cleanup(func() { check(t, db.Close()) })
		return db
	}
	read := func(db *sql.DB, tenant string) (got string, err error) {
		ctx, cancel := context.WithTimeout(multidb.WithDatabase(t.Context(), tenant), time.Minute)
		defer cancel()
		err = db.QueryRowContext(ctx, "SELECT name FROM marker").Scan(&got)
		return got, err
	}
	strict := open("", "search_path={tenant}")
	ignoring := open("search_path", "search_path={tenant}")
	byRole := open("", "user={tenant}")
	for range 3 { // in turns, on one connection to the server
		for _, tenant := range tenants {
			if got, err := read(strict, tenant); err == nil || !strings.Contains(err.Error(), "unsupported startup parameter") {
				t.Errorf("%s reads %q, %v: PgBouncer knows search_path now, so the documentation is out of date", tenant, got, err)
			}
			if got, err := read(ignoring, tenant); err != nil || got != "public" {
				t.Errorf("%s reads %q, %v: ignoring search_path does no harm now, so the documentation is out of date", tenant, got, err)
			}
			if got, err := read(byRole, tenant); err != nil || got != tenant {
				t.Errorf("%s reads %q by its role, %v", tenant, got, err)
			}
		}
	}
}

// A PgBouncer that has its max_client_conn refuses one more client with the state
// of a protocol violation. Those that it has go on, and so does what comes next.
func TestPgBouncerIsFull(t *testing.T) {
	p := newProxied(t, "")
	full := testdb.PgBouncer(t, p.cluster.Primary(), map[string]string{"pool_mode": "transaction", "max_client_conn": "3"})
	for _, discover := range []bool{false, true} {
		t.Run(fmt.Sprint("discover ", discover), func(t *testing.T) {
			db := openConfig(t, multidb.Config{
				Primary:  multidb.Engine{DSN: p.dsn(full, "exec"), ReadOnly: "trust"},
				Replicas: []multidb.Engine{{DSN: p.dsn(p.standby, "exec"), ReadOnly: "trust"}},
				Discover: discover,
			})
			defer func() { check(t, db.Close()) }()
			var txs []*sql.Tx
			var err error
			for range 4 { // two of those that asked whether it is up may still be leaving
				var tx *sql.Tx
				if tx, err = db.Begin(); err != nil {
					break
				}
				txs = append(txs, tx)
			}
			if len(txs) == 0 || err == nil || !strings.Contains(err.Error(), "max_client_conn") {
				t.Fatalf("%d transactions, and then %v", len(txs), err)
			}
			for _, tx := range txs {
				must(tx.Exec("SELECT pg_current_xact_id()"))
				check(t, tx.Commit())
			}
			for range 10 {
				must(db.Exec("SELECT pg_current_xact_id()"))
			}
			primary, _ := multidb.FromDB(db).Stats().Engine("primary")
			if primary.State != multidb.Up || primary.Pool.OpenConnections != len(txs) {
				t.Errorf("the primary is %s and has %d connections, not %d", primary.State, primary.Pool.OpenConnections, len(txs))
			}
		})
	}
}

// What a session sets stays on a connection to the server, which PgBouncer gives
// to the next. It is why docs/tenants.md says what to use instead.
func TestPgBouncerSharesSessions(t *testing.T) {
	cluster := testdb.Postgres(t)
	proxy := testdb.PgBouncer(t, cluster.Primary(), map[string]string{"pool_mode": "transaction", "default_pool_size": "1"})
	name := cluster.Database(t)
	config := must(pgx.ParseConfig(proxy.DSN(name)))
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	setting := func(conn *pgx.Conn) (value string) {
		check(t, conn.QueryRow(t.Context(), "SELECT coalesce(current_setting('app.tenant', true), '')").Scan(&value))
		return value
	}
	a, b := must(pgx.ConnectConfig(t.Context(), config)), must(pgx.ConnectConfig(t.Context(), config))
	defer func() { check(t, errors.Join(a.Close(context.Background()), b.Close(context.Background()))) }()
	must(a.Exec(t.Context(), "SET app.tenant = 'acme'"))
	if got := setting(b); got != "acme" {
		t.Errorf("the setting of another session is %q: PgBouncer keeps sessions apart now, so the documentation is out of date", got)
	}
	must(a.Exec(t.Context(), "RESET app.tenant"))
	tx := must(a.Begin(t.Context()))
	must(tx.Exec(t.Context(), "SET LOCAL app.tenant = 'acme'"))
	check(t, tx.Commit(t.Context()))
	if got := setting(b); got != "" {
		t.Errorf("SET LOCAL reached another session: %q", got)
	}
}
