package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// These tests run on a real PostgreSQL primary with two streaming standbys, and
// ask the servers themselves where a statement ran.

// shop is a database of the shared cluster, opened through multidb.
type shop struct {
	*sql.DB
	t        testing.TB
	cluster  *testdb.PostgresCluster
	database string
}

// openShop opens a database of its own with reader/writer split. change may
// change the configuration first.
func openShop(t testing.TB, change func(*multidb.Config)) *shop {
	t.Helper()
	cluster := testdb.Postgres(t)
	s := &shop{t: t, cluster: cluster, database: cluster.Database(t)}
	config := multidb.Config{Primary: multidb.Engine{DSN: cluster.Primary().DSN(s.database)}}
	for _, standby := range cluster.Standbys() {
		config.Replicas = append(config.Replicas, multidb.Engine{DSN: standby.DSN(s.database)})
	}
	if change != nil {
		change(&config)
	}
	connector, err := multidb.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	s.DB = sql.OpenDB(connector)
	t.Cleanup(func() { s.DB.Close() })
	return s
}

// exec runs a statement that must succeed, and waits until the standbys have
// what it did.
func (s *shop) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.ExecContext(s.t.Context(), query, args...); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	if err := s.cluster.WaitReplay(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// querier is a *sql.DB, *sql.Conn or *sql.Tx.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

const whereAmI = "SELECT inet_server_port()"

// port asks the server that answers a query for its port.
func port(t testing.TB, ctx context.Context, q querier, query string, args ...any) int {
	t.Helper()
	var port int
	if err := q.QueryRowContext(ctx, query, args...).Scan(&port); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return port
}

func (s *shop) isStandby(port int) bool {
	return slices.ContainsFunc(s.cluster.Standbys(), func(standby *testdb.Server) bool { return standby.Port == port })
}

func (s *shop) isPrimary(port int) bool { return port == s.cluster.Primary().Port }

func TestPostgresReadsGoToBothStandbysAndWritesToThePrimary(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int PRIMARY KEY, port int)")
	seen := make(map[int]int)
	for i := range 40 {
		at := port(t, t.Context(), s, whereAmI)
		if !s.isStandby(at) {
			t.Fatalf("a read was answered on port %d, which is no standby", at)
		}
		seen[at]++
		at = port(t, t.Context(), s, "INSERT INTO orders VALUES ($1, inet_server_port()) RETURNING port", i)
		if !s.isPrimary(at) {
			t.Fatalf("INSERT ... RETURNING ran on port %d", at)
		}
	}
	if len(seen) != 2 {
		t.Errorf("all reads went to one standby: %v", seen)
	}
	s.exec("UPDATE orders SET port = inet_server_port()")
	for _, query := range []string{
		"SELECT port FROM orders WHERE id = 1 FOR UPDATE",
		"WITH gone AS (DELETE FROM orders WHERE id = 2 RETURNING port) SELECT port FROM gone",
		"SELECT inet_server_port() FROM (SELECT nextval('s')) n",
	} {
		if strings.Contains(query, "nextval") {
			s.exec("CREATE SEQUENCE s")
		}
		if at := port(t, t.Context(), s, query); !s.isPrimary(at) {
			t.Errorf("%s was answered on port %d, which is not the primary", query, at)
		}
	}
}

func TestPostgresContextChoosesTheEngine(t *testing.T) {
	s := openShop(t, nil)
	for i, standby := range s.cluster.Standbys() {
		ctx := multidb.WithEngine(t.Context(), fmt.Sprintf("replica%d", i+1))
		for range 10 {
			if at := port(t, ctx, s, whereAmI); at != standby.Port {
				t.Fatalf("replica%d answered on port %d, not %d", i+1, at, standby.Port)
			}
		}
	}
	if at := port(t, multidb.WithEngine(t.Context(), multidb.Primary), s, whereAmI); !s.isPrimary(at) {
		t.Errorf("the primary answered on port %d", at)
	}
	_, err := s.ExecContext(multidb.WithEngine(t.Context(), "replica1"), "CREATE TABLE t (id int)")
	if !errors.Is(err, multidb.ErrReadOnlyEngine) {
		t.Errorf("a write on a named replica: %v", err)
	}
}

