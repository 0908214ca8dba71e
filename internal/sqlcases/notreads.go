package sqlcases

// Hidden are calls where a list of names, of types or of WITH members was expected.
func Hidden() []Case {
	return []Case{
		{Postgres, `SELECT * FROM users u LEFT JOIN orders o ON ARRAY['a', u.name || my_function(1)] && ARRAY['x']`, "write", "function my_function"},
		{Postgres, `SELECT * FROM users JOIN orders ON ARRAY[1, -nextval('seq')] IS NOT NULL`, "write", "function nextval"},
		{Postgres, `WITH RECURSIVE x(a, b) AS (SELECT 1, 2) SEARCH DEPTH FIRST BY a, b SET o SELECT nextval('seq') FROM x`, "write", "function nextval"},
		{Postgres, `WITH RECURSIVE x(a, b) AS (SELECT 1, 2) CYCLE a, b SET c USING p SELECT * FROM x WHERE nextval('seq') > 0`, "write", "function nextval"},
		{Postgres, `SELECT within.name FROM users within GROUP BY within.name, - nextval('seq')`, "write", "function nextval"},
		{Postgres, `SELECT 1 FROM users straight_join TABLESAMPLE system (nextval('seq'))`, "write", "function nextval"},
		{Postgres, `SELECT 'a' SIMILAR TO second(1)`, "write", "function second"},
		{Postgres, `SELECT U&"my_function" UESCAPE '!' (1)`, "write", "UESCAPE"},
		{Postgres, `SELECT * FROM U&"my_function" uescape '!' (1)`, "write", "temporary table"},
		{Postgres, `EXPLAIN (ANALYZE, "verbose" off) DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN (ANALYZE, U&"verbose" off) DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN INSERT INTO users (SELECT 1) ORDER BY my_function(1)`, "write", "function my_function"},
		{Postgres, `EXPLAIN UPDATE users SET name = set(1)`, "write", "function set"},
		{Postgres, `INSERT INTO users (SELECT 1) LIMIT pg_advisory_lock(1)`, "session", "INSERT"},
		{Postgres, `SELECT * FROM json_table('1', '$' COLUMNS (a int PATH '$' DEFAULT 1 OPERATOR(pg_catalog.-) second(1) ON EMPTY))`, "write", "function second"},
		{Postgres, `COPY users FROM STDIN WHERE pg_advisory_lock(1) IS NOT NULL`, "session", "COPY"},
		{Postgres, `SELECT 1 FROM users * my_function(1)`, "write", "unknown statement"},
		{Postgres, `SELECT * FROM U&"pg_temp".t`, "write", "temporary table"},
		{Postgres, `SELECT * FROM "pg_temp"."a.b"`, "write", "temporary table"},
		{Postgres, `SELECT * FROM db.pg_temp.t`, "write", "temporary table"},
		{Postgres, `SELECT rollup(1)`, "write", "function rollup"}, // GROUP BY ROLLUP (a) is none
		{Postgres, `SELECT id FROM users GROUP BY id ORDER BY id, rollup(1)`, "write", "function rollup"},
		{Postgres, `SELECT id FROM users GROUP BY id UNION SELECT 1, rollup(1)`, "write", "function rollup"},
		{Postgres, `SELECT double(1), collation(1)`, "write", "function double"},
		{Postgres, `SELECT "coalesce"(1)`, "write", `function "coalesce"`}, // in quotes, no part of the grammar
		{Postgres, `SELECT * FROM "current_date"(1)`, "write", `function "current_date"`},
		{Postgres, `WITH RECURSIVE w (by) AS (SELECT 1) SEARCH BREADTH FIRST BY by SET x UPDATE users SET id = (SELECT 99)`, "write", "UPDATE"},
		{Postgres, `WITH RECURSIVE w (cycle) AS (SELECT 1) CYCLE cycle SET x USING p DELETE FROM users set WHERE id IN (SELECT 1)`, "write", "DELETE"},
		{Postgres, `SELECT id FROM users GROUP BY ARRAY[id, rollup(1)]`, "write", "function rollup"},
		{Postgres, `SELECT id FROM users GROUP BY id OFFSET ARRAY[1, rollup(1)]`, "write", "function rollup"},
		{Postgres, `SELECT id FROM users GROUP BY id OPERATOR(pg_catalog.+) rollup(1)`, "write", "function rollup"},
		{Postgres, `SELECT now() AT TIME ZONE ilike('UTC')`, "write", "function ilike"},
		{Postgres, `EXPLAIN INSERT INTO users SELECT 1 FROM users u JOIN orders o ON natural 'x' JOIN places p ON conflict(1)`, "write", "function conflict"},
		{Postgres, `SELECT treat('seq' AS nextval)`, "write", "function treat"}, // calls pg_catalog.nextval
		{Postgres, `SELECT ST_FindExtent('u" WHERE nextval(''seq'') > 0 --', 'a')`, "write", "function st_findextent"},
		{Postgres, `SELECT * FROM users, escape f (id)`, "write", "unknown statement"}, // a table of that name, but a call may follow the word
		{MySQL, `SELECT 1 FROM users within GROUP BY (my_function(1))`, "write", "function my_function"},
		{MySQL, `EXPLAIN FORMAT=JSON INTO @x SELECT 1`, "session", "user variable"},
		{MySQL, `SHOW REPLICA HOSTS`, "write", "SHOW REPLICA"},
		{MySQL, `SELECT PREVIOUS VALUE FOR s`, "write", "NEXT VALUE FOR"},
		{MySQL, `SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$.a')) j FOR SYSTEM_TIME AS OF (my_function(1))`, "write", "function my_function"},
		{MySQL, `SELECT DEFAULT(id) FROM users`, "write", "function default"},
		{MySQL, `SELECT * FROM users FOR SYSTEM_TIME AS OF (nextval(seq))`, "write", "function nextval"},
		{MySQL, `SELECT * FROM users FOR SYSTEM_TIME AS OF 1 - (get_lock('a', 1))`, "session", "function get_lock"},
		{MySQL, `SELECT * FROM {OJ (users JOIN orders ON nextval(seq))}`, "write", "function nextval"},
		{MySQL, `SELECT * FROM {oj (users FOR SYSTEM_TIME AS OF escape(1))}`, "write", "function escape"},
		{MySQL, `SELECT CASE WHEN 1 THEN window END AS x FROM users, information_schema.innodb_cmp_reset`, "write", "resets counters"},
		{MySQL, `SELECT * FROM (users returning, information_schema.innodb_cmp_reset)`, "write", "resets counters"}, // an alias in MySQL 8
		{SQLite, `SELECT * FROM (users returning INDEXED BY i, pragma_optimize)`, "write", "function pragma_optimize"},
		{SQLite, `SELECT * FROM (users returning, pragma_optimize)`, "write", "function pragma_optimize"}, // the same up to 3.34
		{Postgres, `EXPLAIN INSERT INTO users SELECT 1 FROM key update JOIN orders ON conflict(1)`, "write", "data-modifying CTE"},
		{Postgres, `SELECT u. is distinct FROM pg_temp.t`, "write", "temporary table"}, // a column, also behind a blank
		{Postgres, `SELECT json_object(u. when VALUE ilike(1)) FROM users u`, "write", "function ilike"},
		{Postgres, `EXPLAIN INSERT INTO users SELECT 1 FROM places. cross JOIN orders ON conflict(1)`, "write", "function conflict"},
		{Postgres, `WITH RECURSIVE w (a, set) AS (SELECT 1, 2) CYCLE a SET m TO search '1' DEFAULT search '0' USING p SELECT my_function(1) + set FROM w UNION SELECT 1`, "write", "unknown statement"}, // a type of that name
		{Postgres, `EXPLAIN MERGE INTO users USING orders o JOIN places v ON CASE a WHEN matched THEN b END JOIN pg_temp.w ON true ON true WHEN MATCHED THEN DELETE`, "write", "temporary table"},
		{MySQL, `SELECT test.extractvalue('<a>1</a>', '/a')`, "write", "function test.extractvalue"},
		{MySQL, `SELECT -minus((SELECT 1))`, "write", "function minus"},
		{MySQL, `SELECT id * minus ((SELECT 1)) FROM users`, "write", "function minus"},
		{MySQL, `SELECT quick * minus((SELECT 1)) FROM users`, "write", "function minus"},
		{MySQL, `SELECT 1 * intersect ((SELECT 1))`, "write", "unknown statement"}, // a function before 8.0.31
		{MySQL, `SELECT NEXT VALUE FOR no`, "write", "NEXT VALUE FOR"},
		{MySQL, `SELECT NEXT VALUE FOR share`, "write", "NEXT VALUE FOR"},
		{MySQL, `WITH a AS (SELECT 1) ORDER BY my_function((SELECT 1))`, "write", "unknown statement"},
		{MySQL, `SELECT [my_function](1)`, "write", "unknown statement"}, // in MariaDB's mode MSSQL
		{SQLite, `SELECT json_each('x')`, "write", "function json_each"}, // a table, and no function
		{SQLite, `SELECT id FROM users WHERE pragma_table_info('users')`, "write", "function pragma_table_info"},
		{SQLite, `SELECT row(1)`, "write", "function row"}, // no word of SQLite
		{SQLite, `SELECT "cast"(1), [raise](1)`, "write", `function "cast"`},
		{SQLite, `PRAGMA temp.user_version`, "write", "temporary table"},
		{MySQL, `SELECT (users FOR SYSTEM_TIME ALL)`, "write", "unknown statement"}, // in no list of tables
		{MySQL, `SELECT id FROM users first EXCEPT (VALUES (my_function(1)))`, "write", "unknown statement"},
		{MySQL, `SELECT id FROM users INTERSECT DISTINCTROW VALUES (1), (1 + my_function())`, "write", "function my_function"},
		{MySQL, `SELECT 1 value EXCEPT TABLE users`, "write", "unknown statement"},
		{MySQL, `SELECT nth_value(id, 1) FROM FIRST OVER (), (1 + my_function()) FROM users`, "write", "function my_function"},
		{MySQL, `SELECT 1 FROM users * my_function(1)`, "write", "unknown statement"},
		{MySQL, `SELECT id FROM users FOR SYSTEM_TIME AS OF escape(1)`, "write", "function escape"},
		{MySQL, `SELECT id FROM users FOR SYSTEM_TIME BETWEEN TIMESTAMP 1 AND TIMESTAMP escape(1)`, "write", "function escape"},
		{Postgres, `EXPLAIN INSERT INTO users SELECT 1 FROM users u JOIN orders o ON conflict(1)`, "write", "function conflict"},
		{Postgres, `EXPLAIN MERGE INTO users USING orders ON CASE WHEN true THEN insert(1) END WHEN MATCHED THEN DELETE`, "write", "function insert"},
		{MySQL, "SELECT 1 FROM users `using` JOIN orders ON using.id = my_function()", "write", "function my_function"},
		{MySQL, `SELECT sql_cache(1)`, "write", "function sql_cache"}, // no word of MySQL 8
		{MySQL, `SELECT id FROM users FOR SYSTEM_TIME AS OF columns(1)`, "write", "function columns"},
		{MySQL, `SELECT id FROM users FOR SYSTEM_TIME AS OF full(1)`, "write", "function full"},
		{MySQL, `SELECT 0X41(1)`, "write", "function 0x41"}, // a name, as 0x(1) is
		{MySQL, `SELECT 0x(1)`, "write", "function 0x"},
		{MySQL, `SELECT s.currval`, "write", "function currval"},
		{MySQL, `SELECT 1 FROM users, (- my_function(1))`, "write", "unknown statement"},
		{MySQL, "SELECT @@`sql_mode`into outfile '/x'", "write", "INTO"},
		{MySQL, `SELECT UNIQUE escape(1)`, "write", "function escape"},
		{MySQL, `SELECT count (1)`, "write", "function count"}, // a stored function, as the blank says
		{MySQL, `SELECT max/**/(1)`, "write", "function max"},
		{MySQL, `SELECT cast (1)`, "write", "function cast"},
		{MySQL, "SELECT `if`(1)", "write", "function `if`"},
		{MySQL, `SHOW COLLATION WHERE 1=@x`, "write", "user variable"},
		{MySQL, "SELECT {`x` groups(1)}", "write", "function groups"},
		{MySQL, `SELECT {member of(1)}`, "write", "function of"},
		{MySQL, "SELECT /*+ BKA(`*/ '`) */ 'a', my_function(), 'b' -- '", "write", "unterminated comment"},
		{MySQL, `SELECT sum(compress_ops) FROM information_schema.INNODB_CMP_RESET`, "write", "resets counters"},
		{SQLite, `SELECT 1 FROM users within GROUP BY (my_function(1))`, "write", "function my_function"},
		{SQLite, `SELECT * FROM 'pragma_optimize'`, "write", "function 'pragma_optimize'"},
		{SQLite, `SELECT * FROM main.'pragma_optimize'`, "write", "function main.'pragma_optimize'"},
		{SQLite, `SELECT * FROM 'main'.'pragma_optimize'`, "write", "function 'main'.'pragma_optimize'"},
		{SQLite, `SELECT 1 IN 'pragma_optimize'`, "write", "function 'pragma_optimize'"},
		{SQLite, `SELECT * FROM users window, pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT 1 window, 2 FROM pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT window ISNULL AS y FROM users, pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT * FROM users returning, pragma_optimize`, "write", "function pragma_optimize"}, // before 3.35
		{SQLite, `SELECT returning(1)`, "write", "function returning"},
		{SQLite, `SELECT window + 1 FROM temp.x`, "write", "temporary table"},
		{SQLite, `SELECT * FROM lateral('x')`, "write", "function lateral"},
		{SQLite, `SELECT * FROM json_table('x')`, "write", "function json_table"},
		{SQLite, `SELECT * FROM users AS 'x', pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT * FROM users AS 'x', pragma_optimize('y')`, "write", "function pragma_optimize"},
		{SQLite, `SELECT * FROM "x.y".pragma_optimize`, "write", `function "x.y".pragma_optimize`},
		{SQLite, `SELECT 1 IN "".pragma_optimize`, "write", `function "".pragma_optimize`},
		{SQLite, `SELECT 1 fetch FROM pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT 1 window FROM pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT * FROM users offset JOIN pragma_optimize`, "write", "function pragma_optimize"},
	}
}

