package sqlcases

// Lexing are texts in which everything depends on where a literal, a name or a
// comment ends. What is data to one server is code to another.
func Lexing() []Case {
	return []Case{
		// Quotes and backslashes.
		{Postgres, `SELECT 'a''b; DELETE FROM users'`, "read", ""},
		{Postgres, `SELECT 'C:\'`, "read", ""},
		{Postgres, `SELECT 'C:\', my_function(), 'x'`, "write", "function my_function"},
		{Postgres, `SELECT E'it\'s'`, "read", ""},
		{Postgres, `SELECT E'\\', my_function(), '\\'`, "write", "function my_function"},
		{Postgres, "SELECT E'a'\n'\\'; DELETE FROM users; --'", "read", ""}, // goes on by the rules of E
		{Postgres, "SELECT 'a' -- remark\n  'b'", "read", ""},
		{Postgres, `SELECT U&'d\0061t', U&"\0069d" FROM users`, "read", ""},
		{MySQL, `SELECT 'it\'s; my_function()'`, "read", ""},
		{MySQL, `SELECT '\\', my_function(), '\\'`, "write", "function my_function"},
		{MySQL, "SELECT `a``b` FROM (SELECT 1 AS `a``b`) AS x", "read", ""},
		{MySQL, `SELECT "my_function"(1)`, "write", "unknown statement"},                    // a name with ANSI_QUOTES
		{MySQL, `SELECT '\' , my_function(), 'x' -- '`, "write", "function my_function"},    // with NO_BACKSLASH_ESCAPES
		{MySQL, `SELECT '\', "test".abs(1) -- '`, "write", `function "test".abs`},           // with that and ANSI_QUOTES
		{MySQL, `SELECT 'a\', my_function(1) AS $a$ -- '`, "write", "function my_function"}, // servers differ about the name, and take it
		{MySQL, `SELECT 'a\', my_function(1) /*+ "*/ -- '`, "write", "function my_function"},
		{MySQL, `SELECT 'a\', my_function 1.e+(1) -- '`, "write", "number without an exponent"},
		{MySQL, `SELECT '\'; SELECT my_function(1); SELECT '`, "write", "second statement"}, // a server rejects but the last
		{MySQL, `SELECT 1 AS "\"; BEGIN; SELECT "`, "transaction", "second statement"},

		// Dollars.
		{Postgres, `SELECT $$it's; DELETE FROM users$$`, "read", ""},
		{Postgres, `SELECT $a$ $$ $b$ $a$`, "read", ""},
		{Postgres, `SELECT 1 AS a$$, 'x' AS b$$`, "read", ""}, // names: no quotes open here
		{Postgres, `SELECT 1 AS a$$; DELETE FROM users; SELECT 2 AS b$$`, "write", "second statement"},
		{MySQL, `SELECT $1 FROM (SELECT 1 AS $1) AS x`, "read", ""}, // a name
		{MySQL, `SELECT $$x$$`, "write", "name that starts with $"},
		{MySQL, `SELECT $a$, my_function(), $a$`, "write", "name that starts with $"},

		// Comments.
		{Postgres, `SELECT /* a /* b */ ; DELETE FROM users */ 1`, "read", ""},
		{Postgres, "SELECT 1 -- a\r; DELETE FROM users", "write", "second statement"}, // a lone CR ends it
		{MySQL, `SELECT /* a /* b */ my_function() -- */`, "write", "function my_function"},
		{MySQL, "SELECT 1 -- a\rfrom b", "read", ""},
		{MySQL, `SELECT 1 --my_function()`, "write", "function my_function"},
		{MySQL, `SELECT 1 /*! INTO OUTFILE '/tmp/x' */`, "session", "executable comment"},
		{MySQL, `SELECT 1 /*!99999 FROM users */`, "session", "executable comment"},
		{MySQL, `SELECT 1 /*M! , 2 */`, "session", "executable comment"},
		{MySQL, "SELECT /*+ SET_VAR(sql_mode='*/ my_function() /*') */ 1", "write", "unterminated comment"}, // a hint of MySQL 8, which ends later
		{MySQL, `SELECT /*+ SET_VAR(a='\') */ 1`, "write", "unterminated comment"},
		{SQLite, `SELECT 1 /*! , 2 */`, "read", ""},
		{Postgres, `SELECT 1 # 2`, "read", ""},
		{Postgres, "SELECT 1 # my_function()", "write", "function my_function"},
		{Postgres, `SELECT 1+--` + "\n" + `2`, "read", ""},

		// Names, numbers, blanks.
		{SQLite, `SELECT [a]]; DELETE FROM users; --]`, "write", "second statement"}, // ] has no escape
		{SQLite, "\ufeffSELECT 1", "read", ""},
		{Postgres, "\ufeffSELECT 1", "write", "unknown statement"},
		{MySQL, "SELECT 1e1FROM users", "read", ""},
		{MySQL, "SELECT 1.e2, .5E-2, t1.e FROM (SELECT 1 AS e) AS t1", "read", ""},
		{MySQL, "SELECT my_function 1.e+(1)", "write", "number without an exponent"}, // MySQL drops what is before the parenthesis
		{MySQL, "SELECT 2 .1e-- my_function(1)", "write", "number without an exponent"},
		{Postgres, `SELECT 1INTO copy`, "write", "INTO"},
		{SQLite, `SELECT :a, @b, $c, ?1`, "read", ""},

		// What no server takes, or not each in the same way.
		{MySQL, "SELECT '\xbf\\', my_function(), '\xbf\\'", "write", "invalid UTF-8"},
		{SQLite, "SELECT 1 /* \x00 */", "write", "NUL"}, // where SQLite's text ends
		{Postgres, `SELECT 'open`, "write", "unterminated string"},
		{Postgres, `SELECT "open`, "write", "unterminated name"},
		{Postgres, `SELECT $$open`, "write", "unterminated string"},
		{Postgres, `SELECT /* open /* */`, "write", "unterminated comment"},
		{Postgres, "SELECT 1\x00; DELETE FROM users", "write", "illegal character"},
		{Postgres, `SELECT (1`, "write", "unbalanced parentheses"},
		{Postgres, `SELECT 1)`, "write", "unbalanced parentheses"},
	}
}

// Odd are texts that are nothing that we know.
func Odd() []Case {
	return []Case{
		{Postgres, `FROBNICATE users`, "write", "unknown statement"},
		{Postgres, `SELECT 1 FROM users SELECT 2`, "write", "unknown statement"},
		{Postgres, `REPLACE INTO users VALUES (1)`, "write", "unknown statement"},
		{SQLite, `SHOW TABLES`, "write", "unknown statement"},
		{MySQL, `COPY users TO STDOUT`, "write", "unknown statement"},
		{Postgres, `'SELECT 1'`, "write", "unknown statement"},
		{Postgres, `"SELECT" 1`, "write", "unknown statement"},
	}
}
