package integration

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// Without interpolateParams the driver answers ErrSkip to a statement with
// arguments, and database/sql prepares it: two ways through multidb.
var mysqlPrepared, mysqlInterpolated = mysqlDrivers(testdb.MariaDB)

// mysqlDrivers are on the cluster that the test asks for.
func mysqlDrivers(cluster func(testing.TB) *testdb.MariaDBCluster) (prepared, interpolated childDriver) {
	return mysqlDriver("mysql", "?multiStatements=true", cluster),
		mysqlDriver("mysql interpolated", "?interpolateParams=true&parseTime=true&loc=Local", cluster)
}

func mysqlDriver(name, options string, cluster func(testing.TB) *testdb.MariaDBCluster) childDriver {
	return childDriver{
		name:     name,
		driver:   "mysql",
		whereAmI: "SELECT @@server_id",
		servers: func(t testing.TB) servers {
			cluster := cluster(t)
			database := cluster.Database(t)
			s := servers{primary: cluster.Primary().DSN(database) + options, catchUp: cluster.WaitReplay}
			for _, replica := range cluster.Replicas() {
				s.replicas = append(s.replicas, replica.DSN(database)+options)
			}
			return s
		},
		kinds: []string{
			`CREATE TABLE kinds (id INT PRIMARY KEY, i1 TINYINT, u1 TINYINT UNSIGNED, i2 SMALLINT, i3 MEDIUMINT, i8 BIGINT,
				u8 BIGINT UNSIGNED, f4 FLOAT, f8 DOUBLE, num DECIMAL(20,5), bits BIT(8), yes BOOLEAN, ch CHAR(5),
				txt VARCHAR(40) NOT NULL DEFAULT '', bin BINARY(4), vb VARBINARY(9), tt TEXT, bl BLOB, d DATE, dt DATETIME(6),
				ts TIMESTAMP(3) NULL, tod TIME, y YEAR, en ENUM('a', 'b'), st SET('a', 'b'), j JSON)`,
			`INSERT INTO kinds VALUES (1, -1, 255, -2, -3, -9223372036854775808, 18446744073709551615, 1.5, 2.25, 12345.67890,
				b'101', TRUE, 'ch', 'text', X'00ff', X'00ff', 'text ü', X'00ff', '2024-02-29', '2024-02-29 12:34:56.789',
				'2024-02-29 12:34:56.789', '12:34:56', 2024, 'b', 'a,b', '{"a": 1}')`,
			`INSERT INTO kinds (id) VALUES (2)`,
		},
		arguments: []any{"tea", []byte("milk"), "ü", `it's a \ "quote"`, 12, uint64(1 << 63), 1.5, true, nil,
			time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC), struct{}{}},
		mistakes: []string{"INSERT INTO visits VALUES (2, REPEAT('x', 41))", "SELECT 1 FROM visits WHERE id =", ""},
		states: []state{
			{"SET @tenant = 'acme'", "SELECT COALESCE(@tenant, '')", "acme"},
			{"SET SESSION group_concat_max_len = 77", "SELECT @@group_concat_max_len", "77"},
			{"SELECT GET_LOCK('lock', 20)", "SELECT COALESCE(IS_USED_LOCK('lock') = CONNECTION_ID(), 0)", "1"},
			{"CREATE TEMPORARY TABLE basket SELECT 2 AS id", "SELECT MAX(id) FROM basket", "2"},
			{"SET NAMES latin1", "SELECT @@character_set_client", "latin1"},
			{"START TRANSACTION", "SELECT @@in_transaction", "1"},
			{"USE mysql", "SELECT DATABASE()", "mysql"},
		},
	}
}

func lossyMySQL(d childDriver) lossy {
	return lossy{
		childDriver: d,
		slowWrite:   "INSERT INTO visits SELECT SLEEP(60), 'slow'",
		count: `SELECT COUNT(*) FROM information_schema.processlist
			WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE 'INSERT INTO visits SELECT SLEEP%'`,
		kill: killMySQLSessions,
	}
}

// killMySQLSessions ends all sessions of the database but its own.
func killMySQLSessions(t testing.TB, f *fleet) {
	t.Helper()
	const others = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
	conn := mustConn(t, f.direct)
	defer conn.Close()
	rows, err := conn.QueryContext(t.Context(), strings.Replace(others, "COUNT(*)", "id", 1))
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		t.Fatalf("%d sessions to kill: %v", len(ids), err)
	}
	for _, id := range ids {
		mustExec(t, conn, fmt.Sprint("KILL ", id))
	}
	waitFor(t, conn, "0", others)
}

// A statement while rows of the same connection are open fails as directly, where
// the driver loses the connection by it. No other connection is lost.
func TestMySQLBusyConnection(t *testing.T) {
	f := mysqlPrepared.open(t, nil)
	f.exec(createVisits)
	sessions := make([]*sql.Conn, 8)
	before := make(map[string]bool)
	for i := range sessions {
		sessions[i] = mustConn(t, f.DB)
		before[scan(t, f.onPrimary(), sessions[i], "SELECT CONNECTION_ID()")] = true
	}
	for _, session := range sessions {
		session.Close()
	}
	// The driver watches a context that can end until the rows are closed, and
	// gives up the connection if there is another; with one that can not, its
	// buffer is busy.
	for name, ctx := range map[string]context.Context{"a context that can end": t.Context(), "one that can not": context.Background()} {
		same(f, name, func(db *sql.DB) []failure {
			tx := mustBegin(t, db, nil)
			defer tx.Rollback()
			rows, err := tx.QueryContext(ctx, "SELECT seq FROM seq_1_to_100000")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			rows.Next()
			_, busy := tx.ExecContext(ctx, "INSERT INTO visits VALUES (1, 'tea')")
			return []failure{failureOf(busy), failureOf(rows.Close())}
		})
	}
	same(f, "outside of a transaction", func(db *sql.DB) failure {
		conn := mustConn(t, db)
		defer conn.Close()
		ctx := multidb.WithEngine(context.Background(), multidb.Primary)
		rows, err := conn.QueryContext(ctx, "SELECT seq FROM seq_1_to_100000")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		rows.Next()
		_, busy := conn.ExecContext(ctx, "INSERT INTO visits VALUES (1, 'tea')")
		return failureOf(busy)
	})
	alive := scan(t, t.Context(), f.direct, "SELECT GROUP_CONCAT(id) FROM information_schema.processlist")
	kept := 0
	for _, id := range strings.Split(alive, ",") {
		if before[id] {
			kept++
		}
	}
	if kept < len(sessions)-3 {
		t.Errorf("of %d connections %d are left after 3 were lost", len(sessions), kept)
	}
}

