package multidb

import (
	"fmt"
	"strings"
	"testing"
)

const ormStatement = `SELECT "users"."id", "users"."name", "users"."email", "users"."created_at" FROM "users" ` +
	`LEFT JOIN "orders" ON "orders"."user_id" = "users"."id" WHERE "users"."id" = $1 AND "orders"."paid" ORDER BY "users"."id" LIMIT 10`

func BenchmarkClassify(b *testing.B) {
	b.Run("orm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Classify(Postgres, ormStatement)
		}
	})
	b.Run("small", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Classify(Postgres, "SELECT name FROM users WHERE id = $1")
		}
	})
	for _, shape := range hugeTexts() {
		b.Run(shape.name, func(b *testing.B) {
			b.SetBytes(int64(len(shape.text)))
			for b.Loop() {
				Classify(shape.dialect, shape.text)
			}
		})
	}
}

type hugeText struct {
	name    string
	dialect Dialect
	text    string
}

// hugeTexts are texts of 1 MiB in the shapes that make a careless scanner slow.
func hugeTexts() []hugeText {
	fill := func(d Dialect, name, before, part, after string) hugeText {
		return hugeText{name, d, before + strings.Repeat(part, (1<<20)/len(part)) + after}
	}
	return []hugeText{
		fill(Postgres, "values", "INSERT INTO t (a, b, c) VALUES ", "(1234, 'some text', $1), ", "(1, 2, 3)"),
		fill(Postgres, "select list", "SELECT ", "\"users\".\"name\", users.email, ", "1 FROM users"),
		fill(Postgres, "in list", "SELECT a FROM t WHERE a IN (", "1234, ", "1)"),
		fill(Postgres, "statements", "", "SELECT a FROM t; ", ""),
		fill(Postgres, "calls", "SELECT ", "lower(name), ", "1"),
		fill(Postgres, "unknown calls", "SELECT ", "f(g), ", "1"),
		fill(Postgres, "joins", "SELECT * FROM t ", "JOIN u USING (id) ", ""),
		fill(Postgres, "many tables", "SELECT * FROM t ", ", abc", ""),
		fill(Postgres, "parentheses", "SELECT ", "(", ""),
		fill(Postgres, "closed parentheses", "SELECT ", "(1)+", "1"),
		fill(Postgres, "comments", "SELECT 1 ", "/* a */ ", ""),
		fill(Postgres, "nested comments", "SELECT 1 ", "/*", ""),
		fill(Postgres, "quotes", "SELECT '", "''", "'"),
		fill(Postgres, "backslashes", "SELECT E'", `\\`, "'"),
		fill(Postgres, "ambiguous", "SELECT ", `'\', `, "1"),
		fill(Postgres, "dollars", "SELECT ", "$a $", ""),
		fill(Postgres, "open dollars", "SELECT ", "$a$ $b$ ", ""),
		fill(Postgres, "members", "WITH ", "a AS (SELECT 1), ", "z AS (SELECT 2) SELECT 3"),
		fill(Postgres, "dots", "SELECT ", "a.", "a"),
		fill(Postgres, "continued", "SELECT E'a'", "\n'a'", ""),
		fill(Postgres, "continued no", "SELECT ", "E'a'\n\n\n\n\n ", ""),
		fill(MySQL, "mysql values", "INSERT INTO t (a, b, c) VALUES ", "(1234, 'some text', ?), ", "(1, 2, 3)"),
		fill(MySQL, "mysql ambiguous", "SELECT ", `'it\'s', "\"", `, "1"),
		fill(MySQL, "executable", "SELECT ", "/*! 1, */", "1"),
		fill(SQLite, "byte order marks", "SELECT 1", "\ufeff", ""),
		fill(Postgres, "columns", "SELECT ", "a,", "1"),
		fill(Postgres, "names", "SELECT ", "a.b,", "1"),
		fill(Postgres, "conditions", "SELECT a FROM t WHERE a = 1", " AND abc = 1", ""),
		fill(Postgres, "subqueries", "SELECT 1", ",(SELECT a FROM t)", ""),
		fill(Postgres, "casts", "SELECT 1", ",a::int", ""),
		fill(Postgres, "qualified calls", "SELECT 1", ",pg_catalog.now()", ""),
		fill(Postgres, "semicolons", "SELECT 1", ";", ""),
		fill(Postgres, "short statements", "SELECT 1", ";a", ""),
		fill(Postgres, "transactions", "SELECT 1", ";BEGIN", ""),
		fill(Postgres, "settings", "SELECT 1", ";SET a=1", ""),
		fill(Postgres, "truncate", "TRUNCATE t", ",a.b", ""),
		fill(Postgres, "dump", "", "INSERT INTO orders (id, customer, total) VALUES (1234, 'Miller', 12.50);\n", ""),
		fill(Postgres, "updates", "", "UPDATE orders SET total = total + 1, at = now() WHERE id = 1234 AND NOT paid;\n", ""),
		fill(Postgres, "migration", "", "ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT '';\nCREATE INDEX ON orders (customer, at);\n", ""),
		fill(Postgres, "union of an ORM's", "SELECT 1", " UNION ALL "+ormStatement, ""),
		fill(Postgres, "different tables", "SELECT 1 FROM t", different(), ""),
		fill(MySQL, "mysql variables", "SELECT 1", ",@a", ""),
		fill(SQLite, "sqlite columns", "SELECT ", "a,", "1"),
		fill(Generic, "generic values", "INSERT INTO t (a, b, c) VALUES ", "(1234, 'some text', ?), ", "(1, 2, 3)"),
		fill(Generic, "generic calls", "SELECT ", "lower(name), ", "1"),
		fill(Generic, "generic select list", "SELECT ", "users.email, ", "1 FROM users"),
	}
}

// different is a list of tables, each with another name.
func different() string {
	var b strings.Builder
	for n := range 1 << 18 {
		fmt.Fprintf(&b, ",a%d", n)
	}
	return b.String()[:1<<20]
}
