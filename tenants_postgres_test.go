package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// estate is many tenants on real servers. Each has a schema of its own in one of a
// few databases, so that a connection of another tenant may be to the right
// database. The marker that a tenant's statement finds is the tenant's name; a
// session whose search_path is "decoy" finds another.
type estate struct {
	*sql.DB
	cluster   *testdb.PostgresCluster
	databases []string
	names     []string
	visits    []atomic.Int64 // committed, by the place of the name
	guest     string         // a role
	rows      atomic.Int64   // checked
	forgets   atomic.Int64
}

var guests atomic.Int64 // roles belong to the whole cluster

func openEstate(t *testing.T, databases, tenants int, c multidb.Config) *estate {
	t.Helper()
	cluster := testdb.Postgres(t)
	e := &estate{cluster: cluster, visits: make([]atomic.Int64, tenants), guest: fmt.Sprintf("guest%d", guests.Add(1))}
	for i := range tenants {
		e.names = append(e.names, fmt.Sprintf("tenant%03d", i))
	}
	c.Resolve = e.resolve
	e.DB = openConfig(t, c)
	admin := must(sql.Open("pgx", cluster.Primary().DSN("postgres")))
	must(admin.Exec("CREATE ROLE " + e.guest))
	t.Cleanup(func() { // when the databases, which name it, are dropped
		must(admin.Exec("DROP ROLE " + e.guest))
		check(t, admin.Close())
	})
	e.databases = cluster.Databases(t, databases)
	t.Cleanup(func() { check(t, e.Close()) }) // before they are
	for i := range e.databases {
		e.furnish(t, i)
	}
	check(t, cluster.WaitReplay(t.Context()))
	return e
}

// furnish makes a database and the schemas of the tenants that live there.
func (e *estate) furnish(t *testing.T, database int) {
	t.Helper()
	statements := `CREATE SCHEMA decoy; CREATE TABLE decoy.marker (name text); INSERT INTO decoy.marker VALUES ('decoy');`
	for i := database; i < len(e.names); i += len(e.databases) {
		statements += fmt.Sprintf(`CREATE SCHEMA %[1]s; CREATE TABLE %[1]s.visits (name text); CREATE TABLE %[1]s.marker (name text);
			INSERT INTO %[1]s.marker VALUES ('%[1]s'); GRANT USAGE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT ON %[1]s.marker TO %[2]s;`, e.names[i], e.guest)
	}
	db := must(sql.Open("pgx", e.cluster.Primary().DSN(e.databases[database])))
	must(db.Exec(statements))
	check(t, db.Close())
}

// databaseOf is where a tenant lives.
func (e *estate) databaseOf(name string) string {
	i, _ := strconv.Atoi(strings.TrimPrefix(name, "tenant"))
	return e.databases[i%len(e.databases)]
}

func (e *estate) resolve(_ context.Context, name string) (multidb.Database, error) {
	engine := func(s *testdb.Server) multidb.Engine {
		return multidb.Engine{DSN: s.DSN(e.databaseOf(name)) + "?search_path=" + name}
	}
	d := multidb.Database{Primary: engine(e.cluster.Primary())}
	for _, standby := range e.cluster.Standbys() {
		d.Replicas = append(d.Replicas, engine(standby))
	}
	return d, nil
}

// session is what a statement sees of its tenant and of its session.
type session struct {
	marker, database, user, searchPath string
	locks                              int
}

// fresh is what a statement of a tenant sees that nobody prepared anything for.
func (e *estate) fresh(name string) session {
	return session{marker: name, database: e.databaseOf(name), user: "postgres", searchPath: name}
}

func (e *estate) look(ctx context.Context, q querier, want session) error {
	var got session
	err := q.QueryRowContext(ctx, `SELECT name, current_database(), current_user, current_setting('search_path'),
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) FROM marker`).
		Scan(&got.marker, &got.database, &got.user, &got.searchPath, &got.locks)
	if err != nil {
		return err
	}
	if e.rows.Add(1); got != want {
		return fmt.Errorf("a statement saw %+v, want %+v", got, want)
	}
	return nil
}

// visit does one of the things that programs do with a tenant's database.
func (e *estate) visit(ctx context.Context, i int) error {
	name := e.names[i]
	ctx = multidb.WithDatabase(ctx, name)
	switch rand.IntN(12) {
	case 0:
		return e.write(ctx, i)
	case 1:
		return e.inSession(ctx, name)
	case 2:
		multidb.FromDB(e.DB).Forget(name) // under those who are with it
		e.forgets.Add(1)
		fallthrough
	case 3, 4, 5: // where the sessions were
		return e.look(multidb.WithEngine(ctx, multidb.Primary), e, e.fresh(name))
	}
	return e.look(ctx, e, e.fresh(name))
}

