package multidb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// undialled is a connector for tests that only ask for routes.
type undialled struct{}

func (undialled) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("a route was not meant to dial")
}
func (undialled) Driver() driver.Driver { return nil }

func routed(dialect string) Engine { return Engine{Driver: dialect, Connector: undialled{}} }

// twoDatabases is a shop with two replicas, an audit trail with one, and a
// legacy database with none.
func twoDatabases() Config {
	engine := routed("postgres")
	return Config{
		Primary:  engine,
		Replicas: []Engine{engine, engine},
		Databases: map[string]Database{
			"audit":  {Primary: engine, Replicas: []Engine{engine}},
			"legacy": {Primary: engine},
		},
	}
}

func mustConnector(t testing.TB, c Config) *Connector {
	t.Helper()
	k, err := NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// oneOf is an engine of which there are several.
const anyReplica = "replica1|replica2"

func TestRoute(t *testing.T) {
	const (
		read    = "SELECT * FROM orders"
		write   = "UPDATE orders SET paid = true"
		session = "SET search_path TO elsewhere"
		begin   = "BEGIN"
	)
	plain := context.Background()
	rules := func(rules ...Rule) func(*Config) { return func(c *Config) { c.Rules = rules } }

	for _, test := range []struct {
		name   string
		config func(*Config)
		ctx    context.Context
		query  string
		via    via
		pin    string // the engine that the Conn is pinned to
		inTx   bool
		ro     bool

		engine string
		why    string
		err    error
	}{
		// The reader/writer split.
		{name: "read", query: read, engine: anyReplica, why: "read"},
		{name: "write", query: write, engine: "primary", why: "write (UPDATE)"},
		{name: "write through Query", query: "INSERT INTO orders VALUES (1) RETURNING id", engine: "primary", why: "write (INSERT)"},
		{name: "locking read", query: read + " FOR UPDATE", engine: "primary", why: "write (FOR UPDATE)"},
		{name: "read through Exec", query: read, via: viaExec, engine: "primary", why: "called through Exec"},
		{name: "session", query: session, via: viaExec, engine: "primary", why: "session (SET)"},
		{name: "transaction", query: begin, via: viaExec, engine: "primary", why: "transaction (BEGIN)"},
		{name: "prepare a read", query: read, via: viaPrepare, engine: anyReplica, why: "read"},
		{name: "ping", via: viaPing, engine: "primary", why: "ping"},
		{name: "raw", via: viaRaw, engine: "primary", why: "raw"},
		{name: "begin", via: viaBegin, engine: "primary", why: "begin"},
		{name: "begin read-only", via: viaBeginReadOnly, engine: anyReplica, why: "begin read-only"},
		{name: "begin read-only, kept on the primary", config: func(c *Config) { c.ReadOnlyTx = "primary" },
			via: viaBeginReadOnly, engine: "primary", why: "begin"},
		{name: "reads kept on the primary", config: func(c *Config) { c.Reads = "primary" },
			query: read, engine: "primary", why: "read, kept on primary"},
		{name: "reads kept on the primary, but a replica chosen", config: func(c *Config) { c.Reads = "primary" },
			ctx: WithEngine(plain, Replica), query: read, engine: anyReplica, why: "chosen by context"},

		// The context.
		{name: "role primary", ctx: WithEngine(plain, Primary), query: read, engine: "primary", why: "chosen by context"},
		{name: "role replica", ctx: WithEngine(plain, Replica), query: read, engine: anyReplica, why: "chosen by context"},
		{name: "role replica beats Exec", ctx: WithEngine(plain, Replica), query: read, via: viaExec, engine: anyReplica, why: "chosen by context"},
		{name: "named replica", ctx: WithEngine(plain, "replica2"), query: read, engine: "replica2", why: "chosen by context"},
		{name: "write on a named replica", ctx: WithEngine(plain, "replica2"), query: write, err: ErrReadOnlyEngine},
		{name: "write on the role replica", ctx: WithEngine(plain, Replica), query: write, err: ErrReadOnlyEngine},
		{name: "session on a named replica", ctx: WithEngine(plain, "replica2"), query: session, engine: "replica2", why: "chosen by context"},
		{name: "unknown engine", ctx: WithEngine(plain, "replica3"), query: read, err: ErrUnknownEngine},
		{name: "choice taken back", ctx: WithEngine(WithEngine(plain, "legacy"), ""), query: write, engine: "primary", why: "write (UPDATE)"},
		{name: "database", ctx: WithDatabase(plain, "audit"), query: write, engine: "audit", why: "write (UPDATE), database by context"},
		{name: "database, read", ctx: WithDatabase(plain, "audit"), query: read, engine: "audit.replica1", why: "read, database by context"},
		{name: "database without replica, read", ctx: WithDatabase(plain, "legacy"), query: read, engine: "legacy", why: "no replica to read from, database by context"},
		{name: "database without replica, role replica", ctx: WithEngine(WithDatabase(plain, "legacy"), Replica), query: read,
			engine: "legacy", why: "no replica to read from, database by context"},
		{name: "database and role", ctx: WithDatabase(WithEngine(plain, Replica), "audit"), query: read,
			engine: "audit.replica1", why: "chosen by context"},
		{name: "engine of a database", ctx: WithEngine(plain, "audit.replica1"), query: read, engine: "audit.replica1", why: "chosen by context"},
		{name: "engine of another database", ctx: WithEngine(WithDatabase(plain, "legacy"), "audit"), query: read, err: ErrUnknownEngine},
		{name: "unknown database", ctx: WithDatabase(plain, "nowhere"), query: read, err: ErrUnknownDatabase},
		{name: "no default database", config: func(c *Config) { c.Primary, c.Replicas = Engine{}, nil }, query: read, err: ErrNoDatabase},
		{name: "no default database, chosen", config: func(c *Config) { c.Primary, c.Replicas = Engine{}, nil },
			ctx: WithDatabase(plain, ""), query: read, err: ErrNoDatabase},

		// Rules.
		{name: "the article's rules, insert", config: rules(Rule{Verbs: []string{"insert", "update", "delete"}, Use: "legacy"}),
			query: write, engine: "legacy", why: "write (UPDATE), database by rule 1"},
		{name: "the article's rules, select", config: rules(Rule{Verbs: []string{"insert", "update", "delete"}, Use: "legacy"}),
			query: read, engine: anyReplica, why: "read"},
		{name: "the article's rules, second statement", config: rules(Rule{Verbs: []string{"insert", "update", "delete"}, Use: "legacy"}),
			query: "SELECT 1; DELETE FROM orders", engine: "legacy", why: "write (second statement), database by rule 1"},
		{name: "the article's rules, after a CREATE", config: rules(Rule{Verbs: []string{"insert", "update", "delete"}, Use: "legacy"}),
			query: "CREATE TABLE x (a int); INSERT INTO x VALUES (1)", engine: "legacy", why: "write (CREATE), database by rule 1"},
		{name: "the article's rules, explained", config: rules(Rule{Verbs: []string{"insert", "update", "delete"}, Use: "legacy"}),
			query: "EXPLAIN ANALYZE DELETE FROM orders", engine: "legacy", why: "write (DELETE), database by rule 1"},
		{name: "the article's rules, in a WITH member", config: rules(Rule{Verbs: []string{"insert", "update", "delete"}, Use: "legacy"}),
			query: "WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x", engine: "legacy", why: "write (data-modifying CTE), database by rule 1"},
		{name: "two rules for one database", config: rules(Rule{Verbs: []string{"insert"}, Use: "audit"}, Rule{Verbs: []string{"delete"}, Use: "audit"}),
			query: "DELETE FROM orders; INSERT INTO orders VALUES (1)", engine: "audit", why: "write (DELETE), database by rule 1"},
		{name: "table in any schema", config: rules(Rule{Tables: []string{"orders"}, Use: "audit"}),
			query: "SELECT * FROM sales.orders", engine: "audit.replica1", why: "read, database by rule 1"},
		{name: "schema pattern", config: rules(Rule{Tables: []string{"audit.*"}, Use: "audit"}),
			query: "INSERT INTO audit.log VALUES (1)", engine: "audit", why: "write (INSERT), database by rule 1"},
		{name: "schema pattern, no schema", config: rules(Rule{Tables: []string{"audit.*"}, Use: "audit"}),
			query: "INSERT INTO log VALUES (1)", engine: "primary", why: "write (INSERT)"},
		{name: "a literal is no table", config: rules(Rule{Tables: []string{"log"}, Use: "audit"}),
			query: "SELECT ' FROM log ' FROM orders", engine: anyReplica, why: "read"},
		{name: "kinds", config: rules(Rule{Kinds: []string{"read"}, Use: "replica2"}), query: read, engine: "replica2", why: "rule 1"},
		{name: "first rule wins", config: rules(Rule{Kinds: []string{"write"}, Use: "legacy"}, Rule{Tables: []string{"orders"}, Use: "audit"}),
			query: write, engine: "legacy", why: "write (UPDATE), database by rule 1"},
		{name: "second rule", config: rules(Rule{Kinds: []string{"write"}, Use: "legacy"}, Rule{Tables: []string{"orders"}, Use: "audit"}),
			query: read, engine: "audit.replica1", why: "read, database by rule 2"},
		{name: "all conditions must hold", config: rules(Rule{Verbs: []string{"select"}, Tables: []string{"invoices"}, Use: "legacy"}),
			query: read, engine: anyReplica, why: "read"},
		{name: "context beats rules", config: rules(Rule{Kinds: []string{"write"}, Use: "legacy"}),
			ctx: WithDatabase(plain, ""), query: write, engine: "primary", why: "write (UPDATE), database by context"},
		{name: "role beats a rule's engine", config: rules(Rule{Kinds: []string{"read"}, Use: "replica2"}),
			ctx: WithEngine(plain, Primary), query: read, engine: "primary", why: "chosen by context, database by rule 1"},
		{name: "router", config: func(c *Config) {
			c.Router = func(_ context.Context, s Statement) (string, error) {
				if s.Verb == "update" {
					return "audit", nil
				}
				return "", nil
			}
		}, query: write, engine: "audit", why: "write (UPDATE), database by router"},
		{name: "router without opinion", config: func(c *Config) {
			c.Router = func(context.Context, Statement) (string, error) { return "", nil }
		}, query: write, engine: "primary", why: "write (UPDATE)"},
		{name: "router names nothing", config: func(c *Config) {
			c.Router = func(context.Context, Statement) (string, error) { return "nowhere", nil }
		}, query: write, err: ErrUnknownEngine},
		{name: "router sends a write to a replica", config: func(c *Config) {
			c.Router = func(context.Context, Statement) (string, error) { return "replica1", nil }
		}, query: write, err: ErrReadOnlyEngine},
		{name: "router refuses", config: func(c *Config) {
			c.Router = func(context.Context, Statement) (string, error) { return "", context.Canceled }
		}, query: write, err: context.Canceled},

		// Transactions and session state.
		{name: "in a transaction", query: read, pin: "primary", inTx: true, engine: "primary", why: "in transaction"},
		{name: "in a transaction, its engine named", ctx: WithEngine(plain, Primary), query: read, pin: "primary", inTx: true,
			engine: "primary", why: "in transaction"},
		{name: "in a transaction, another engine", ctx: WithEngine(plain, "replica1"), query: read, pin: "primary", inTx: true, err: ErrTxEngine},
		{name: "in a transaction, another role", ctx: WithEngine(plain, Replica), query: read, pin: "primary", inTx: true, err: ErrTxEngine},
		{name: "in a transaction, a role that the database lacks", ctx: WithEngine(plain, Replica), query: read, pin: "legacy", inTx: true,
			engine: "legacy", why: "in transaction"},
		{name: "in a transaction, another database", ctx: WithDatabase(plain, "audit"), query: read, pin: "primary", inTx: true, err: ErrTxDatabase},
		{name: "in a transaction, an engine of another database", ctx: WithEngine(plain, "audit"), query: read, pin: "primary", inTx: true, err: ErrTxDatabase},
		{name: "in a transaction, a rule says another database", config: rules(Rule{Kinds: []string{"write"}, Use: "legacy"}),
			query: write, pin: "primary", inTx: true, err: ErrTxDatabase},
		{name: "in a transaction, a rule says this database", config: rules(Rule{Kinds: []string{"write"}, Use: "legacy"}),
			query: write, pin: "legacy", inTx: true, engine: "legacy", why: "in transaction"},
		{name: "in a transaction, a rule says another engine", config: rules(Rule{Kinds: []string{"read"}, Use: "replica1"}),
			query: read, pin: "primary", inTx: true, engine: "primary", why: "in transaction"},
		{name: "in a read-only transaction on a replica the server decides", query: write, pin: "replica1", inTx: true, ro: true,
			engine: "replica1", why: "in transaction"},
		{name: "in a transaction on a replica", query: write, pin: "replica1", inTx: true, err: ErrReadOnlyEngine},
		{name: "pinned", query: read, pin: "primary", engine: "primary", why: "session state"},
		{name: "pinned, another engine", ctx: WithEngine(plain, "replica1"), query: read, pin: "primary", err: ErrTxEngine},
		{name: "pinned, another database", ctx: WithDatabase(plain, "audit"), query: read, pin: "primary", err: ErrTxDatabase},
		{name: "pinned to a replica, write", query: write, pin: "replica1", err: ErrReadOnlyEngine},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := twoDatabases()
			if test.config != nil {
				test.config(&config)
			}
			k := mustConnector(t, config)
			ctx := test.ctx
			if ctx == nil {
				ctx = plain
			}
			r, err := k.route(&question{ctx: ctx, choice: choiceFrom(ctx), query: test.query, via: test.via,
				pin: k.engines[test.pin], inTx: test.inTx, readOnlyTx: test.ro})
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if test.err != nil {
				if errors.Is(test.err, context.Canceled) {
					return
				}
				if !strings.HasPrefix(err.Error(), "multidb: ") {
					t.Errorf("error %q", err)
				}
				return
			}
			if !strings.Contains("|"+test.engine+"|", "|"+r.engine.name+"|") {
				t.Errorf("engine %q, want %q", r.engine.name, test.engine)
			}
			if why := r.why(); why != test.why {
				t.Errorf("reason %q, want %q", why, test.why)
			}
		})
	}
}

