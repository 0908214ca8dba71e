package multidb

import (
	"slices"
	"strings"
	"testing"

	"github.com/multidb-go/multidb/internal/sqlcases"
)

func dialectNamed(name string) Dialect {
	for d := Generic; d <= SQLite; d++ {
		if d.String() == name {
			return d
		}
	}
	panic("no dialect " + name)
}

func TestClassify(t *testing.T) {
	for _, c := range sqlcases.All() {
		s := Classify(dialectNamed(c.Dialect), c.Query)
		if s.Kind.String() != c.Kind || s.Reason != c.Reason {
			t.Errorf("%s: %s\n\tis a %s (%s), want a %s (%s)", c.Dialect, c.Query, s.Kind, s.Reason, c.Kind, c.Reason)
		}
		if s.Kind == KindRead && (s.Mutates || s.Session || s.Tx != TxNone || s.Writes != nil) {
			t.Errorf("%s: %s\n\tis a read that does something: %+v", c.Dialect, c.Query, s)
		}
	}
}

// To the generic dialect a read is what all dialects agree about.
func TestClassifyGeneric(t *testing.T) {
	for _, c := range []struct {
		query string
		read  bool
	}{
		{`SELECT id, count(*) FROM users WHERE name = 'x' GROUP BY id`, true},
		{`SELECT 1 -- remark`, true},
		{`SELECT 1 # no remark to PostgreSQL and SQLite`, false},
		{`SELECT 1 /*! INTO OUTFILE 'x' */`, false},
		{`SELECT /* /* */ f() -- */`, false},
		{`SELECT 'a\'`, false},
		{`SELECT string_agg(name, ',') FROM users`, false},
		{`SELECT * FROM [CANCEL JOB 5]`, false},
		{`SELECT * FROM [orders]`, true}, // SQL Server
		{"SELECT 1 -- a\r, f()", false},
		{`SELECT "u"."id" FROM "public"."users" AS "u" JOIN "orders" "o" ON "o"."id" = "u"."id" WHERE "u"."id" IN (SELECT "id" FROM "x")`, true},
		{"SELECT `u`.`id` FROM `users` AS `u`, `shop`.`orders` `o` WHERE `u`.`id` = 1", true},
		{`SELECT * FROM users u, LATERAL (SELECT * FROM orders o WHERE o.id = u.id) x`, true},
		{`SELECT * FROM users FETCH FIRST 10 ROWS ONLY`, true},
		{`SELECT * FROM users OFFSET 5 ROWS`, true},
		{`SELECT count (*) FROM users`, false}, // to MySQL a stored function
	} {
		if s := Classify(Generic, c.query); (s.Kind == KindRead) != c.read {
			t.Errorf("%s: %s (%s)", c.query, s.Kind, s.Reason)
		}
	}
	for _, d := range []Dialect{Postgres, MySQL, SQLite} { // what ORMs write
		for _, query := range sqlcases.Generated(d.String(), 300) {
			if s := Classify(Generic, query); s.Kind != KindRead {
				t.Fatalf("%s: %s (%s)", query, s.Kind, s.Reason)
			}
		}
	}
}

// Placeholders and casts of one dialect do not hide the rest from the generic one.
func TestClassifyGenericPlaceholders(t *testing.T) {
	for _, query := range []string{
		`INSERT INTO t VALUES ($1)`,
		`INSERT INTO t (a, b) VALUES (?, ?)`,
		`INSERT INTO t VALUES ($1::int, '1'::numeric(10, 2)) ON CONFLICT DO NOTHING`,
		`UPDATE t SET a = $1::text WHERE b = $2`,
		`DELETE FROM t WHERE a = :id`,
	} {
		if s := Classify(Generic, query); s.Kind != KindWrite || s.Session || !s.TablesKnown || !sameNames(s.Writes, "t") || s.Reads != nil {
			t.Errorf("%s: %+v, want a write to t that leaves nothing on its connection", query, s)
		}
	}
	for _, query := range []string{`SELECT a FROM t WHERE b = $1`, `SELECT a::text FROM t WHERE b = ?`} {
		if s := Classify(Generic, query); s.Kind != KindRead || !s.TablesKnown || !sameNames(s.Reads, "t") {
			t.Errorf("%s: %+v, want a read of t", query, s)
		}
	}
	if s := Classify(Generic, `SELECT a::int; DELETE FROM t`); s.Kind != KindWrite || !s.Mutates {
		t.Errorf("behind a cast: %+v", s)
	}
}