func (e *estate) write(ctx context.Context, i int) error {
	err := multidb.RunInTx(ctx, e.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO visits VALUES ($1)", e.names[i]); err != nil {
			return err
		}
		return e.look(ctx, tx, e.fresh(e.names[i]))
	})
	if err == nil {
		e.visits[i].Add(1)
	}
	return err
}

// inSession leaves behind what the next user of the connection must not meet.
func (e *estate) inSession(ctx context.Context, name string) (err error) {
	conn, err := e.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	want, statement := e.fresh(name), ""
	switch rand.IntN(3) {
	case 0:
		statement, want.user = "SET ROLE "+e.guest, e.guest
	case 1:
		statement, want.marker, want.searchPath = "SET search_path = decoy", "decoy", "decoy"
	case 2:
		statement, want.locks = "SELECT pg_advisory_lock_shared(1)", 1
	}
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		return err
	}
	return e.look(ctx, conn, want)
}

func TestPostgresTenantsAreIsolatedUnderLoad(t *testing.T) {
	const databases, tenants, programs, visits = 5, 200, 32, 60
	e := openEstate(t, databases, tenants, multidb.Config{MaxDatabases: 50, MaxOpenTotal: 60, RequireDatabase: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for program := range programs {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, uint64(program))), 1.1, 8, tenants-1)
		all.Go(func() {
			for range visits {
				if i := int(zipf.Uint64()); !t.Failed() {
					if err := e.visit(ctx, i); err != nil {
						t.Errorf("tenant %s: %v", e.names[i], err)
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d rows were looked at, %d times a tenant was forgotten", e.rows.Load(), e.forgets.Load())
	if e.rows.Load() < programs*visits || e.forgets.Load() == 0 {
		t.Error("that is too few")
	}
	for i, name := range e.names {
		var mine, others int64
		err := e.QueryRowContext(multidb.WithEngine(multidb.WithDatabase(ctx, name), multidb.Primary),
			"SELECT count(*) FILTER (WHERE name = $1), count(*) FILTER (WHERE name <> $1) FROM visits", name).
			Scan(&mine, &others)
		if err != nil || mine != e.visits[i].Load() || others != 0 {
			t.Errorf("%s: %d visits of its own, want %d; %d of others; %v", name, mine, e.visits[i].Load(), others, err)
		}
	}
	checkNoLeases(t, e.DB)
}

// Tenants in one database, as docs/tenants.md shows: a schema for each, or rows
// that policies keep apart.

func TestPostgresTenantsBySchema(t *testing.T) {
	cluster := testdb.Postgres(t)
	name := cluster.Database(t)
	admin := must(sql.Open("pgx", cluster.Primary().DSN(name)))
	defer admin.Close()
	db := openConfig(t, multidb.Config{RequireDatabase: true, Tenants: multidb.Database{
		Primary:  multidb.Engine{DSN: cluster.Primary().DSN(name) + "?search_path={tenant}"},
		Replicas: []multidb.Engine{{DSN: cluster.Standbys()[0].DSN(name) + "?search_path={tenant}"}},
	}})
	defer db.Close()
	tenants := []string{"acme", "globex", "ini-tech"}
	for _, tenant := range tenants {
		must(admin.Exec(fmt.Sprintf("CREATE SCHEMA %q", tenant)))
		must(db.ExecContext(multidb.WithDatabase(t.Context(), tenant), "CREATE TABLE marker AS SELECT current_schema()::text AS name"))
	}
	check(t, cluster.WaitReplay(t.Context()))
	for _, tenant := range tenants {
		var got string
		var standby bool
		ctx := multidb.WithDatabase(t.Context(), tenant)
		check(t, db.QueryRowContext(ctx, "SELECT name, pg_is_in_recovery() FROM marker").Scan(&got, &standby))
		if got != tenant || !standby {
			t.Errorf("%s read the row of %q, from the standby: %v", tenant, got, standby)
		}
	}
}

// Of a name that is too long the server keeps the beginning, so that two tenants
// would be one: they are refused.
func TestPostgresTenantsWithLongNames(t *testing.T) {
	cluster := testdb.Postgres(t)
	admin := must(sql.Open("pgx", cluster.Primary().DSN("postgres")))
	defer admin.Close()
	first, second := strings.Repeat("customer-", 6)+"aaaaaaa-1", strings.Repeat("customer-", 6)+"aaaaaaa-2"
	long := "platform_" + first
	must(admin.Exec(fmt.Sprintf("CREATE DATABASE %q", long)))
	defer func() { must(admin.Exec(fmt.Sprintf("DROP DATABASE %q", long))) }()
	must(admin.Exec(fmt.Sprintf("CREATE SCHEMA %q", long)))
	defer func() { must(admin.Exec(fmt.Sprintf("DROP SCHEMA %q", long))) }()
	for _, dsn := range []string{
		strings.Replace(cluster.Primary().DSN("NAME"), "NAME", "platform_{tenant}", 1),
		cluster.Primary().DSN("postgres") + "?search_path=platform_{tenant}",
		cluster.Primary().DSN("postgres") + "?options=-c%20search_path%3Dplatform_{tenant}",
	} {
		// What the server makes of it.
		var databases [2]string
		for i, name := range []string{first, second} {
			db := must(sql.Open("pgx", strings.ReplaceAll(dsn, "{tenant}", name)))
			check(t, db.QueryRow("SELECT current_database() || '.' || current_schema()").Scan(&databases[i]))
			check(t, db.Close())
		}
		if databases[0] != databases[1] {
			t.Errorf("%s: the server tells %s apart: there is no need to refuse them", dsn, databases)
		}

		db := openConfig(t, multidb.Config{RequireDatabase: true, Tenants: multidb.Database{Primary: multidb.Engine{DSN: dsn}}})
		for _, name := range []string{first, second} {
			wantErr(t, use(db.QueryContext(multidb.WithDatabase(t.Context(), name), "SELECT 1")), multidb.ErrUnknownDatabase)
		}
		check(t, db.Close())
	}
}

func TestPostgresTenantsByRow(t *testing.T) {
	cluster := testdb.Postgres(t)
	name := cluster.Database(t)
	role := fmt.Sprintf("guest%d", guests.Add(1))
	admin := must(sql.Open("pgx", cluster.Primary().DSN(name)))
	defer admin.Close()
	must(admin.Exec("CREATE ROLE " + role + " LOGIN"))
	defer func() {
		must(admin.Exec("DROP OWNED BY " + role))
		must(admin.Exec("DROP ROLE " + role))
	}()
	must(admin.Exec(`CREATE TABLE orders (tenant text DEFAULT current_setting('app.tenant'), item text);
		ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
		CREATE POLICY of_tenant ON orders USING (tenant = current_setting('app.tenant', true));
		GRANT SELECT, INSERT ON orders TO ` + role))
	dsn := cluster.Primary().DSN(name) + "?user=" + role

	// A pool for each tenant.
	db := openConfig(t, multidb.Config{RequireDatabase: true,
		Tenants: multidb.Database{Primary: multidb.Engine{DSN: dsn + "&app.tenant={tenant}"}}})
	defer db.Close()
	for _, tenant := range []string{"acme", "globex"} {
		ctx := multidb.WithDatabase(t.Context(), tenant)
		must(db.ExecContext(ctx, "INSERT INTO orders (item) VALUES ($1)", tenant+"'s"))
		_, err := db.ExecContext(ctx, "INSERT INTO orders VALUES ('other', 'x')")
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("%s wrote a row of another: %v", tenant, err)
		}
	}
	for _, tenant := range []string{"acme", "globex"} {
		var items string
		check(t, db.QueryRowContext(multidb.WithDatabase(t.Context(), tenant), "SELECT string_agg(item, ',') FROM orders").Scan(&items))
		if items != tenant+"'s" {
			t.Errorf("%s sees %s", tenant, items)
		}
	}

	// One pool for all, and one connection for all transactions.
	shared := openConfig(t, multidb.Config{Primary: multidb.Engine{DSN: dsn, MaxOpen: 1}})
	defer shared.Close()
	var backends []int
	for _, tenant := range []string{"acme", "globex", "acme"} {
		check(t, multidb.RunInTx(t.Context(), shared, nil, func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "SELECT set_config('app.tenant', $1, true)", tenant); err != nil {
				return err
			}
			var items string
			var backend int
			err := tx.QueryRowContext(ctx, "SELECT string_agg(item, ','), pg_backend_pid() FROM orders").Scan(&items, &backend)
			if err == nil && items != tenant+"'s" {
				err = fmt.Errorf("%s sees %s", tenant, items)
			}
			backends = append(backends, backend)
			return err
		}))
	}
	var rows, backend int
	check(t, shared.QueryRow("SELECT count(*), pg_backend_pid() FROM orders").Scan(&rows, &backend))
	if rows != 0 {
		t.Errorf("outside of a transaction %d rows are seen", rows)
	}
	for _, b := range backends {
		if b != backend {
			t.Errorf("the transactions ran on the backends %d, the last statement on %d: a setting of a transaction costs no connection", backends, backend)
			break
		}
	}
}