// With one engine there is nothing to choose, but a wrong name is still wrong.
func TestRouteOnlyEngine(t *testing.T) {
	k := mustConnector(t, Config{Primary: routed("postgres")})
	for _, test := range []struct {
		ctx context.Context
		err error
	}{
		{context.Background(), nil},
		{WithEngine(context.Background(), Primary), nil},
		{WithEngine(context.Background(), Replica), nil},
		{WithDatabase(context.Background(), ""), nil},
		{WithEngine(context.Background(), "replica1"), ErrUnknownEngine},
		{WithDatabase(context.Background(), "audit"), ErrUnknownDatabase},
	} {
		r, err := k.route(&question{ctx: test.ctx, choice: choiceFrom(test.ctx), query: "DELETE FROM orders", via: viaExec})
		if !errors.Is(err, test.err) {
			t.Errorf("%+v: error %v, want %v", choiceFrom(test.ctx), err, test.err)
		}
		if err == nil && (r.why() != "only engine" || r.facts != nil) {
			t.Errorf("%+v: reason %q, classified %v", choiceFrom(test.ctx), r.why(), r.facts != nil)
		}
	}
}

// A text is read as the server reads it to which it goes: PostgreSQL quotes with
// dollars, MySQL does not.
func TestRouteReadsATextInTheDialectOfItsDatabase(t *testing.T) {
	const query = `SELECT $$; DELETE FROM orders; $$`
	k := mustConnector(t, Config{
		Primary:  routed("postgres"),
		Replicas: []Engine{routed("postgres")},
		Databases: map[string]Database{
			"shop": {Primary: routed("mysql"), Replicas: []Engine{routed("mysql")}},
		},
		Rules: []Rule{{Tables: []string{"items"}, Use: "shop"}},
	})
	for _, test := range []struct {
		ctx    context.Context
		query  string
		engine string
	}{
		{context.Background(), query, "replica1"},
		{WithDatabase(context.Background(), "shop"), query, "shop"},
		{context.Background(), "SELECT `name` FROM items", "shop.replica1"},
	} {
		r, err := k.route(&question{ctx: test.ctx, choice: choiceFrom(test.ctx), query: test.query})
		if err != nil {
			t.Fatal(err)
		}
		if r.engine.name != test.engine {
			t.Errorf("%s went to %s, want %s", test.query, r.engine.name, test.engine)
		}
	}
}

