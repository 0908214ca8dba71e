package multidb_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// With a single engine nothing at all may differ from the child driver: the
// settings of the sql.DB, the session, the moment of the dial.

// compareHeld runs a program on the child driver and on a Conn that holds it.
func compareHeld(t *testing.T, run func(*probe)) {
	t.Helper()
	for _, shape := range testdb.Shapes {
		t.Run(shape.Name, func(t *testing.T) {
			want, got := observe(t, shape, direct, run), observe(t, shape, held, run)
			diff(t, "the program saw", got.notes, want.notes)
			diff(t, "the child saw", got.trace, want.trace)
		})
	}
}

func TestHeldDialsInConnect(t *testing.T) {
	compareHeld(t, func(p *probe) {
		type key struct{}
		p.fake.On(testdb.OpDial, func(c *testdb.Call) error {
			deadline, ok := c.Context.Deadline()
			p.note("dialled with %v, %v %t", c.Context.Value(key{}), time.Until(deadline) > 0, ok)
			return nil
		})
		ctx, cancel := context.WithTimeout(context.WithValue(p.Context(), key{}, "value"), time.Hour)
		defer cancel()
		conn, err := p.db.Conn(ctx)
		p.err("conn", err)
		p.note("%d open, %d at the server", p.db.Stats().OpenConnections, p.fake.Open())
		p.err("close", conn.Close())
	})
}

func TestHeldDialErrors(t *testing.T) {
	compareHeld(t, func(p *probe) {
		refused := errors.New("connection refused")
		p.fake.FailOnce(testdb.OpDial, refused)
		err := p.db.Ping()
		p.note("ping: identical %t", err == refused)
		ctx, cancel := context.WithCancel(p.Context())
		cancel()
		_, err = p.db.Conn(ctx)
		p.err("conn", err)
	})
}

func TestHeldObeysMaxIdle(t *testing.T) {
	compareHeld(t, func(p *probe) {
		p.db.SetMaxIdleConns(0)
		p.exec(p.db, "DELETE FROM t")
		p.note("%d open", p.fake.Open())
		p.exec(p.db, "DELETE FROM t")
		p.note("%d open, %+v", p.fake.Open(), p.db.Stats())
	})
}

func TestHeldObeysMaxOpen(t *testing.T) {
	compareHeld(t, func(p *probe) {
		p.db.SetMaxOpenConns(2)
		first, err := p.db.Conn(p.Context())
		p.err("first", err)
		second, err := p.db.Conn(p.Context())
		p.err("second", err)
		ctx, cancel := context.WithTimeout(p.Context(), time.Second)
		defer cancel()
		_, err = p.db.Conn(ctx)
		p.err("third", err)
		stats := p.db.Stats()
		p.note("%d open, %d in use, %d idle, %d at the server", stats.OpenConnections, stats.InUse, stats.Idle, p.fake.Open())
		p.err("close", first.Close())
		p.err("close", second.Close())
	})
}

func TestHeldObeysLifetimes(t *testing.T) {
	compareHeld(t, func(p *probe) {
		p.db.SetConnMaxLifetime(time.Minute)
		p.exec(p.db, "DELETE FROM t")
		time.Sleep(2 * time.Minute)
		p.settle()
		p.note("%d open", p.fake.Open())
		p.value(p.db, "SELECT conn")
		p.db.SetConnMaxLifetime(0)
		p.db.SetConnMaxIdleTime(time.Second)
		time.Sleep(time.Minute)
		p.settle()
		p.note("%d open", p.fake.Open())
	})
}

func TestHeldSessionStateStays(t *testing.T) {
	compareHeld(t, func(p *probe) {
		p.exec(p.db, "SET role = 'admin'")
		p.value(p.db, "SHOW role")
		p.exec(p.db, "BEGIN")
		p.exec(p.db, "INSERT INTO t VALUES (1)")
		p.exec(p.db, "COMMIT")
		p.value(p.db, "SELECT conn")
	})
}