func TestMySQLLastInsertID(t *testing.T) {
	for _, d := range []childDriver{mysqlPrepared, mysqlInterpolated} {
		t.Run(d.name, func(t *testing.T) {
			f := d.open(t, nil)
			f.exec("CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, item VARCHAR(20))")
			result := mustExec(t, f, "INSERT INTO orders (item) VALUES (?), (?), ('milk')", "tea", "salt")
			if e := effectOf(result, nil); e != (effect{LastInsertID: 1, RowsAffected: 3}) {
				t.Errorf("the effect is %+v", e)
			}
			// Many sessions at once: each meets its own connection.
			var sessions sync.WaitGroup
			for range 8 {
				sessions.Go(func() {
					conn, err := f.Conn(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					for range 5 {
						result, err := conn.ExecContext(t.Context(), "INSERT INTO orders (item) VALUES (?)", "tea")
						if err != nil {
							t.Error(err)
							return
						}
						id, _ := result.LastInsertId()
						var got int64
						err = conn.QueryRowContext(t.Context(), "SELECT LAST_INSERT_ID()").Scan(&got)
						if err != nil || got != id {
							t.Errorf("LAST_INSERT_ID is %d, not %d: %v", got, id, err)
						}
					}
				})
			}
			sessions.Wait()
		})
	}
}

// The text of a statement with arguments is prepared by database/sql when the
// driver answers ErrSkip: not once more than without multidb. A statement that
// the program prepared is prepared once on each child.
func TestMySQLPreparesNoMoreThanDirectly(t *testing.T) {
	for _, d := range []childDriver{mysqlPrepared, mysqlInterpolated} {
		t.Run(d.name, func(t *testing.T) {
			f := d.open(t, nil)
			f.exec(createVisits)
			// One connection each, so that its own counters tell.
			prepared := func(db *sql.DB, ctx context.Context, do func(conn *sql.Conn)) string {
				conn := mustConn(t, db)
				defer conn.Close()
				count := func() (n int) {
					var name string
					row := conn.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'")
					if err := row.Scan(&name, &n); err != nil {
						t.Fatal(err)
					}
					return n
				}
				before := count()
				do(conn)
				return fmt.Sprint(count() - before)
			}
			for _, engine := range []string{multidb.Primary, multidb.Replica} {
				ctx := multidb.WithEngine(t.Context(), engine)
				for what, do := range map[string]func(conn *sql.Conn){
					"queries": func(conn *sql.Conn) {
						for i := range 5 {
							if err := drain(conn.QueryContext(ctx, "SELECT note FROM visits WHERE id = ?", i)); err != nil {
								t.Error(err)
							}
						}
					},
					"a prepared query": func(conn *sql.Conn) {
						stmt, err := conn.PrepareContext(ctx, "SELECT id FROM visits WHERE id = ?")
						if err != nil {
							t.Fatal(err)
						}
						defer stmt.Close()
						for i := range 50 {
							if err := drain(stmt.QueryContext(ctx, i)); err != nil {
								t.Error(err)
							}
						}
					},
					"updates": func(conn *sql.Conn) {
						if engine == multidb.Replica {
							return
						}
						for i := range 5 {
							if _, err := conn.ExecContext(ctx, "UPDATE visits SET note = 'x' WHERE id = ?", i); err != nil {
								t.Error(err)
							}
						}
					},
				} {
					same(f, fmt.Sprintf("prepares of %s on the %s", what, engine), func(db *sql.DB) string {
						return prepared(db, ctx, do)
					})
				}
			}
		})
	}
}

func TestMySQLMultipleResultSets(t *testing.T) {
	f := mysqlPrepared.open(t, nil)
	f.exec(createVisits)
	f.exec("INSERT INTO visits VALUES (1, 'tea'), (2, 'milk')")
	for _, query := range []string{
		"SELECT id FROM visits ORDER BY id; SELECT note FROM visits ORDER BY id; SELECT 1 FROM visits WHERE id = 9",
		"SELECT id FROM visits ORDER BY id; UPDATE visits SET note = 'x' WHERE id = 9; SELECT note FROM visits ORDER BY id",
		"SELECT id FROM visits ORDER BY id; SELEKT 1",
	} {
		same(f, query, func(db *sql.DB) answer { return answerOf(db.QueryContext(t.Context(), query)) })
	}
	routed := f.readsRouted()
	if err := drain(f.QueryContext(t.Context(), "SELECT @@server_id; SELECT 2")); err != nil || f.readsRouted() != routed+1 {
		t.Errorf("two reads in one text did not go to a replica: %v", err)
	}
	same(f, "two writes in one text", func(db *sql.DB) effect {
		return effectOf(db.ExecContext(t.Context(), "DELETE FROM visits WHERE id = 8; DELETE FROM visits WHERE id = 9"))
	})
}