func TestBalanceFollowsWeights(t *testing.T) {
	config := twoDatabases()
	config.Replicas[1].Weight = 3
	k := mustConnector(t, config)
	got := make(map[string]int)
	const n = 10_000
	for range n {
		got[k.reader(k.databases[""], &question{}).name]++
	}
	// The deviation allowed is ten times the standard one.
	if share := float64(got["replica2"]) / n; share < 0.70 || share > 0.80 {
		t.Errorf("replica2 with three times the weight of replica1 got %.0f%% of the reads", 100*share)
	}
}

func TestBalancePrefersTheReplicaInHand(t *testing.T) {
	k := mustConnector(t, twoDatabases())
	inHand := &child{engine: k.engines["replica2"]}
	for range 50 {
		if e := k.reader(k.databases[""], &question{leases: []*child{inHand}}); e.name != "replica2" {
			t.Fatalf("a Conn that holds a child of replica2 was sent to %s", e.name)
		}
		if e := k.reader(k.databases["audit"], &question{leases: []*child{inHand}}); e.name != "audit.replica1" {
			t.Fatalf("a Conn that holds a child of another database was sent to %s", e.name)
		}
	}
	inHand.broken = true
	for range 100 {
		if k.reader(k.databases[""], &question{leases: []*child{inHand}}).name == "replica1" {
			return
		}
	}
	t.Error("a Conn with a broken child was never sent to another replica")
}