// Locks are reads that hold on to what they read.
func Locks() []Case {
	return []Case{
		{Postgres, `SELECT * FROM users FOR UPDATE`, "write", "FOR UPDATE"},
		{Postgres, `SELECT * FROM users u FOR NO KEY UPDATE OF u NOWAIT`, "write", "FOR NO KEY UPDATE"},
		{Postgres, `SELECT * FROM users FOR SHARE`, "write", "FOR SHARE"},
		{Postgres, `SELECT * FROM users FOR KEY SHARE SKIP LOCKED`, "write", "FOR KEY SHARE"},
		{Postgres, `SELECT * FROM (SELECT * FROM users FOR UPDATE) AS x LIMIT 1`, "write", "FOR UPDATE"},
		{Postgres, `TABLE users FOR UPDATE`, "write", "FOR UPDATE"},
		{Postgres, `WITH x AS (SELECT * FROM users FOR SHARE) SELECT * FROM x`, "write", "FOR SHARE"},
		{Postgres, `SELECT * FROM users LIMIT 1 FOR /* hidden */ UPDATE`, "write", "FOR UPDATE"},
		{MySQL, `SELECT * FROM users WHERE id = 1 FOR UPDATE`, "write", "FOR UPDATE"},
		{MySQL, `SELECT * FROM users LOCK IN SHARE MODE`, "write", "LOCK IN SHARE MODE"},
		{MySQL, `SELECT * FROM users FOR UPDATE SKIP LOCKED`, "write", "FOR UPDATE"},
		{Postgres, `LOCK TABLE users IN SHARE MODE`, "write", "LOCK"},
	}
}

