// Package sqlcases is a collection of statements with what multidb should say
// about them. The root's tests check the verdicts, live tests run the reads on
// real servers, and fuzz tests start from all of them.
package sqlcases

// Dialects of the cases, as multidb.Dialect spells them.
const (
	Postgres = "postgres"
	MySQL    = "mysql"
	SQLite   = "sqlite"
)

// Case is a statement and its verdict.
type Case struct {
	Dialect string
	Query   string
	Kind    string // read, write, session or transaction
	Reason  string // why it is no read
}

// All returns all cases.
func All() (cases []Case) {
	for _, topic := range []func() []Case{Reads, Locks, Into, Modifying, Several, Explain, Functions, Named, Session, Transactions, Lexing, Odd, Hidden} {
		cases = append(cases, topic()...)
	}
	return cases
}

// reads makes cases of statements that are reads.
func reads(dialect string, queries ...string) (cases []Case) {
	for _, q := range queries {
		cases = append(cases, Case{dialect, q, "read", ""})
	}
	return cases
}

// Schema is what the reads among the cases need, one statement each.
func Schema(dialect string) []string {
	switch dialect {
	case Postgres:
		return []string{
			`CREATE TABLE users (id int PRIMARY KEY, name text, email text, created_at timestamptz DEFAULT now(), tags text[], data jsonb)`,
			`CREATE TABLE orders (id int PRIMARY KEY, user_id int, total numeric(10,2), paid boolean, at date)`,
			`CREATE TABLE "Odd Name" ("select" int, "from" text)`,
			`CREATE SCHEMA shop`,
			`CREATE TABLE shop.items (order_id int, sku text, n int)`,
			`CREATE SEQUENCE seq`,
			`CREATE TYPE address AS (street text, city text)`,
			`CREATE TABLE places (id int, home address)`,
			`INSERT INTO users VALUES (1, 'Ada', 'ada@example.org', now(), '{a,b}', '{"a": 1}')`,
			`INSERT INTO orders VALUES (1, 1, 9.99, true, '2024-01-01')`,
		}
	case MySQL:
		return []string{
			"CREATE TABLE users (id int PRIMARY KEY, name varchar(100), email varchar(100), created_at timestamp, data json, KEY by_name (name), FULLTEXT KEY words (name, email))",
			"CREATE TABLE orders (id int PRIMARY KEY, user_id int, total decimal(10,2), paid int, at date)",
			"CREATE TABLE `odd name` (`select` int, `from` int)",
			"INSERT INTO users VALUES (1, 'Ada', 'ada@example.org', now(), '{\"a\": 1}')",
			"INSERT INTO orders VALUES (1, 1, 9.99, 1, '2024-01-01')",
		}
	default:
		return []string{
			`CREATE TABLE users (id integer PRIMARY KEY, name text, email text, created_at text, data text)`,
			`CREATE INDEX by_name ON users (name)`,
			`CREATE TABLE orders (id integer PRIMARY KEY, user_id int, total real, paid int, at text)`,
			`CREATE TABLE [odd name] ([select] int, "from" text)`,
			`CREATE TABLE ids (id int)`,
			`INSERT INTO users VALUES (1, 'Ada', 'ada@example.org', '2024-01-01', '{"a": 1}')`,
			`INSERT INTO orders VALUES (1, 1, 9.99, 1, '2024-01-01')`,
		}
	}
}