func TestClassifyTransactionEffect(t *testing.T) {
	for _, c := range []struct {
		dialect Dialect
		query   string
		want    TxEffect
	}{
		{Postgres, `SELECT 1`, TxNone},
		{Postgres, `BEGIN`, TxBegin},
		{Postgres, `START TRANSACTION`, TxBegin},
		{Postgres, `COMMIT`, TxEnd},
		{Postgres, `ROLLBACK WORK`, TxEnd},
		{Postgres, `END`, TxEnd},
		{Postgres, `ABORT`, TxEnd},
		{Postgres, `COMMIT AND CHAIN`, TxBegin},
		{Postgres, `COMMIT AND NO CHAIN`, TxEnd},
		{Postgres, `PREPARE TRANSACTION 'x'`, TxEnd},
		{Postgres, `COMMIT PREPARED 'x'`, TxNone},
		{Postgres, `SAVEPOINT a`, TxNone},
		{Postgres, `RELEASE a`, TxNone},
		{Postgres, `ROLLBACK TO a`, TxNone},
		{Postgres, `ROLLBACK WORK TO SAVEPOINT a`, TxNone},
		{Postgres, `BEGIN; DELETE FROM t; COMMIT`, TxEnd},
		{Postgres, `COMMIT; BEGIN`, TxBegin},
		{Postgres, `SET LOCAL x = 1`, TxNone},
		{MySQL, `XA START 'x'`, TxBegin},
		{MySQL, `XA COMMIT 'x'`, TxEnd},
		{SQLite, `BEGIN IMMEDIATE`, TxBegin},
		{SQLite, `SAVEPOINT a`, TxBegin}, // opens a transaction if there is none
		{SQLite, `CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END`, TxNone},
		{SQLite, `CREATE VIRTUAL TABLE t USING fts4(a ; COMMIT ; b)`, TxNone},
		{SQLite, `CREATE VIRTUAL TABLE t USING fts5(a); COMMIT`, TxEnd},
		{Postgres, `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN atomic END FROM z; END`, TxNone},
		{MySQL, `CREATE DEFINER=root@localhost PROCEDURE p() BEGIN START TRANSACTION; UPDATE a SET a = 1; COMMIT; END`, TxNone},
		{MySQL, `CREATE OR REPLACE DEFINER = CURRENT_USER() SQL SECURITY INVOKER PROCEDURE p() BEGIN COMMIT; END`, TxNone},
		{MySQL, `ALTER EVENT e DO BEGIN COMMIT; END`, TxNone},
		{Postgres, `CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); NOTIFY x); COMMIT`, TxEnd},
		{Generic, `CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ begin return 1; end $$`, TxNone},
		{MySQL, `SET STATEMENT max_statement_time = 10 FOR START TRANSACTION`, TxBegin},
		{MySQL, `SET STATEMENT max_statement_time = 10 FOR COMMIT`, TxEnd},
		{MySQL, `SET STATEMENT max_statement_time = 10 FOR SELECT 1`, TxNone},
		{SQLite, `CREATE VIRTUAL TABLE t USING fts4(a,;);BEGIN`, TxBegin},
		{MySQL, `CREATE PROCEDURE p() IF 1 THEN COMMIT; ROLLBACK; END IF`, TxNone},
		{MySQL, `IF 0 THEN SELECT 1; COMMIT; END IF`, TxBegin}, // perhaps
		{MySQL, `IF 0 THEN SELECT 1; END IF`, TxNone},
		{MySQL, `IF 0 THEN SELECT 1; END IF; START TRANSACTION`, TxBegin},
		{MySQL, `FOR share IN 1..0 DO SELECT 1; COMMIT; END FOR`, TxBegin},
		{MySQL, `SET STATEMENT max_statement_time = 1 FOR IF 0 THEN SELECT 1; COMMIT; END IF`, TxBegin},
		{MySQL, `COMMIT; IF 1 THEN SELECT 1; END IF`, TxBegin},
		{MySQL, `COMMIT; SELECT ` + strings.Repeat("(", 1001) + `1` + strings.Repeat(")", 1001) + `; BEGIN`, TxBegin}, // too many to read on
		{MySQL, `COMMIT /*+ ' */ AND CHAIN`, TxBegin},
		{MySQL, `CREATE PROCEDURE p() BEGIN SELECT 1; END; START TRANSACTION`, TxBegin},
		{MySQL, `CREATE PROCEDURE p() BEGIN SELECT 1; END; BEGIN`, TxBegin},
		{MySQL, `CREATE PROCEDURE p() BEGIN SELECT 1; END; START TRANSACTION; UPDATE t SET a = CASE WHEN a = 1 THEN 2 END`, TxBegin},
		{MySQL, `CREATE PROCEDURE p() BEGIN BEGIN SELECT 1; END; END`, TxNone},
		{MySQL, `CREATE PROCEDURE p() BEGIN START TRANSACTION; COMMIT; END`, TxNone},
		{SQLite, `COMMIT; FROBNICATE`, TxEnd},
		{MySQL, `COMMIT; SELECT 1 AS $a$; BEGIN`, TxBegin},                          // in a name or a string
		{MySQL, `COMMIT; CREATE PROCEDURE p() BEGIN SELECT 1; END; BEGIN`, TxBegin}, // perhaps
		{MySQL, `/*!50701 COMMIT */`, TxBegin},                                      // MariaDB does not run it
		{Postgres, `CREATE FUNCTION f(IN begin atomic) RETURNS int LANGUAGE sql AS 'SELECT 1'; BEGIN`, TxBegin},
		{MySQL, `CREATE PROCEDURE IF NOT EXISTS p() IF NOT EXISTS (SELECT 1) THEN COMMIT; ROLLBACK; END IF`, TxNone},
		{MySQL, `CREATE FUNCTION f() RETURNS INT RETURN IF(1, 2, 3); BEGIN`, TxBegin},
		{MySQL, `CREATE FUNCTION f() RETURNS INT RETURN CASE 1 WHEN 1 THEN 2 END; BEGIN`, TxBegin},
		{MySQL, `CREATE PROCEDURE p() SELECT * FROM t FOR UPDATE; BEGIN`, TxBegin},
		{MySQL, `CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET new.a = if(new.a, 1, 2); COMMIT`, TxEnd},
		{SQLite, `EXPLAIN CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END`, TxNone},
		{SQLite, `CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT begin end FROM b; DELETE FROM c; END`, TxNone},
	} {
		if s := Classify(c.dialect, c.query); s.Tx != c.want {
			t.Errorf("%s: %s: effect %d, want %d", c.dialect, c.query, s.Tx, c.want)
		}
	}
}