// Into are queries that leave their result somewhere else than in the answer.
func Into() []Case {
	return []Case{
		{Postgres, `SELECT * INTO copy FROM users`, "write", "INTO"},
		{Postgres, `SELECT * INTO TEMP copy FROM users`, "session", "temporary table"},
		{Postgres, `SELECT 1.INTO copy`, "write", "INTO"},
		{Postgres, `SELECT 1 UNION SELECT 2 INTO copy`, "write", "INTO"},
		{MySQL, `SELECT name INTO @name FROM users`, "session", "INTO"},
		{MySQL, `SELECT * FROM users INTO OUTFILE '/tmp/x'`, "write", "INTO"},
		{MySQL, `SELECT name FROM users INTO DUMPFILE '/tmp/x'`, "write", "INTO"},
		{Postgres, `COPY users FROM STDIN`, "write", "COPY"},
		{Postgres, `COPY users TO '/tmp/x'`, "write", "COPY"},
		{Postgres, `COPY (SELECT 1) TO PROGRAM 'sh'`, "write", "COPY"},
		{MySQL, `LOAD DATA INFILE 'x' INTO TABLE users`, "write", "LOAD"},
	}
}

// Modifying are statements that change rows, however they begin.
func Modifying() []Case {
	return []Case{
		{Postgres, `INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x' RETURNING id`, "write", "INSERT"},
		{Postgres, `UPDATE users SET name = 'x' FROM orders WHERE users.id = orders.user_id`, "write", "UPDATE"},
		{Postgres, `DELETE FROM users USING orders WHERE users.id = orders.user_id`, "write", "DELETE"},
		{Postgres, `MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)`, "write", "MERGE"},
		{Postgres, `WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone`, "write", "data-modifying CTE"},
		{Postgres, `WITH a AS (SELECT 1), b AS (INSERT INTO users VALUES (1) RETURNING id) SELECT * FROM a, b`, "write", "data-modifying CTE"},
		{Postgres, `SELECT * FROM (WITH x AS (UPDATE users SET id = 1 RETURNING *) SELECT * FROM x) y`, "write", "data-modifying CTE"},
		{Postgres, `WITH a AS (SELECT 1) INSERT INTO users SELECT * FROM a`, "write", "INSERT"},
		{Postgres, `WITH "values" AS (SELECT 1) DELETE FROM users`, "write", "DELETE"},
		{Postgres, `COPY (DELETE FROM users RETURNING *) TO STDOUT`, "write", "data-modifying CTE"},
		{MySQL, `REPLACE INTO users VALUES (1)`, "write", "REPLACE"},
		{MySQL, `INSERT users SET id = 1 ON DUPLICATE KEY UPDATE id = VALUES(id)`, "write", "INSERT"},
		{MySQL, `WITH x AS (SELECT 1) UPDATE users SET id = 2`, "write", "UPDATE"},
		{SQLite, `INSERT OR REPLACE INTO users DEFAULT VALUES`, "write", "INSERT"},
		{SQLite, `REPLACE INTO users VALUES (1)`, "write", "REPLACE"},
		{Postgres, `CREATE TABLE x AS SELECT 1`, "write", "CREATE"},
		{Postgres, `DROP TABLE users`, "write", "DROP"},
		{Postgres, `TRUNCATE users`, "write", "TRUNCATE"},
		{Postgres, `REFRESH MATERIALIZED VIEW v`, "write", "REFRESH"},
		{Postgres, `VACUUM users`, "write", "VACUUM"},
		{Postgres, `CALL p()`, "write", "CALL"},
		{Postgres, `DO $$ BEGIN END $$`, "write", "DO"},
		{Postgres, `NOTIFY channel`, "write", "NOTIFY"},
	}
}