func TestReasonsHaveTexts(t *testing.T) {
	seen := make(map[string]bool)
	for r := reasonNone + 1; r < reasons; r++ {
		if r.String() == "" || seen[r.String()] {
			t.Errorf("reason(%d) has the text %q", uint8(r), r)
		}
		seen[r.String()] = true
	}
	if got := fmt.Sprint(reasonRead); got != "read" {
		t.Errorf("reasonRead prints as %q", got)
	}
}

// A text that belongs to two databases is sent to neither.
func TestRouteRefusesATextForTwoDatabases(t *testing.T) {
	k := mustConnector(t, Config{
		Primary:   routed("postgres"),
		Databases: map[string]Database{"legacy": {Primary: routed("postgres")}, "audit": {Primary: routed("postgres")}},
		Rules:     []Rule{{Verbs: []string{"insert"}, Use: "audit"}, {Verbs: []string{"delete"}, Use: "legacy"}},
	})
	for _, query := range []string{
		"DELETE FROM a; INSERT INTO a VALUES (1)",
		"SELECT 1; INSERT INTO a VALUES (1); EXPLAIN ANALYZE DELETE FROM a",
		"WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x",
	} {
		_, err := k.route(&question{ctx: t.Context(), via: viaExec, query: query})
		if err == nil || !strings.Contains(err.Error(), "send them one at a time") {
			t.Errorf("%s: error %v", query, err)
		}
		if _, err := k.route(&question{ctx: t.Context(), via: viaExec, query: query, choice: choiceFrom(WithDatabase(t.Context(), "audit"))}); err != nil {
			t.Errorf("%s: with a database named: %v", query, err)
		}
	}
}