func TestPostgresTransactionsStayOnTheirEngine(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int PRIMARY KEY)")
	prepared, err := s.PrepareContext(t.Context(), whereAmI)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	if at := port(t, t.Context(), stmtQuerier{prepared}, ""); !s.isStandby(at) {
		t.Errorf("a prepared read was answered on port %d", at)
	}
	err = multidb.RunInTx(t.Context(), s.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES (1)"); err != nil {
			return err
		}
		if at := port(t, ctx, tx, whereAmI); !s.isPrimary(at) {
			t.Errorf("a read inside the transaction was answered on port %d", at)
		}
		if at := port(t, ctx, stmtQuerier{tx.StmtContext(ctx, prepared)}, ""); !s.isPrimary(at) {
			t.Errorf("a statement prepared outside was answered on port %d", at)
		}
		_, err := tx.ExecContext(multidb.WithEngine(ctx, "replica1"), whereAmI)
		if !errors.Is(err, multidb.ErrTxEngine) {
			t.Errorf("another engine inside the transaction: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = multidb.RunInTx(t.Context(), s.DB, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		func(ctx context.Context, tx *sql.Tx) error {
			if at := port(t, ctx, tx, whereAmI); !s.isStandby(at) {
				t.Errorf("a read-only transaction is on port %d", at)
			}
			var isolation string
			if err := tx.QueryRowContext(ctx, "SHOW transaction_isolation").Scan(&isolation); err != nil {
				return err
			}
			if isolation != "repeatable read" {
				t.Errorf("isolation is %q", isolation)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

type stmtQuerier struct{ *sql.Stmt }

func (s stmtQuerier) QueryRowContext(ctx context.Context, _ string, args ...any) *sql.Row {
	return s.Stmt.QueryRowContext(ctx, args...)
}

func (s stmtQuerier) ExecContext(ctx context.Context, _ string, args ...any) (sql.Result, error) {
	return s.Stmt.ExecContext(ctx, args...)
}

func TestPostgresRunInTxRollsBackOnErrorAndPanic(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int)")
	insert := func(ctx context.Context, tx *sql.Tx) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	failure := errors.New("no")
	err := multidb.RunInTx(t.Context(), s.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		insert(ctx, tx)
		return failure
	})
	if err != failure {
		t.Errorf("the error is %v, not the function's own", err)
	}
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v", r)
			}
		}()
		multidb.RunInTx(t.Context(), s.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
			insert(ctx, tx)
			panic("boom")
		})
	}()
	ctx := multidb.WithEngine(t.Context(), multidb.Primary)
	if n := port(t, ctx, s, "SELECT count(*) FROM orders"); n != 0 {
		t.Errorf("%d rows were kept", n)
	}
	if stats := s.Stats(); stats.InUse != 0 {
		t.Errorf("%d connections were not given back", stats.InUse)
	}
}

func TestPostgresTextTransactionPinsTheConn(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int)")
	conn, err := s.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(query string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if at := port(t, t.Context(), conn, whereAmI); !s.isStandby(at) {
		t.Errorf("before BEGIN a read was answered on port %d", at)
	}
	run("BEGIN")
	run("INSERT INTO orders VALUES (1)")
	run("SAVEPOINT before")
	run("INSERT INTO orders VALUES (2)")
	run("ROLLBACK TO SAVEPOINT before")
	if n := port(t, t.Context(), conn, "SELECT count(*) FROM orders"); n != 1 {
		t.Errorf("inside the transaction there are %d rows, not its own 1", n)
	}
	if _, err := conn.ExecContext(multidb.WithEngine(t.Context(), "replica1"), whereAmI); !errors.Is(err, multidb.ErrTxEngine) {
		t.Errorf("another engine inside the transaction: %v", err)
	}
	run("COMMIT")
	if at := port(t, t.Context(), conn, whereAmI); !s.isStandby(at) {
		t.Errorf("after COMMIT a read was answered on port %d", at)
	}

	// A transaction that its user forgot must not reach the next one.
	run("BEGIN")
	run("INSERT INTO orders VALUES (3)")
	conn.Close()
	ctx := multidb.WithEngine(t.Context(), multidb.Primary)
	for range 20 {
		if n := port(t, ctx, s, "SELECT count(*) FROM orders"); n != 1 {
			t.Fatalf("there are %d rows, not 1", n)
		}
		if status := port(t, ctx, s, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"); status != 0 {
			t.Fatal("a session was left in a transaction")
		}
	}
}