// Several are texts of several statements: the strictest decides.
func Several() []Case {
	return []Case{
		{Postgres, `SELECT 1; SELECT 2`, "read", ""},
		{Postgres, `SELECT 1; DELETE FROM users`, "write", "second statement"},
		{Postgres, `SELECT 1;;-- nothing` + "\n" + `; DELETE FROM users`, "write", "second statement"},
		{Postgres, `DELETE FROM users; SELECT 1`, "write", "DELETE"},
		{Postgres, `SELECT 1; SET search_path = x`, "session", "second statement"},
		{Postgres, `BEGIN; SET search_path = x; COMMIT`, "transaction", "BEGIN"},
		{Postgres, ``, "write", "empty statement"},
		{Postgres, `-- only a remark`, "write", "empty statement"},
		{SQLite, `CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM orders; END; SELECT 1`, "write", "CREATE"},
		{Postgres, `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END`, "write", "CREATE"},
	}
}

// Explain runs its statement only with ANALYZE.
func Explain() []Case {
	return []Case{
		{Postgres, `EXPLAIN SELECT * FROM users`, "read", ""},
		{Postgres, `EXPLAIN (VERBOSE, FORMAT json) SELECT * FROM users`, "read", ""},
		{Postgres, `EXPLAIN ANALYZE SELECT * FROM users`, "read", ""},
		{Postgres, `EXPLAIN DELETE FROM users`, "read", ""},
		{Postgres, `EXPLAIN (ANALYZE off) DELETE FROM users`, "read", ""},
		{Postgres, `EXPLAIN (ANALYZE, ANALYZE false) DELETE FROM users`, "read", ""},
		{Postgres, `EXPLAIN (SELECT 1)`, "read", ""},
		{Postgres, `EXPLAIN ANALYZE DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN ANALYSE VERBOSE DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN (ANALYZE) DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN ("analyze" true) DELETE FROM users`, "write", "DELETE"},
		{Postgres, `EXPLAIN SELECT * FROM users WHERE id = my_function()`, "write", "function my_function"}, // the planner may call it
		{Postgres, `EXPLAIN SELECT * FROM users FOR UPDATE`, "write", "FOR UPDATE"},
		{MySQL, `EXPLAIN SELECT * FROM users`, "read", ""},
		{MySQL, `EXPLAIN FORMAT=JSON SELECT * FROM users`, "read", ""},
		{MySQL, `EXPLAIN EXTENDED (SELECT id FROM users FOR UPDATE) LIMIT 1`, "write", "FOR UPDATE"},
		{MySQL, `EXPLAIN DELETE FROM users`, "write", "EXPLAIN of DELETE"},
		{MySQL, `EXPLAIN FOR CONNECTION 3`, "write", "EXPLAIN FOR CONNECTION"},
		{MySQL, `ANALYZE TABLE users`, "write", "ANALYZE"},
		{MySQL, `ANALYZE FORMAT=JSON DELETE FROM users`, "write", "DELETE"},
		{SQLite, `EXPLAIN QUERY PLAN SELECT * FROM users`, "read", ""},
		{SQLite, `EXPLAIN DELETE FROM users`, "write", "EXPLAIN of DELETE"},
		{SQLite, `EXPLAIN PRAGMA user_version = 1`, "session", "PRAGMA user_version"}, // some run while they are compiled
		{SQLite, `EXPLAIN QUERY PLAN PRAGMA foreign_keys = 1`, "session", "PRAGMA foreign_keys"},
	}
}

