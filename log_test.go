package multidb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

func TestEveryCallIsLoggedWithItsReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newSplit(t, testdb.Full, func(c *multidb.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
				ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					switch a.Key {
					case slog.TimeKey, slog.LevelKey, slog.MessageKey:
						return slog.Attr{}
					case "duration":
						return slog.String("took", a.Value.Kind().String())
					}
					return a
				},
			}))
		})
		ctx, db := t.Context(), s.db
		check(t, db.PingContext(ctx))
		must(db.ExecContext(ctx, "INSERT INTO t VALUES (?)", "topsecret"))
		check(t, drain(db.QueryContext(ctx, "SELECT 1 FROM t WHERE word = 'topsecret'")))
		_, err := db.ExecContext(multidb.WithEngine(ctx, multidb.Replica), "DELETE FROM t")
		if err == nil {
			t.Error("a write on a replica was not refused")
		}
		check(t, multidb.RunInTx(ctx, db, nil, func(ctx context.Context, tx *sql.Tx) error {
			return drain(tx.QueryContext(ctx, "SELECT 1"))
		}))
		stmt := must(db.PrepareContext(ctx, "SELECT ?"))
		check(t, drain(stmt.QueryContext(ctx, 1)))
		check(t, stmt.Close())

		want := strings.TrimSpace(`
verb=ping database="" engine=primary reason=ping took=Duration
verb=insert database="" engine=primary reason="write (INSERT)" took=Duration
verb=select database="" engine=replica1 reason=read took=Duration
verb=delete took=Duration error="multidb: not a read, and the engine is a replica: engine \"replica1\", statement: DELETE; name the primary, or list a function without effect in read_functions"
verb=begin database="" engine=primary reason=begin took=Duration
verb=select database="" engine=primary reason="in transaction" took=Duration
verb=commit database="" engine=primary reason="in transaction" took=Duration
verb=prepare database="" engine=replica1 reason=read took=Duration
verb=select database="" engine=replica1 reason=read took=Duration`)
		if got := strings.TrimSpace(out.String()); got != want {
			t.Errorf("logged\n%s\nwant\n%s", got, want)
		}
		if strings.Contains(out.String(), "topsecret") {
			t.Error("the log shows data")
		}
	})
}

func TestEchoLogsToTheDefaultLogger(t *testing.T) {
	var out bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(old)
	for _, echo := range []bool{false, true} {
		out.Reset()
		fake := testdb.NewFake(t, "primary", testdb.Full)
		db := openConfig(t, multidb.Config{Primary: engine(fake), Echo: echo})
		must(db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"))
		check(t, db.Close())
		logged := strings.Contains(out.String(), `verb=insert database="" engine=primary reason="only engine"`)
		if logged != echo {
			t.Errorf("with echo %v the log is %q", echo, out.String())
		}
	}
}

func TestStatsCountStatementsByReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		db := newSplit(t, testdb.Full, func(c *multidb.Config) { c.Replicas[0].MaxOpen = 7 }).db
		ctx := t.Context()
		for range 3 {
			check(t, drain(db.QueryContext(ctx, "SELECT 1")))
		}
		must(db.ExecContext(ctx, "DELETE FROM t"))
		stmt := must(db.PrepareContext(ctx, "SELECT 2"))
		for range 2 {
			check(t, drain(stmt.QueryContext(ctx)))
		}
		check(t, stmt.Close())
		rows := must(db.QueryContext(ctx, "SELECT 1"))
		defer rows.Close()

		stats := multidb.FromDB(db).Stats()
		for _, want := range []struct {
			engine, role, reason string
			routed               uint64
			maxOpen, open, inUse int
		}{
			{"primary", multidb.Primary, "write", 1, 0, 1, 0},
			{"replica1", multidb.Replica, "read", 6, 7, 1, 1},
		} {
			e, ok := stats.Engine(want.engine)
			if !ok || e.Role != want.role || len(e.Routed) != 1 || e.Routed[want.reason] != want.routed ||
				e.Pool.MaxOpenConnections != want.maxOpen || e.Pool.OpenConnections != want.open || e.Pool.InUse != want.inUse ||
				e.Pool.Idle != want.open-want.inUse {
				t.Errorf("%s: %+v, want %+v", want.engine, e, want)
			}
		}
		if _, ok := stats.Engine("nowhere"); ok {
			t.Error("there are stats of an engine that is not there")
		}
	})
}

func TestFromDBKnowsOnlyItsOwn(t *testing.T) {
	fake := testdb.NewFake(t, "primary", testdb.Full)
	other := sql.OpenDB(fake.Connector())
	defer other.Close()
	if multidb.FromDB(other) != nil {
		t.Error("FromDB found a connector behind another driver")
	}
}

// A rule that matches a text in one dialect need not match it in that of the
// database that it leads to.
func TestLogOfARuleAcrossDialects(t *testing.T) {
	var out bytes.Buffer
	shop, audit := testdb.NewFake(t, "shop", testdb.Full), testdb.NewFake(t, "audit", testdb.Full)
	db := openConfig(t, multidb.Config{
		Primary:   multidb.Engine{Driver: "postgres", Connector: shop.Connector()},
		Databases: map[string]multidb.Database{"audit": {Primary: multidb.Engine{Driver: "mysql", Connector: audit.Connector()}}},
		Rules:     []multidb.Rule{{Tables: []string{"event_log"}, Use: "audit"}},
		Logger:    slog.New(slog.NewTextHandler(&out, nil)),
	})
	defer db.Close()
	check(t, drain(db.QueryContext(t.Context(), `SELECT 1 FROM "event_log"`)))
	if !strings.Contains(out.String(), "engine=audit") || !strings.Contains(out.String(), "database by rule 1") {
		t.Errorf("logged %s", out.String())
	}
}

// A statement counts once, also if the child leaves Exec to Prepare.
func TestStatementsAreCountedOnce(t *testing.T) {
	for _, shape := range []testdb.Shape{testdb.Full, testdb.Bare} {
		t.Run(shape.Name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSplit(t, shape)
				conn := must(s.db.Conn(t.Context()))
				defer conn.Close()
				must(conn.ExecContext(t.Context(), "DELETE FROM t"))
				check(t, conn.Raw(func(c any) error {
					return c.(*multidb.Conn).Raw(t.Context(), func(any) error { return nil })
				}))
				e, _ := multidb.FromDB(s.db).Stats().Engine("primary")
				if want := map[string]uint64{"write": 1, "raw": 1}; !maps.Equal(e.Routed, want) {
					t.Errorf("got %v, want %v", e.Routed, want)
				}
			})
		})
	}
}

// What fn does to the child is the program's own, but that it had it is logged.
func TestRawIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newSplit(t, testdb.Full, func(c *multidb.Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) }) // without Echo
		conn := must(s.db.Conn(t.Context()))
		defer conn.Close()
		for _, want := range []error{nil, errors.New("the program's own")} {
			out.Reset()
			err := conn.Raw(func(c any) error {
				return c.(*multidb.Conn).Raw(t.Context(), func(any) error { return want })
			})
			if err != want {
				t.Errorf("got %v, want %v", err, want)
			}
			if line := out.String(); !strings.Contains(line, `verb=raw database="" engine=primary`) || strings.Contains(line, "error=") != (want != nil) {
				t.Errorf("logged %q", line)
			}
		}
	})
}