func TestPostgresContextThatEndsInATransaction(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int)")
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := s.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tx.Commit(); err == nil {
		t.Error("Commit succeeded after the context had ended")
	}
	primary := multidb.WithEngine(t.Context(), multidb.Primary)
	for range 10 {
		if n := port(t, primary, s, "SELECT count(*) FROM orders"); n != 0 {
			t.Fatalf("%d rows were kept", n)
		}
	}
	waitNoneInUse(t, s)
}

// waitNoneInUse waits until database/sql has given back what a context ended; it
// does so in a goroutine of its own.
func waitNoneInUse(t testing.TB, s *shop) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		inUse := s.Stats().InUse
		for _, e := range multidb.FromDB(s.DB).Stats().Engines {
			inUse += e.Pool.InUse
		}
		if inUse == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("connections are still in use: %+v", multidb.FromDB(s.DB).Stats())
}

// Each of these users of one pool leaves state in its session. None may meet
// that of another.
func TestPostgresSessionStateIsNeverMetByTheNextUser(t *testing.T) {
	s := openShop(t, func(c *multidb.Config) { c.Primary.MaxOpen = 4 })
	role := fmt.Sprintf("clerk_%s", s.database)
	s.exec("CREATE ROLE " + role)
	s.t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), s.cluster.Primary().DSN("postgres"))
		if err == nil {
			defer conn.Close(context.Background())
			_, err = conn.Exec(context.Background(), "DROP ROLE "+role)
		}
		if err != nil {
			t.Error(err)
		}
	})
	states := []struct{ set, show, changed string }{
		{"SET ROLE " + role, "SELECT current_user::text", role},
		{"SET search_path TO elsewhere", "SELECT current_setting('search_path')", "elsewhere"},
		{"SELECT pg_advisory_lock(42)", "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "1"},
		{"SELECT set_config('app.tenant', 'acme', false)", "SELECT coalesce(current_setting('app.tenant', true), '')", "acme"},
		{"CREATE TEMP TABLE basket (id int)", "SELECT count(*)::text FROM pg_class WHERE relname = 'basket' AND pg_table_is_visible(oid)", "1"},
		{"LISTEN news", "SELECT count(*)::text FROM pg_listening_channels()", "1"},
		{"PREPARE greet AS SELECT 1", "SELECT count(*)::text FROM pg_prepared_statements WHERE name = 'greet'", "1"},
		{"DECLARE kept CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*)::text FROM pg_cursors WHERE name = 'kept'", "1"},
		{"SELECT 1 AS id INTO pg_temp.leak", "SELECT count(*)::text FROM pg_class WHERE relname = 'leak' AND pg_table_is_visible(oid)", "1"},
		{"EXPLAIN ANALYZE CREATE TEMP TABLE plan AS SELECT 1", "SELECT count(*)::text FROM pg_class WHERE relname = 'plan' AND pg_table_is_visible(oid)", "1"},
		{"UPDATE pg_settings SET setting = 'rewritten' WHERE name = 'application_name'", "SELECT current_setting('application_name')", "rewritten"},
		{"SELECT pg_create_physical_replication_slot('s' || pg_backend_pid(), true, true)",
			"SELECT count(*)::text FROM pg_replication_slots WHERE active_pid = pg_backend_pid()", "1"},
	}
	primary := multidb.WithEngine(t.Context(), multidb.Primary)
	var users sync.WaitGroup
	for user := range 8 {
		users.Go(func() {
			for round := range len(states) {
				state := states[(user+round)%len(states)]
				conn, err := s.Conn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for _, other := range states {
					var shown string
					if err := conn.QueryRowContext(primary, other.show).Scan(&shown); err != nil {
						t.Errorf("%s: %v", other.show, err)
					}
					if shown == other.changed {
						t.Errorf("a new user met the state of another: %s gives %q", other.show, shown)
					}
				}
				// By Exec and by Query in turn: both must be noticed.
				if round%2 == 0 {
					_, err = conn.ExecContext(t.Context(), state.set)
				} else {
					err = drain(conn.QueryContext(t.Context(), state.set))
				}
				if err != nil {
					t.Errorf("%s: %v", state.set, err)
				}
				// The session has its own state: pinned, without any choice.
				var shown string
				if err := conn.QueryRowContext(t.Context(), state.show).Scan(&shown); err != nil {
					t.Errorf("%s: %v", state.show, err)
				}
				if shown != state.changed {
					t.Errorf("the session lost its state: %s gives %q", state.show, shown)
				}
				conn.Close()
			}
		})
	}
	users.Wait()
	if n := port(t, primary, s, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); n != 0 {
		t.Errorf("%d advisory locks were left behind", n)
	}
}