// Functions are what makes a query more than a read without a word of SQL.
func Functions() []Case {
	return []Case{
		{Postgres, `SELECT now(), pg_catalog.now(), pg_is_in_recovery(), current_setting('x', true)`, "read", ""},
		{Postgres, `SELECT nextval('seq')`, "write", "function nextval"},
		{Postgres, `SELECT NextVal('seq')`, "write", "function nextval"},
		{Postgres, `SELECT "nextval"('seq')`, "write", `function "nextval"`},
		{Postgres, `SELECT pg_catalog.nextval('seq')`, "write", "function pg_catalog.nextval"},
		{Postgres, `SELECT nextval /* a */ ('seq')`, "write", "function nextval"},
		{Postgres, `SELECT U&"n\0065xtval"('seq')`, "write", `function u&"n\0065xtval"`},
		{Postgres, `SELECT ('seq'::regclass).nextval`, "write", "function nextval"},           // PostgreSQL calls it
		{Postgres, `SELECT rows(1)`, "write", "function rows"},                                // behind no operand it is a call
		{Postgres, `SELECT second(1)`, "write", "function second"},                            // here too
		{Postgres, `SELECT s.nextval FROM to_regclass('seq') s`, "write", "function nextval"}, // and here, with s
		{Postgres, `SELECT s."nextval" FROM to_regclass('seq') s`, "write", `function "nextval"`},
		{Postgres, `SELECT s.pg_advisory_lock FROM generate_series(1, 1) s`, "session", "function pg_advisory_lock"},
		{Postgres, `SELECT s.pg_terminate_backend FROM generate_series(1, 1) s`, "write", "function pg_terminate_backend"},
		{Postgres, `SELECT currval('seq')`, "write", "function currval"},
		{Postgres, `SELECT txid_current()`, "write", "function txid_current"},                              // a standby refuses it
		{Postgres, `SELECT pg_replication_origin_oid('x')`, "write", "function pg_replication_origin_oid"}, // stable, and refused too
		{Postgres, `SELECT pg_advisory_lock(1)`, "session", "function pg_advisory_lock"},
		{Postgres, `SELECT pg_advisory_xact_lock(1)`, "write", "function pg_advisory_xact_lock"},
		{Postgres, `SELECT set_config('search_path', 'x', false)`, "session", "function set_config"},
		{Postgres, `SELECT set_config('search_path', lower('X'), true)`, "write", "function set_config"},
		{Postgres, `SELECT set_config('search_path', 'x', $1)`, "session", "function set_config"},
		{Postgres, `SELECT query_to_xml('DELETE FROM users', true, true, '')`, "write", "function query_to_xml"},
		{Postgres, `SELECT * FROM dblink('x', 'DELETE FROM users') AS t (a int)`, "write", "function dblink"},
		{Postgres, `SELECT lo_export(1, '/tmp/x')`, "write", "function lo_export"},
		{Postgres, `SELECT pg_read_file('/etc/passwd')`, "write", "function pg_read_file"},
		{Postgres, `SELECT my_function(1)`, "write", "function my_function"},
		{Postgres, `SELECT app.now()`, "write", "function app.now"},
		{Postgres, `SELECT DISTINCT ON (id) filter(name) FROM users`, "write", "function filter"}, // no FILTER clause
		{Postgres, `SELECT * FROM users a JOIN users b ON join(a.id)`, "write", "function join"},
		{Postgres, `SELECT * FROM users TABLESAMPLE my_method (1)`, "write", "unknown statement"},
		{Postgres, `VALUES (nextval('seq'))`, "write", "function nextval"},
		{Postgres, `SELECT * FROM users ORDER BY my_function(id)`, "write", "function my_function"},
		{MySQL, `SELECT LAST_INSERT_ID()`, "write", "function last_insert_id"},
		{MySQL, `SELECT FOUND_ROWS(), ROW_COUNT()`, "write", "function found_rows"},
		{MySQL, `SELECT GET_LOCK('a', 1)`, "session", "function get_lock"},
		{MySQL, `SELECT mydb.now()`, "write", "function mydb.now"},
		{MySQL, `SELECT LOAD_FILE('/etc/passwd')`, "write", "function load_file"},
		{MySQL, `SELECT @@identity`, "write", "session variable"},
		{MySQL, `SHOW LOCAL VARIABLES LIKE 'Last\_%'`, "write", "session variable"},
		{MySQL, `SHOW SESSION VARIABLES WHERE variable_name = 'identity'`, "write", "session variable"},
		{MySQL, `SELECT * FROM INFORMATION_SCHEMA.PROFILING`, "write", "session variable"},
		{MySQL, `SHOW VARIABLES WHERE Variable_name = 'version' OR Variable_name LIKE 'iden%'`, "write", "session variable"},
		{MySQL, `SHOW VARIABLES WHERE value = '1'`, "write", "session variable"},
		{MySQL, `SHOW EXPLAIN FOR 5`, "write", "SHOW EXPLAIN"},
		{MySQL, `SHOW ANALYZE FOR 5`, "write", "SHOW ANALYZE"},
		{MySQL, `SHOW VARIABLES WHERE variable_name = 'identity '`, "write", "session variable"}, // = does not look at blanks
		{MySQL, `SHOW VARIABLES LIKE '%id%'`, "write", "session variable"},
		{MySQL, `SHOW VARIABLES WHERE Variable_name = 'version' XOR 1`, "write", "session variable"},
		{MySQL, `SHOW VARIABLES WHERE variable_name = 'ìdentity'`, "write", "session variable"}, // the same letter to many collations
		{MySQL, `SELECT * FROM information_schema.profilİng`, "write", "session variable"},
		{MySQL, `SELECT extractvalue('<a/>', '$@v' '/a')`, "write", "function extractvalue"},
		{MySQL, `SELECT extractvalue(concat('<', 'a', '/>'), '$@v')`, "write", "function extractvalue"},
		{MySQL, `SELECT extractvalue(name, "p") FROM users`, "write", "function extractvalue"}, // a column, with ANSI_QUOTES
		{MySQL, `SELECT extractvalue('<a/>', '$@v')`, "write", "function extractvalue"},        // the variable @v
		{MySQL, `SELECT updatexml(name, ?, '') FROM users`, "write", "function updatexml"},
		{MySQL, `SELECT SQL_CALC_FOUND_ROWS * FROM users`, "write", "SQL_CALC_FOUND_ROWS"},
		{MySQL, `SELECT NEXT VALUE FOR seq`, "write", "NEXT VALUE FOR"},
		{SQLite, `SELECT changes()`, "write", "function changes"},
		{SQLite, `SELECT last_insert_rowid()`, "write", "function last_insert_rowid"},
		{SQLite, `SELECT load_extension('x')`, "session", "function load_extension"}, // it stays loaded
		{Postgres, `SELECT lo_get(oid) FROM pg_largeobject_metadata`, "read", ""},

		// Functional notation: x.f is f(x), however f is spelled.
		{Postgres, `SELECT ('seq'::regclass).U&"\006eextval"`, "write", `function u&"\006eextval"`},
		{Postgres, `SELECT s.U&"\006eextval" FROM to_regclass('seq') s`, "write", `function u&"\006eextval"`},
		{Postgres, `SELECT (5).pg_buffercache_evict`, "write", "function pg_buffercache_evict"}, // of a newer server
		{Postgres, `SELECT t.pg_start_backup FROM generate_series(1, 1) t`, "session", "function pg_start_backup"},

		// The server's own functions are in pg_catalog, and nobody else's; those of
		// extensions are where these are installed.
		{Postgres, `SELECT public.log('x')`, "write", "function public.log"},
		{Postgres, `SELECT extensions.now()`, "write", "function extensions.now"},
		{Postgres, `SELECT pg_catalog.similarity('a', 'b')`, "write", "function pg_catalog.similarity"},

		// SQLite runs a PRAGMA for a table of that name.
		{SQLite, `SELECT * FROM pragma_optimize`, "write", "function pragma_optimize"},
		{SQLite, `SELECT * FROM main."pragma_optimize" WHERE arg = 2`, "write", `function main."pragma_optimize"`},
		{SQLite, `SELECT 1 IN pragma_optimize`, "write", "function pragma_optimize"},

		// With ANSI_QUOTES, MySQL's "..." is a name.
		{MySQL, `SELECT "mydb".concat('a')`, "write", `function "mydb".concat`},
		{MySQL, "SELECT `mydb` . \"now\"()", "write", "unknown statement"},
		{MySQL, `SELECT "s".nextval`, "write", "function nextval"}, // a sequence, in MariaDB's ORACLE mode
		{MySQL, `SELECT @@session . identity`, "write", "session variable"},
		{MySQL, "SELECT @@session.`identity`", "write", "session variable"},

		// A statement in brackets runs in CockroachDB.
		{Postgres, `SELECT * FROM [CANCEL JOB 5]`, "write", "unknown statement"},
	}
}