// Mutates and Session say what Kind hides behind something stricter.
func TestClassifyMutatesAndSession(t *testing.T) {
	for _, c := range []struct {
		dialect          Dialect
		query            string
		mutates, session bool
	}{
		{Postgres, `SELECT * FROM t FOR UPDATE`, false, false},
		{Postgres, `SELECT currval('s')`, false, false},
		{Postgres, `SELECT pg_advisory_lock(1)`, false, true},
		{Postgres, `SELECT nextval('s')`, true, false},
		{Postgres, `SELECT f()`, true, false},
		{Postgres, `DELETE FROM t`, true, false},
		{Postgres, `SET x = 1`, false, true},
		{Postgres, `SET x = 1; DELETE FROM t`, true, true},
		{Postgres, `BEGIN`, false, false},
		{Postgres, `BEGIN; SET x = 1; COMMIT`, false, true},
		{Postgres, `BEGIN; SET LOCAL x = 1; COMMIT`, false, false},
		{Postgres, `COMMIT PREPARED 'x'`, true, false},
		{Postgres, `LISTEN c`, false, true},
		{Postgres, `EXECUTE p`, true, true},
		{Postgres, `CREATE TEMP TABLE t (a int)`, true, true},
		{Postgres, `FROBNICATE`, true, true},
		{Postgres, `INSERT INTO t AS x (a[OPERATOR(pg_catalog.-) set_limit(0.5)::int]) VALUES (1)`, true, true},
		{MySQL, `SET GLOBAL x = 1`, true, true},
		{SQLite, `ATTACH 'x' AS y`, false, true},
		{SQLite, `ATTACH 'x' AS f(1)`, true, true}, // an expression
		{SQLite, `ATTACH 'x' IN pragma_optimize AS y`, true, true},
		{SQLite, `ATTACH (SELECT 'x') AS y`, true, true},
		{SQLite, `ATTACH lower('X') AS y`, false, true},
		{MySQL, `DROP PREPARE p`, false, true},
		{SQLite, `DETACH rows(1)`, true, true},
		{SQLite, `PRAGMA foreign_keys = ON`, false, true},
		{SQLite, `PRAGMA user_version = 1`, true, true},
		{Postgres, `UPDATE pg_settings SET setting = 1`, true, true},
		{Postgres, `UPDATE U&"pg_settings" SET setting = 1`, true, true},
		{Postgres, `CREATE FUNCTION U&"pg_temp".f() RETURNS int LANGUAGE SQL AS 'SELECT 1'`, true, true},
		{Postgres, `CREATE TABLE db.pg_temp.x (a int)`, true, true},
		{Postgres, `SELECT shop.currval()`, true, false},
		{Postgres, `SELECT substring(x FOR update(1))`, true, false},
		{Postgres, `SELECT substring(x FOR no - pg_advisory_lock(1)::int)`, false, true},
		{Postgres, `WITH RECURSIVE w (by) AS (SELECT 1) SEARCH BREADTH FIRST BY by SET x SELECT pg_advisory_lock(1)`, false, true},
		{Postgres, `CREATE TABLE x AS EXECUTE p`, true, true},
		{Postgres, `CREATE VIEW v AS SELECT * FROM pg_temp.t`, true, true},
		{Postgres, `CREATE FUNCTION f(begin atomic) RETURNS int AS 'select 1' LANGUAGE sql; SET x = 1`, true, true},
		{Postgres, `SELECT shop.pg_advisory_lock(1)`, true, true},
		{Postgres, `SET local.foo = 'x'`, false, true},
		{Postgres, `PREPARE transaction AS SELECT 1`, true, true},
		{Postgres, `CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (new.begin > 1) EXECUTE FUNCTION f(); LISTEN x`, true, true},
		{Postgres, `CREATE TRIGGER g BEFORE INSERT ON begin EXECUTE FUNCTION f(); LISTEN x`, true, true},
		{SQLite, `CREATE TRIGGER g INSERT ON begin WHEN new.begin BEGIN SELECT 1; END; PRAGMA foreign_keys = ON`, true, true},
		{Postgres, `SELECT 1 AS a INTO db.pg_temp.x`, true, true},
		{Postgres, `SELECT pg_backup_start('x')`, true, true},
		{MySQL, `SHOW STATUS WHERE (@x:=1)`, false, true},
		{MySQL, `SET sql_mode = '', GLOBAL max_connections = 100`, true, true},
		{MySQL, `SET @@persist.x = 1`, true, true},
		{MySQL, `SET @@session.x = 1, @@y = @@global.y`, false, true},
		{MySQL, `CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a := 1`, true, false},
		{MySQL, `ALTER EVENT e ON SCHEDULE AT (@x:=now())`, true, true},
		{MySQL, `CREATE EVENT e ON SCHEDULE AT now() + interval get_lock('l', 0) day DO SELECT 1`, true, true},
		{MySQL, `CREATE EVENT e ON SCHEDULE AT (@x:=now()) DO SELECT 1`, true, true},
		{MySQL, `CREATE PROCEDURE p() BEGIN SET @x := 1; END`, true, true}, // another statement may stand behind
		{SQLite, `DELETE FROM t; PRAGMA foreign_keys = ON`, true, true},
		{SQLite, `CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)`, true, false},
	} {
		if s := Classify(c.dialect, c.query); s.Mutates != c.mutates || s.Session != c.session {
			t.Errorf("%s: %s: mutates %v, session %v; want %v, %v", c.dialect, c.query, s.Mutates, s.Session, c.mutates, c.session)
		}
	}
}