func drain(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// State that ends with its transaction must not cost the connection.
func TestPostgresSetLocalKeepsTheConnection(t *testing.T) {
	s := openShop(t, nil)
	backends := make(map[int]bool)
	for range 10 {
		err := multidb.RunInTx(t.Context(), s.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "SET LOCAL statement_timeout = '5s'"); err != nil {
				return err
			}
			backends[port(t, ctx, tx, "SELECT pg_backend_pid()")] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(backends) != 1 {
		t.Errorf("10 transactions used %d backends", len(backends))
	}
}

func TestPostgresStalePlanIsPreparedAgain(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int, item text)")
	s.exec("INSERT INTO orders VALUES (1, 'tea')")
	for _, ctx := range []context.Context{t.Context(), multidb.WithEngine(t.Context(), multidb.Primary)} {
		stmt, err := s.PrepareContext(ctx, "SELECT * FROM orders")
		if err != nil {
			t.Fatal(err)
		}
		if err := drain(stmt.QueryContext(ctx)); err != nil {
			t.Fatal(err)
		}
		s.exec("DROP TABLE orders")
		s.exec("CREATE TABLE orders (id int, item text, price numeric, note text)")
		for range 4 {
			rows, err := stmt.QueryContext(ctx)
			if err != nil {
				t.Fatalf("after DROP and CREATE: %v", err)
			}
			columns, err := rows.Columns()
			rows.Close()
			if err != nil || len(columns) != 4 {
				t.Errorf("columns are %v, %v", columns, err)
			}
		}
		stmt.Close()
		s.exec("ALTER TABLE orders DROP COLUMN note, DROP COLUMN price")
	}
}

func TestPostgresErrorsAreThoseOfPgx(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int PRIMARY KEY)")
	s.exec("INSERT INTO orders VALUES (1)")
	direct, err := sql.Open("pgx", s.cluster.Primary().DSN(s.database))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	for _, query := range []string{
		"INSERT INTO orders VALUES (1)",
		"SELEKT 1",
		"SELECT * FROM nowhere",
		"SELECT 1/0",
	} {
		_, ours := s.ExecContext(t.Context(), query)
		_, theirs := direct.ExecContext(t.Context(), query)
		var pgErr *pgconn.PgError
		if !errors.As(ours, &pgErr) || ours.Error() != theirs.Error() || fmt.Sprintf("%T", ours) != fmt.Sprintf("%T", theirs) {
			t.Errorf("%s: %T %v, but directly %T %v", query, ours, ours, theirs, theirs)
		}
	}
}