// Named are functions that are named like a keyword of some server: a user may have
// made any that the server in question does not reserve, and it is called wherever
// the word is not grammar. The live tests try all keywords in all places.
func Named() []Case {
	call := func(dialect, query, name string) Case { return Case{dialect, query, "write", "function " + name} }
	return []Case{
		call(Postgres, `SELECT * FROM quick(1)`, "quick"), // a modifier only in MySQL
		call(Postgres, `SELECT * FROM delayed(1), low_priority(1)`, "delayed"),
		call(Postgres, `SELECT * FROM users JOIN orders ON conflict(1)`, "conflict"), // no INSERT, no ON CONFLICT
		call(Postgres, `SELECT sum(id) OVER (ORDER BY id ROWS range(1) PRECEDING) FROM users`, "range"),
		call(Postgres, `SELECT sum(id) OVER (ORDER BY id ROWS ilike(1) PRECEDING) FROM users`, "ilike"),
		call(Postgres, `SELECT xmlroot(x, version ilike(1))`, "ilike"), // behind no operand
		call(Postgres, `SELECT xmlparse(content ilike(1))`, "ilike"),
		call(Postgres, `SELECT * FROM xmltable('x' PASSING y COLUMNS partition by PATH ilike(1)) z`, "ilike"),
		call(Postgres, `SELECT xmlexists('x' PASSING BY VALUE ilike(1))`, "ilike"),
		call(Postgres, `SELECT json_objectagg(u.* VALUE ilike(1)) FROM users u`, "ilike"),
		call(Postgres, `SELECT json_object('a' VALUE ilike(1))`, "ilike"),
		call(Postgres, `SELECT * FROM xmltable('/x' PASSING x COLUMNS a text PATH ilike(1))`, "ilike"),
		call(Postgres, `SELECT 1 OPERATOR(pg_catalog.+) over(1)`, "over"),
		call(Postgres, `SELECT escape(1)`, "escape"),
		call(Postgres, `SELECT name FROM users FETCH FIRST operator(1) ROWS ONLY`, "operator"), // where no operator can stand
		call(MySQL, `SELECT {fn columns(1)}`, "columns"),
		call(MySQL, `SELECT 1 + operator(1)`, "operator"),
		call(MySQL, `SELECT escape(1)`, "escape"),
		call(MySQL, `SELECT name LIKE 'a' ESCAPE sql_cache(1) FROM users`, "sql_cache"),
		call(MySQL, `SELECT json_table(1)`, "json_table"), // a table and no function
		call(MySQL, `SELECT {fn against(1)}`, "against"),
		call(SQLite, `SELECT operator(1)`, "operator"),
		call(SQLite, `SELECT coalesce(with(1), any(1))`, "with"),
		call(SQLite, `SELECT any(1)`, "any"),
		call(SQLite, `SELECT for(1)`, "for"),
		call(SQLite, `SELECT grouping(1)`, "grouping"),
		call(SQLite, `SELECT interval(1)`, "interval"),
		call(SQLite, `SELECT offset(1)`, "offset"),
		call(SQLite, `SELECT window(1)`, "window"),
		call(SQLite, `SELECT fetch(1)`, "fetch"),
		call(MySQL, `SELECT returning(1)`, "returning"),
	}
}