func TestClassifyVerb(t *testing.T) {
	for query, want := range map[string]string{
		``:                                       "",
		`select 1`:                               "select",
		`((SELECT 1))`:                           "select",
		`WITH a AS (SELECT 1) SELECT * FROM a`:   "select",
		`WITH a AS (SELECT 1) (SELECT * FROM a)`: "select",
		`WITH a AS (DELETE FROM t RETURNING *) INSERT INTO u TABLE a`: "insert",
		`WITH a AS (SELECT 1), b AS (SELECT 2) UPDATE t SET x = 1`:    "update",
		`EXPLAIN ANALYZE DELETE FROM t`:                               "explain",
		`DELETE FROM t; SELECT 1`:                                     "delete",
		`Create Table t (a int)`:                                      "create",
		`TABLE t`:                                                     "table",
		`MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE`:       "merge",
	} {
		if s := Classify(Postgres, query); s.Verb != want {
			t.Errorf("%s: verb %q, want %q", query, s.Verb, want)
		}
	}
}

// Of a text with more than one verb, all are there.
func TestClassifyOtherVerbs(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`:                                     "",
		`SELECT 1; SELECT 2`:                           "",
		`SELECT 1; DELETE FROM t; SELECT 2`:            "delete",
		`FOO; bar; BAR; foo`:                           "bar",
		`EXPLAIN ANALYZE DELETE FROM t`:                "delete",
		`EXPLAIN (ANALYZE) CREATE TABLE t AS SELECT 1`: "create",
		`WITH a AS (DELETE FROM t RETURNING *) INSERT INTO u TABLE a`:    "delete",
		`WITH a AS (INSERT INTO u VALUES (1)) INSERT INTO u TABLE a`:     "",
		`COPY (UPDATE t SET a = 1 RETURNING *) TO STDOUT; COPY t TO 'x'`: "update",
		`BEGIN; INSERT INTO t VALUES (1); COMMIT`:                        "insert commit",
	} {
		if s := Classify(Postgres, query); !sameNames(s.OtherVerbs, want) {
			t.Errorf("%s: verb %q, others %q, want %q", query, s.Verb, s.OtherVerbs, want)
		}
	}
}

// What MariaDB runs inside of another statement counts as well.
func TestClassifyOtherVerbsOfMariaDB(t *testing.T) {
	for query, want := range map[string]string{
		`BEGIN NOT ATOMIC DELETE FROM t; INSERT INTO t VALUES (1); END`:    "delete insert",
		`IF 1 THEN DELETE FROM t; END IF`:                                  "delete",
		`SET STATEMENT max_statement_time = 1 FOR DELETE FROM t`:           "delete",
		`SET STATEMENT max_statement_time = 1 FOR REPLACE INTO t SELECT 1`: "replace",
		`ANALYZE FORMAT=JSON UPDATE t SET a = 1`:                           "update",
	} {
		if s := Classify(MySQL, query); !sameNames(s.OtherVerbs, want) {
			t.Errorf("%s: verb %q, others %q, want %q", query, s.Verb, s.OtherVerbs, want)
		}
	}
}

// Whatever a text looks like, it is read once. Were one of these quadratic, the
// test would not end.
func TestClassifyHugeTexts(t *testing.T) {
	for _, h := range hugeTexts() {
		Classify(h.dialect, h.text)
	}
}

// The conditions of joins that are missing are counted, as behind the last of them ON
// CONFLICT begins; behind too many, nothing is sure.
func TestClassifyManyJoins(t *testing.T) {
	for _, n := range []int{1, 255, 256, 1000} {
		query := "EXPLAIN INSERT INTO t SELECT 1 FROM a" + strings.Repeat(" JOIN b", n) + strings.Repeat(" ON true", n-1) + " ON conflict(1)"
		if s := Classify(Postgres, query); s.Kind != KindWrite {
			t.Errorf("%d joins: a call of conflict in the last condition is a %v", n, s.Kind)
		}
	}
}

func TestClassifyUserFunctions(t *testing.T) {
	f, err := newFunctions(
		[]string{"get_*", "Shop.Price", "report"},
		[]string{"get_and_set", "lower", "audit.*"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for query, read := range map[string]bool{
		`SELECT get_name(1)`:            true,
		`SELECT GET_NAME(1)`:            true,
		`SELECT app.get_name(1)`:        true,
		`SELECT report(), app.report()`: true,
		`SELECT shop.price(1)`:          true,
		`SELECT price(1)`:               false,
		`SELECT other.price(1)`:         false,
		`SELECT get_and_set(1)`:         false,
		`SELECT lower('X')`:             false,
		`SELECT upper('x')`:             true,
		`SELECT audit.get_log()`:        false,
		`SELECT unknown()`:              false,
	} {
		if s := classify(Postgres, query, f); (s.Kind == KindRead) != read {
			t.Errorf("%s: %s (%s), want a read: %v", query, s.Kind, s.Reason, read)
		}
	}
	for _, c := range []struct{ read, write []string }{
		{[]string{"[a"}, nil},
		{nil, []string{`a\`}},
		{[]string{"F"}, []string{"f"}},
		{[]string{""}, nil},
	} {
		if _, err := newFunctions(c.read, c.write); err == nil || !strings.HasPrefix(err.Error(), "multidb: ") {
			t.Errorf("%q, %q: error %v", c.read, c.write, err)
		}
	}
}

func TestClassifyTables(t *testing.T) {
	for _, c := range []struct {
		dialect       Dialect
		query         string
		reads, writes string
		known         bool
	}{
		{Postgres, `SELECT 1`, "", "", true},
		{Postgres, `SELECT * FROM users u, shop.orders AS o`, "users shop.orders", "", true},
		{Postgres, `SELECT * FROM Users, "Users", "a b"."c"`, "users Users a b.c", "", true},
		{Postgres, `SELECT * FROM "a.b"`, "", "", false}, // could be taken for table b of schema a
		{Postgres, `SELECT * FROM U&"\0061"`, "", "", false},
		{Postgres, `SELECT * FROM a JOIN b USING (x) LEFT JOIN (c CROSS JOIN d) ON true, ONLY (e), LATERAL (TABLE f) g`, "a b c d e f", "", true},
		{Postgres, `SELECT * FROM user, "user", public.user, current_date AS d (x)`, "user public.user", "", true}, // the first is a value
		{Postgres, `WITH RECURSIVE w AS (SELECT 1 AS values) SEARCH BREADTH FIRST BY values SET merge CYCLE cycle SET insert USING values TABLE e`, "e", "", true},
		{Postgres, `SELECT (SELECT x FROM b), ARRAY(SELECT y FROM c) FROM a WHERE EXISTS (SELECT FROM d) ORDER BY (SELECT z FROM e)`, "b c a d e", "", true},
		{Postgres, `SELECT extract(year FROM x), trim(FROM y), substring(z FROM 1) FROM a WHERE b IS DISTINCT FROM c`, "a", "", true},
		{Postgres, `SELECT * FROM generate_series(1, 2) g, unnest(a) WITH ORDINALITY AS u (x, y), t`, "t", "", true},
		{Postgres, `SELECT * FROM f(1)`, "", "", false}, // may touch anything
		{Postgres, `(SELECT * FROM a) UNION SELECT * FROM b EXCEPT (TABLE c)`, "a b c", "", true},
		{Postgres, `WITH x AS (SELECT * FROM x), y AS (SELECT * FROM x) SELECT * FROM x, y, z`, "x z", "", true},
		{Postgres, `WITH x AS (SELECT 1) SELECT * FROM public.x`, "public.x", "", true},
		{Postgres, `WITH RECURSIVE x AS (SELECT * FROM x) SELECT * FROM x`, "", "", true},
		{Postgres, `SELECT * FROM (WITH x AS (SELECT * FROM a) SELECT * FROM x) q, x`, "a x", "", true},
		{Postgres, `INSERT INTO t (a) SELECT b FROM u ON CONFLICT (a) DO UPDATE SET a = (SELECT c FROM v)`, "u v", "t", true},
		{Postgres, `UPDATE ONLY t AS x SET (a, b) = (SELECT 1, 2 FROM u) FROM v JOIN w ON true WHERE x.a = 1`, "u v w", "t", true},
		{Postgres, `DELETE FROM t USING u, v WHERE t.a IN (SELECT 1 FROM w)`, "u v w", "t", true},
		{Postgres, `MERGE INTO t USING (SELECT * FROM u) s ON t.a = s.a WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (a) VALUES (1)`, "u", "t", true},
		{Postgres, `WITH x AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM x, v`, "v", "t u", true},
		{Postgres, `SELECT * INTO UNLOGGED t FROM u`, "u", "t", true},
		{Postgres, `SELECT * INTO LOCAL TEMP temp FROM u`, "u", "temp", true},
		{Postgres, `SELECT a INTO unlogged WHERE true`, "", "unlogged", true},
		{Postgres, `SELECT 1 INTO temp UNION SELECT 2`, "", "temp", true},
		{Postgres, `TABLE ONLY (values)`, "values", "", true},
		{Postgres, `SELECT 1 FROM (values JOIN t ON true), (VALUES (1)) v`, "values t", "", true},
		{Postgres, `MERGE INTO ONLY (t) USING u ON true WHEN MATCHED THEN DELETE`, "u", "t", true},
		{Postgres, `SELECT * FROM this_name_is_longer_than_the_sixty_three_bytes_that_a_server_looks_at`,
			"this_name_is_longer_than_the_sixty_three_bytes_that_a_server_looks_at", "", false},
		{Postgres, `INSERT INTO t (SELECT a FROM u) ORDER BY (SELECT b FROM v)`, "u v", "t", true},
		{Postgres, `EXPLAIN WITH RECURSIVE x AS (INSERT INTO u VALUES (1) RETURNING 1), u AS (SELECT 1) SELECT * FROM x`, "u", "", false},
		{Postgres, `INSERT INTO t SELECT 1 FROM u JOIN v ON conflict = 1, w`, "u v w", "t", true},
		{Postgres, `INSERT INTO t SELECT 1 FROM u NATURAL LEFT JOIN v CROSS JOIN w JOIN x USING (a) ON CONFLICT (a) DO UPDATE SET b = (SELECT 1 FROM y)`, "u v w x y", "t", true},
		{Postgres, `INSERT INTO t SELECT 1 FROM u JOIN v ON duplicate, w`, "u v w", "t", true},
		{MySQL, `INSERT INTO t SELECT 1 FROM u ON DUPLICATE KEY UPDATE a = (SELECT 1 FROM v)`, "u v", "t", true},
		{Postgres, `UPDATE t SET a = 1 FROM b JOIN c ON set = 1, d WHERE true`, "b c d", "t", true},
		{Postgres, `EXPLAIN WITH RECURSIVE w (set) AS (SELECT 1) SEARCH BREADTH FIRST BY set SET insert TABLE e`, "e", "", true},
		{MySQL, `SELECT 1 FROM a JOIN b ON a.a = any STRAIGHT_JOIN (c)`, "a b c", "", true},
		{MySQL, `SELECT 1 FROM a FOR SYSTEM_TIME ALL USE INDEX FOR ORDER BY (), b`, "a", "", false},
		{Postgres, `SELECT * FROM json_table(js, '$' AS p PASSING 1 AS a COLUMNS (b int PATH '$.b')) j, t WHERE zone ILIKE ('a')`, "t", "", true},
		{Postgres, `CREATE VIEW v (values) AS TABLE e`, "e", "v", true},
		{Postgres, `CREATE VIEW v WITH (table, b) AS SELECT 1`, "", "v", true},
		{MySQL, "SELECT 1 FROM a AS `using` JOIN b ON using.a = 1, c", "a b c", "", true},
		{MySQL, "SELECT 1 FROM a `group` JOIN b ON a.a > group.b CROSS JOIN c", "a b c", "", true},
		{MySQL, `WITH RECURSIVE x AS (SELECT a FROM y), y AS (SELECT 1 a) SELECT * FROM x`, "y", "", false}, // a table in MySQL
		{MySQL, `WITH x AS (SELECT 1 a) UPDATE t, x SET t.a = 1`, "", "t", true},
		{MySQL, `DELETE a FROM a JOIN b USING (c)`, "", "a b", true},
		{MySQL, `DELETE a FROM a CROSS JOIN b USING (c)`, "", "a b", true},
		{MySQL, "SELECT a FROM. a, b JOIN. c UNION SELECT 1 FROM.`d`", "a b c d", "", true},
		{MySQL, "UPDATE quick.`a` SET b = 1", "", "quick.a", true},
		{MySQL, `UPDATE IGNORE .a SET b = 1`, "", "a", true},
		{MySQL, `CREATE TABLE t (VALUES ROW((SELECT a FROM u)))`, "u", "t", true},
		{MySQL, `CREATE TABLE t (a int) ((SELECT a FROM u))`, "u", "t", true},
		{MySQL, `SELECT id FROM transaction EXCEPT SELECT id FROM a`, "transaction a", "", true},
		{Postgres, `WITH RECURSIVE w (by) AS (SELECT 1) SEARCH BREADTH FIRST BY by SET x, v AS (SELECT 1) SELECT * FROM w, v, t`, "t", "", true},
		{Postgres, `MERGE INTO merge USING u ON a WHEN MATCHED THEN DELETE`, "u", "merge", true},
		{MySQL, `SELECT 1 FROM a JOIN b ON 1 STRAIGHT_JOIN .c`, "a b c", "", true},
		{MySQL, `SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (value VARCHAR(100) PATH '$.v', path INT(3) PATH '$.p')) t, a`, "a", "", true},
		{Postgres, `MERGE INTO t USING u JOIN v ON CASE WHEN NOT a THEN b END JOIN w ON true ON t.id = u.id WHEN MATCHED THEN DELETE`, "u v w", "t", true},
		{Postgres, `FETCH ALL FROM c`, "", "", false},
		{SQLite, `PRAGMA optimize`, "", "", false},
		{MySQL, `DESC extended a`, "extended", "", true},
		{Postgres, `MERGE INTO t USING u JOIN v ON CASE WHEN a THEN b WHEN matched THEN c END JOIN w ON true ON true WHEN MATCHED THEN DELETE`, "u v w", "t", true},
		{MySQL, `CREATE TABLE m (a int) ENGINE=MERGE UNION=(a, b)`, "", "m", false},
		{MySQL, `SELECT a FROM t OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY`, "t", "", true},
		{MySQL, `SELECT * FROM a offset, b`, "a b", "", true},
		{Postgres, `CREATE TABLE if (a int)`, "", "if", true},
		{Postgres, `CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)`, "", "t", true},
		{MySQL, `CREATE TABLE t (a int, b int AS (a + 1)) AS (SELECT a FROM u)`, "u", "t", true},
		{MySQL, `CREATE TABLE t (SELECT a FROM u)`, "u", "t", true},
		{MySQL, "SELECT @@session.`sql_mode`from a, `b`", "a b", "", true},
		{MySQL, "SELECT @`x`from a", "a", "", true},
		{MySQL, `INSERT INTO t PARTITION (p) (a) SELECT a FROM u`, "u", "t", true},
		{MySQL, `SELECT * FROM a returning, b`, "a b", "", true},
		{MySQL, `SELECT * FROM a window, b`, "a b", "", true}, // MySQL 5.7
		{MySQL, `SELECT * FROM lateral, a`, "lateral a", "", true},
		{MySQL, `INSERT INTO a SELECT * FROM b RETURNING (SELECT 1 FROM c)`, "b c", "a", true},
		{MySQL, `EXPLAIN FOR DATABASE test SELECT * FROM a`, "", "", false},
		{SQLite, `INSERT INTO t SELECT u.d FROM u JOIN w ON conflict(1)`, "u w", "t", false},
		{SQLite, `INSERT INTO t SELECT u.d FROM u JOIN w ON conflict, v`, "u w v", "t", true},
		{SQLite, `WITH a AS (SELECT * FROM b), b AS (SELECT * FROM t) SELECT * FROM a`, "t", "", true},
		{SQLite, `SELECT * FROM lateral x, window, u`, "lateral window u", "", true},
		{Postgres, `TRUNCATE TABLE a, ONLY b`, "", "a b", true},
		{Postgres, `DROP TABLE IF EXISTS a, b.c CASCADE`, "", "a b.c", true},
		{Postgres, `CREATE TABLE a AS SELECT * FROM b`, "b", "a", true},
		{Postgres, `CREATE VIEW a AS SELECT * FROM b`, "b", "a", true},
		{Postgres, `CREATE INDEX i ON a (b)`, "", "a", true},
		{Postgres, `COPY a FROM STDIN`, "", "a", true},
		{Postgres, `COPY (SELECT * FROM a) TO STDOUT`, "a", "", true},
		{Postgres, `LOCK a, b`, "a b", "", true},
		{Postgres, `EXPLAIN DELETE FROM a USING b`, "a b", "", true},
		{Postgres, `CALL p()`, "", "", false},
		{Postgres, `DO 'x'`, "", "", false},
		{Postgres, `SELECT * FROM delayed JOIN quick q ON true`, "delayed quick", "", true}, // names, but in MySQL
		{Postgres, `DELETE FROM quick`, "", "quick", true},
		{Postgres, `UPDATE ignore SET a = 1`, "", "ignore", true},
		{Postgres, `SELECT * FROM a next, b path, c update, d`, "a b c d", "", true},
		{Postgres, `SELECT a, count(DISTINCT b) AS distinct FROM t`, "t", "", true},
		{Postgres, `SELECT * FROM t JOIN u ON a = b ORDER BY c, d`, "t u", "", true},
		{Postgres, `SELECT * FROM t JOIN u ON ARRAY[[t.a, 2], [u.b, 3]] @> x, v`, "t u v", "", true},
		{Postgres, `WITH RECURSIVE x(a, b) AS (SELECT 1, 2) SEARCH DEPTH FIRST BY a, b SET o, y AS (SELECT 1 FROM u) CYCLE a SET c USING p SELECT * FROM x, y, t`, "u t", "", true},
		{SQLite, `SELECT * FROM a offset, b`, "a b", "", true},
		{SQLite, `SELECT * FROM main.'t', 'a''b'`, "main.t a'b", "", true},
		{SQLite, `SELECT * FROM t WINDOW w AS (PARTITION BY a), v AS (ORDER BY b)`, "t", "", true},
		{MySQL, "SELECT * FROM `dual`, dual", "dual", "", true},
		{SQLite, `SELECT * FROM a WHERE x IN b AND y NOT IN main.c`, "a b main.c", "", true},
		{MySQL, `UPDATE t returning, u SET a = 1`, "", "t u", true},
		{MySQL, `DELETE t FROM t returning JOIN u ON (1)`, "", "t u", true},
		{MySQL, `DELETE FROM t WHERE a RETURNING left(a, 1), (SELECT 1 FROM u)`, "u", "t", true},
		{SQLite, `INSERT INTO t SELECT 1 FROM u returning, w`, "u w", "t", true},
		{SQLite, `INSERT INTO t SELECT 1 FROM u RETURNING (id)`, "u", "t", true},
		{MySQL, `UPDATE (SELECT 1) returning (a), w SET w.x = a`, "", "w", false}, // or MariaDB's clause
		{MySQL, `UPDATE t JOIN u returning ON (t.a = returning.a) JOIN w ON 1 SET w.x = 1`, "", "t u w", true},
		{MySQL, `DELETE FROM t RETURNING left(a, 1), b`, "", "t", true},
		{SQLite, `INSERT INTO t WITH a AS (SELECT 1 z) SELECT * FROM a RETURNING (SELECT z FROM a)`, "", "t", false}, // another a
		{SQLite, `INSERT INTO t WITH a AS (SELECT 1 z) SELECT * FROM a WHERE 1 ON CONFLICT DO UPDATE SET y = (SELECT z FROM a)`, "", "t", false},
		{SQLite, `WITH a AS (SELECT 1 z) INSERT INTO t SELECT * FROM a RETURNING (SELECT z FROM a)`, "", "t", true},
		{SQLite, `SELECT 1 WHERE x IN pragma_integrity_check(1)`, "", "", false},
		{SQLite, `DROP TABLE dbstat`, "", "dbstat", true},
		{SQLite, `SELECT * FROM pragma_quick_check('t')`, "", "", false},
		{Postgres, `INSERT INTO t SELECT 1 FROM s. cross JOIN u ON conflict, w`, "s.cross u w", "t", true},
		{SQLite, `SELECT * FROM main.json_tree('x')`, "", "", false}, // perhaps a table of that name
		{SQLite, `SELECT * FROM dbstat`, "dbstat", "", false},
		{Postgres, `INSERT INTO t SELECT 1 FROM key update, w`, "key w", "t", false},
		{SQLite, `INSERT INTO t WITH a AS (SELECT 1) VALUES ((SELECT * FROM a))`, "", "t", false}, // reads a table a
		{SQLite, `INSERT INTO t WITH a AS (SELECT 1) SELECT * FROM a`, "", "t", true},
		{SQLite, `WITH b AS (SELECT 1) SELECT * FROM a WHERE x IN b`, "a", "", true},
		{SQLite, `SELECT * FROM quick JOIN delayed q`, "quick delayed", "", true},
		{SQLite, `PRAGMA audit.table_info(a)`, "", "", false},
		{MySQL, `LOCK TABLES a READ, b WRITE`, "", "", false},
		{MySQL, `HANDLER a OPEN`, "", "", false},
		{MySQL, `FLUSH TABLES a`, "", "", false},
		{MySQL, `SHOW CREATE TABLE audit.x`, "", "", false},
		{MySQL, `SHOW INDEX FROM a`, "", "", false},
		{MySQL, `SELECT * FROM quick`, "quick", "", true},
		{MySQL, `DELETE QUICK FROM a`, "", "a", true},
		{MySQL, `INSERT LOW_PRIORITY IGNORE a VALUES (1)`, "", "a", true},
		{MySQL, `UPDATE LOW_PRIORITY IGNORE a SET x = 1`, "", "a", true},
		{MySQL, "SELECT * FROM `a`.`B` PARTITION (p) x USE INDEX (i), C", "a.B C", "", true},
		{MySQL, `UPDATE a JOIN b ON a.x = b.x SET a.y = 1`, "", "a b", true}, // one of them, at least
		{MySQL, `DELETE a FROM a JOIN b ON a.x = b.x`, "", "a b", true},
		{MySQL, `INSERT t (a) SELECT x FROM u, v ON DUPLICATE KEY UPDATE a = 1, b = 2`, "u v", "t", true},
		{MySQL, `DESCRIBE t`, "t", "", true},
		{MySQL, `SELECT NEXT VALUE FOR s FROM t`, "t", "", false}, // the sequence is a table, too
		{MySQL, `SELECT a.1b FROM db.1c, d`, "db.1c d", "", true},
		{SQLite, `SELECT * FROM Users, "Orders", [odd name], 'str'`, "users orders odd name str", "", true},
		{SQLite, `INSERT OR IGNORE INTO t SELECT * FROM u`, "u", "t", true},
		{SQLite, `UPDATE OR REPLACE t SET a = 1`, "", "t", true},
	} {
		s := Classify(c.dialect, c.query)
		if !sameNames(s.Reads, c.reads) || !sameNames(s.Writes, c.writes) || s.TablesKnown != c.known {
			t.Errorf("%s: %s\n\treads %q, writes %q, known %v; want %q, %q, %v",
				c.dialect, c.query, s.Reads, s.Writes, s.TablesKnown, c.reads, c.writes, c.known)
		}
	}
}

// sameNames compares names to their list with blanks between them.
func sameNames(names []string, want string) bool {
	return strings.Join(slices.Clone(names), " ") == want
}