// After a restart all idle connections are dead. The first statement may find
// that out; none may fail for it.
func TestPostgresIdleConnectionsThatDiedCostNoStatement(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int)")
	warm := func() {
		var users sync.WaitGroup
		for range 16 {
			users.Go(func() {
				err := drain(s.QueryContext(multidb.WithEngine(t.Context(), multidb.Primary), "SELECT pg_sleep(0.05)"))
				if err != nil {
					t.Error(err)
				}
			})
		}
		users.Wait()
	}
	warm()
	killer, err := pgx.Connect(t.Context(), s.cluster.Primary().DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close(t.Context())
	var killed int
	err = killer.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
		WHERE datname = $1 AND pid <> pg_backend_pid()`, s.database).Scan(&killed)
	if err != nil || killed < 10 {
		t.Fatalf("%d backends were terminated: %v", killed, err)
	}
	for i := range 40 {
		if _, err := s.ExecContext(t.Context(), "INSERT INTO orders VALUES ($1)", i); err != nil {
			t.Errorf("insert %d: %v", i, err)
		}
	}
	primary := multidb.WithEngine(t.Context(), multidb.Primary)
	if n := port(t, primary, s, "SELECT count(*) FROM orders"); n != 40 {
		t.Errorf("%d rows, not 40", n)
	}
}

func TestPostgresPlainDSNIsPgx(t *testing.T) {
	cluster := testdb.Postgres(t)
	db, err := sql.Open("multidb", cluster.Primary().DSN(cluster.Database(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// With one connection the session's state stays, as it does with pgx alone.
	for _, query := range []string{"CREATE TEMP TABLE basket (id int)", "INSERT INTO basket VALUES (1)", "SET search_path TO pg_temp"} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if n := port(t, t.Context(), db, "SELECT count(*) FROM basket"); n != 1 {
		t.Errorf("the temporary table has %d rows", n)
	}
	if open := db.Stats().OpenConnections; open != 1 {
		t.Errorf("%d connections are open", open)
	}
}

// Native access: COPY with pgx's own CopyFrom, through a *sql.DB of multidb.
func TestPostgresCopyFromThroughRaw(t *testing.T) {
	s := openShop(t, nil)
	s.exec("CREATE TABLE orders (id int, item text)")
	conn, err := s.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const rows = 10_000
	var copied int64
	err = conn.Raw(func(c any) error {
		return c.(*multidb.Conn).Raw(t.Context(), func(child any) error {
			var err error
			copied, err = child.(*stdlib.Conn).Conn().CopyFrom(t.Context(), pgx.Identifier{"orders"}, []string{"id", "item"},
				pgx.CopyFromSlice(rows, func(i int) ([]any, error) { return []any{i, "tea"}, nil }))
			return err
		})
	})
	if err != nil || copied != rows {
		t.Fatalf("copied %d rows: %v", copied, err)
	}
	// The session is pinned to where Raw went.
	if at := port(t, t.Context(), conn, whereAmI); !s.isPrimary(at) {
		t.Errorf("after Raw the session is on port %d", at)
	}
	if n := port(t, t.Context(), conn, "SELECT count(*) FROM orders"); n != rows {
		t.Errorf("the primary has %d rows", n)
	}
}

func TestPostgresRulesSendStatementsToOtherDatabases(t *testing.T) {
	var secondary string
	s := openShop(t, func(c *multidb.Config) {
		cluster := testdb.Postgres(t)
		secondary = cluster.Database(t)
		c.Replicas = nil
		c.Databases = map[string]multidb.Database{
			"secondary": {Primary: multidb.Engine{DSN: cluster.Primary().DSN(secondary)}},
		}
		c.Rules = []multidb.Rule{{Verbs: []string{"insert", "update", "delete"}, Use: "secondary"}}
	})
	onSecondary := multidb.WithDatabase(t.Context(), "secondary")
	for _, ctx := range []context.Context{t.Context(), onSecondary} {
		if _, err := s.ExecContext(ctx, "CREATE TABLE orders (database text)"); err != nil {
			t.Fatal(err)
		}
	}
	var database string
	row := s.QueryRowContext(t.Context(), "INSERT INTO orders VALUES (current_database()) RETURNING database")
	if err := row.Scan(&database); err != nil || database != secondary {
		t.Errorf("the insert ran in %q: %v", database, err)
	}
	if n := port(t, t.Context(), s, "SELECT count(*) FROM orders"); n != 0 {
		t.Errorf("the default database has %d rows", n)
	}
	if n := port(t, onSecondary, s, "SELECT count(*) FROM orders"); n != 1 {
		t.Errorf("the secondary database has %d rows", n)
	}
	err := multidb.RunInTx(t.Context(), s.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM orders")
		return err
	})
	if !errors.Is(err, multidb.ErrTxDatabase) {
		t.Errorf("a rule that leads out of the transaction: %v", err)
	}
	err = multidb.RunInTx(onSecondary, s.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM orders")
		return err
	})
	if err != nil {
		t.Errorf("inside the secondary database: %v", err)
	}
}

// A text that commits and leaves another transaction open is no part of that one:
// pgx calls its lost reply safe to repeat, and it is not.
func TestPostgresALostReplyToATextThatCommits(t *testing.T) {
	for name, text := range map[string]string{
		"and begins":        "BEGIN; INSERT INTO t VALUES (1); COMMIT; BEGIN",
		"begun before":      "INSERT INTO t VALUES (1); COMMIT; BEGIN",
		"and chains":        "BEGIN; INSERT INTO t VALUES (1); COMMIT AND CHAIN",
		"writes and begins": "INSERT INTO t VALUES (1); BEGIN",
	} {
		t.Run(name, func(t *testing.T) {
			var proxy *testdb.Proxy
			onPrimary := multidb.WithEngine(t.Context(), multidb.Primary)
			s := openShop(t, func(c *multidb.Config) {
				proxy = testdb.NewProxy(t, c.Primary.DSN)
				c.Primary.DSN = proxy.DSN
			})
			s.exec("CREATE TABLE t (id int)")
			port(t, onPrimary, s, whereAmI) // pgx asks the server before it uses a connection for the second time
			check(t, proxy.Set(testdb.CutNext))
			_, err := s.ExecContext(t.Context(), text)
			if !errors.Is(err, multidb.ErrUnknownOutcome) {
				t.Errorf("got %T %v, want ErrUnknownOutcome", err, err)
			}
			var n int
			check(t, s.QueryRowContext(onPrimary, "SELECT count(*) FROM t").Scan(&n))
			if n > 1 {
				t.Errorf("the write was done %d times", n)
			}
		})
	}
}

// hangingConnector makes no new connections while hang is set, as behind a name
// server that does not answer. Those that are open go on.
type hangingConnector struct {
	driver.Connector
	hang *atomic.Bool
}

func (h hangingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if h.hang.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.Connector.Connect(ctx)
}

// Rows that a replica sends are read to their end though it seems to hang: no new
// connection to it can be made, and no call on it ends.
func TestPostgresRowsGoOnWhenNewConnectionsHang(t *testing.T) {
	cluster := testdb.Postgres(t)
	name := cluster.Database(t)
	var hang atomic.Bool
	replica := hangingConnector{stdlib.GetConnector(*must(pgx.ParseConfig(cluster.Standbys()[0].DSN(name)))), &hang}
	db := openConfig(t, multidb.Config{
		ConnectTimeout: multidb.Duration(100 * time.Millisecond),
		Primary:        multidb.Engine{DSN: cluster.Primary().DSN(name)},
		Replicas:       []multidb.Engine{{Driver: "pgx", Connector: replica}},
	})
	defer db.Close()
	state := func() string {
		e, _ := multidb.FromDB(db).Stats().Engine("replica1")
		return e.State
	}
	const all = 100_000 // more than the network holds
	rows := must(db.Query("SELECT repeat('x', 1000) FROM generate_series(1, $1)", all))
	defer rows.Close()
	hang.Store(true)
	read := 0
	for ; state() != multidb.Down; read++ { // read slowly until that is noticed
		if !rows.Next() {
			t.Fatalf("the end came after %d rows: %v", read, rows.Err())
		}
		time.Sleep(time.Millisecond)
	}
	for rows.Next() {
		read++
	}
	if err := rows.Err(); err != nil || read != all {
		t.Errorf("%d rows, %v", read, err)
	}
}

// A primary to which no new connection can be made is asked for its role, and
// writes, by the one that is open.
func TestPostgresWritesGoOnWhenNewConnectionsHang(t *testing.T) {
	cluster := testdb.Postgres(t)
	name := cluster.Database(t)
	var hang atomic.Bool
	primary := hangingConnector{stdlib.GetConnector(*must(pgx.ParseConfig(cluster.Primary().DSN(name)))), &hang}
	db := openConfig(t, multidb.Config{
		Discover:       true,
		ConnectTimeout: multidb.Duration(200 * time.Millisecond),
		Primary:        multidb.Engine{Driver: "pgx", Connector: primary},
		Replicas:       []multidb.Engine{{DSN: cluster.Standbys()[0].DSN(name)}},
	})
	defer db.Close()
	must(db.Exec("CREATE TABLE t (id int)"))
	tx := must(db.Begin()) // has the one connection
	hang.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := db.ExecContext(ctx, "INSERT INTO t VALUES (0)"); err == nil {
		t.Error("there was a second connection")
	}
	check(t, tx.Commit())
	for range 30 { // longer than the roles are believed in
		must(db.Exec("INSERT INTO t VALUES (1)"))
		time.Sleep(100 * time.Millisecond)
	}
	if e, _ := multidb.FromDB(db).Stats().Engine("primary"); e.State != multidb.Down {
		t.Errorf("the primary is %s, so the test shows nothing", e.State)
	}
}