// Session are statements that leave state on their connection.
func Session() []Case {
	return []Case{
		{Postgres, `SET search_path = x`, "session", "SET"},
		{Postgres, `SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY`, "session", "SET"},
		{Postgres, `SET ROLE admin`, "session", "SET"},
		{Postgres, `SET LOCAL search_path = x`, "transaction", "SET LOCAL"}, // gone with the transaction
		{Postgres, `SET TRANSACTION READ ONLY`, "transaction", "SET TRANSACTION"},
		{MySQL, `SET LOCAL sql_mode = ''`, "session", "SET"}, // LOCAL means SESSION there
		{MySQL, `SET TRANSACTION READ ONLY`, "session", "SET"},
		{MySQL, `SET @a = 1`, "session", "SET"},
		{MySQL, `SET autocommit = 0`, "session", "SET"},
		{MySQL, `SELECT @a := 1`, "session", "user variable"},
		{MySQL, `SELECT @a`, "write", "user variable"},
		{MySQL, `USE other`, "session", "USE"},
		{MySQL, `LOCK TABLES users READ`, "session", "LOCK"},
		{MySQL, `SHOW WARNINGS`, "write", "SHOW WARNINGS"},
		{Postgres, `RESET ALL`, "session", "RESET"},
		{Postgres, `DISCARD ALL`, "session", "DISCARD"},
		{Postgres, `LISTEN channel`, "session", "LISTEN"},
		{Postgres, `PREPARE p AS SELECT 1`, "session", "PREPARE"},
		{Postgres, `EXECUTE p`, "session", "EXECUTE"},
		{Postgres, `DECLARE c CURSOR FOR SELECT 1`, "session", "DECLARE"},
		{Postgres, `FETCH 1 FROM c`, "session", "FETCH"},
		{Postgres, `CREATE TEMP TABLE x (a int)`, "session", "temporary table"},
		{Postgres, `CREATE TABLE pg_temp.x (a int)`, "session", "temporary table"},
		{Postgres, `SELECT * FROM pg_temp.x`, "write", "temporary table"},
		{Postgres, `SELECT * INTO pg_temp.leak FROM users`, "session", "temporary table"},
		{Postgres, `EXPLAIN ANALYZE CREATE TEMP TABLE x AS SELECT 1`, "session", "temporary table"},
		{Postgres, `UPDATE pg_settings SET setting = 'x' WHERE name = 'search_path'`, "session", "SET"}, // a rule makes set_config of it
		{Postgres, `UPDATE pg_catalog.pg_settings SET setting = 'x'`, "session", "SET"},
		{Postgres, `SELECT pg_create_physical_replication_slot('s', true, true)`, "session", "function pg_create_physical_replication_slot"},
		{Postgres, `SELECT pg_create_logical_replication_slot('s', 'p', true)`, "session", "function pg_create_logical_replication_slot"},
		{Postgres, `SELECT pg_replication_origin_session_setup('x')`, "session", "function pg_replication_origin_session_setup"},
		{Postgres, `SELECT pg_backup_start('x')`, "session", "function pg_backup_start"},
		{Postgres, `SELECT dblink_connect('x')`, "session", "function dblink_connect"},
		{MySQL, `CALL p(@x)`, "session", "user variable"}, // an OUT parameter
		{MySQL, `LOAD DATA INFILE 'x' INTO TABLE users (@a)`, "session", "user variable"},
		{SQLite, `CREATE TRIGGER temp.x AFTER INSERT ON users BEGIN SELECT 1; END`, "session", "temporary table"},
		{SQLite, `CREATE VIRTUAL TABLE "temp".x USING fts5(a)`, "session", "temporary table"},
		{SQLite, `CREATE INDEX temp.x ON users (id)`, "session", "temporary table"},
		{SQLite, `CREATE TABLE 'temp'.x (a)`, "session", "temporary table"},
		{SQLite, `CREATE INDEX 'temp'.x ON users (id)`, "session", "temporary table"},
		{SQLite, `ATTACH 'x' AS y`, "session", "ATTACH"},
		{SQLite, `PRAGMA foreign_keys = ON`, "session", "PRAGMA foreign_keys"},
		{SQLite, `PRAGMA case_sensitive_like(1)`, "session", "PRAGMA case_sensitive_like"},
	}
}

// Transactions are all spellings of beginning and ending one.
func Transactions() []Case {
	return []Case{
		{Postgres, `BEGIN`, "transaction", "BEGIN"},
		{Postgres, `START TRANSACTION READ ONLY`, "transaction", "START TRANSACTION"},
		{Postgres, `COMMIT AND CHAIN`, "transaction", "COMMIT"},
		{Postgres, `END`, "transaction", "END"},
		{Postgres, `ABORT`, "transaction", "ABORT"},
		{Postgres, `SAVEPOINT a`, "transaction", "SAVEPOINT"},
		{Postgres, `ROLLBACK TO SAVEPOINT a`, "transaction", "ROLLBACK"},
		{Postgres, `PREPARE TRANSACTION 'x'`, "transaction", "PREPARE TRANSACTION"},
		{MySQL, `START SLAVE`, "write", "START"},
		{MySQL, `XA START 'x'`, "transaction", "XA"},
		{MySQL, `BEGIN NOT ATOMIC SELECT 1; END`, "write", "compound statement"},
		{SQLite, `BEGIN IMMEDIATE`, "transaction", "BEGIN"},
		{SQLite, `RELEASE a`, "transaction", "RELEASE"},
	}
}