func TestHeldStatementsEndWithClose(t *testing.T) {
	compareHeld(t, func(p *probe) {
		first, second := p.prepared("DELETE FROM t"), p.prepared("DELETE FROM t")
		p.note("%d statements", p.fake.Statements())
		p.err("close", first.Close())
		p.note("%d statements", p.fake.Statements())
		p.err("close", second.Close())
		p.note("%d statements", p.fake.Statements())
	})
}

// The counts of a held child are those of the sql.DB.
func TestHeldStats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := testdb.NewFake(t, "primary", testdb.Full)
		db := openConfig(t, multidb.Config{Primary: engine(fake)})
		stats := func() sql.DBStats {
			e, _ := multidb.FromDB(db).Stats().Engine("primary")
			return e.Pool
		}
		conn := must(db.Conn(t.Context()))
		check(t, db.Ping())
		if s := stats(); s.OpenConnections != 2 || s.InUse != 1 || s.Idle != 1 {
			t.Errorf("with one of two in use: %+v", s)
		}
		check(t, conn.Close())
		if s := stats(); s.OpenConnections != 2 || s.InUse != 0 || s.Idle != 2 {
			t.Errorf("with two idle: %+v", s)
		}
		conn = must(db.Conn(t.Context()))
		if s := stats(); s.InUse != 1 || s.Idle != 1 {
			t.Errorf("with one in use again: %+v", s)
		}
		check(t, conn.Close())
		check(t, db.Close())
		if s := stats(); s.OpenConnections != 0 || s.InUse != 0 || s.Idle != 0 {
			t.Errorf("after Close: %+v", s)
		}
	})
}

// What the context asks for is checked although there is nothing to choose.
func TestHeldRefusesUnknownNames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := testdb.NewFake(t, "primary", testdb.Full)
		db := openConfig(t, multidb.Config{Primary: engine(fake)})
		defer db.Close()
		check(t, db.Ping())
		fake.ClearTrace()
		for _, test := range []struct {
			ctx  context.Context
			want error
		}{
			{multidb.WithEngine(t.Context(), "replica1"), multidb.ErrUnknownEngine},
			{multidb.WithDatabase(t.Context(), "audit"), multidb.ErrUnknownDatabase},
			{multidb.WithEngine(t.Context(), multidb.Primary), nil},
			{multidb.WithEngine(t.Context(), multidb.Replica), nil}, // falls back: there is none
			{multidb.WithDatabase(t.Context(), ""), nil},
		} {
			_, err := db.ExecContext(test.ctx, "DELETE FROM t")
			wantErr(t, err, test.want)
			_, err = db.BeginTx(test.ctx, nil)
			wantErr(t, err, test.want)
			_, err = db.PrepareContext(test.ctx, "DELETE FROM t")
			wantErr(t, err, test.want)
			wantErr(t, db.PingContext(test.ctx), test.want)
		}
		if n := fake.Count(testdb.OpExec); n != 3 {
			t.Errorf("%d statements reached the server, want the 3 without an unknown name", n)
		}
	})
}

// The child is reachable through Conn.Raw, and the Conn goes on as before.
func TestHeldRaw(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fake := testdb.NewFake(t, "primary", testdb.Full)
		db := openConfig(t, multidb.Config{Primary: engine(fake)})
		defer db.Close()
		conn := must(db.Conn(t.Context()))
		check(t, conn.Raw(func(c any) error {
			return c.(*multidb.Conn).Raw(t.Context(), func(child any) error {
				if _, ok := child.(interface{ Ping(context.Context) error }); !ok {
					t.Errorf("got a %T, want the child", child)
				}
				return nil
			})
		}))
		check(t, conn.Close())
		check(t, db.Ping())
		if n := fake.Count(testdb.OpDial); n != 1 {
			t.Errorf("dialled %d times: the connection was not kept", n)
		}
	})
}
