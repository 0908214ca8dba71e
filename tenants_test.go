package multidb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// platform resolves tenants to fakes of their names.
type platform struct {
	t  *testing.T
	db *sql.DB

	mu       sync.Mutex                // guards what follows
	fakes    map[string][]*testdb.Fake // by tenant: each time that it was resolved
	resolved []string
	hook     func(ctx context.Context, name string) error // called by Resolve
}

func newPlatform(t *testing.T, changes ...func(*multidb.Config)) *platform {
	t.Helper()
	p := &platform{t: t, fakes: make(map[string][]*testdb.Fake)}
	c := multidb.Config{Resolve: p.resolve}
	for _, change := range changes {
		change(&c)
	}
	p.db = openConfig(t, c)
	t.Cleanup(func() {
		synctest.Wait()
		checkNoLeases(t, p.db)
		check(t, p.db.Close())
		synctest.Wait()
		for _, fakes := range p.fakes {
			for _, f := range fakes {
				f.CheckClosed(t)
			}
		}
	})
	return p
}

func (p *platform) resolve(ctx context.Context, name string) (multidb.Database, error) {
	p.mu.Lock()
	hook := p.hook
	p.resolved = append(p.resolved, name)
	p.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, name); err != nil {
			return multidb.Database{}, err
		}
	}
	primary, replica := testdb.NewFake(p.t, name, testdb.Full), testdb.NewFake(p.t, name+" replica", testdb.Full)
	replica.Replica = true
	primary.AskedAfterErrors, replica.AskedAfterErrors = true, true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fakes[name] = append(p.fakes[name], primary, replica)
	return multidb.Database{Primary: engine(primary), Replicas: []multidb.Engine{engine(replica)}}, nil
}

func (p *platform) setHook(hook func(ctx context.Context, name string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = hook
}

// resolves returns how often each tenant was resolved, in order of names.
func (p *platform) resolves() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := slices.Clone(p.resolved)
	slices.Sort(names)
	return strings.Join(names, " ")
}

// where asks which server answers a read of a tenant.
func (p *platform) where(ctx context.Context, tenant string) (name string, err error) {
	err = p.db.QueryRowContext(multidb.WithDatabase(ctx, tenant), "SELECT server").Scan(&name)
	return name, err
}

func (p *platform) wantWhere(tenant, want string) {
	p.t.Helper()
	if got, err := p.where(p.t.Context(), tenant); err != nil || got != want {
		p.t.Errorf("a read of %s was answered by %q, %v; want %q", tenant, got, err, want)
	}
}

func TestTenantsAreResolvedAndSplit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		p.wantWhere("acme", "acme replica")
		p.wantWhere("globex", "globex replica")
		p.wantWhere("acme", "acme replica")
		ctx := multidb.WithDatabase(t.Context(), "acme")
		must(p.db.ExecContext(ctx, "DELETE FROM t"))
		must(p.db.ExecContext(multidb.WithEngine(ctx, "acme"), "DELETE FROM t"))
		if n := len(p.fakes["acme"][0].Writes()); n != 2 {
			t.Errorf("acme's primary took %d writes", n)
		}
		if got := p.resolves(); got != "acme globex" {
			t.Errorf("resolved: %s", got)
		}
		var names []string
		for _, e := range multidb.FromDB(p.db).Stats().Engines {
			names = append(names, e.Name)
		}
		if want := "acme acme.replica1 globex globex.replica1"; strings.Join(names, " ") != want {
			t.Errorf("engines in the statistics: %q, want %s", names, want)
		}
		_, err := p.db.ExecContext(multidb.WithEngine(ctx, "globex"), "DELETE FROM t")
		wantErr(t, err, multidb.ErrUnknownEngine)
	})
}

func TestManyFirstUsesResolveOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		p.setHook(func(context.Context, string) error { time.Sleep(time.Second); return nil })
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { p.wantWhere("acme", "acme replica") })
		}
		all.Wait()
		if got := p.resolves(); got != "acme" {
			t.Errorf("resolved: %s", got)
		}
	})
}

func TestAResolversErrorIsItsCallersAndNotKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		down := errors.New("the catalogue is down")
		p.setHook(func(context.Context, string) error { return down })
		_, err := p.where(t.Context(), "acme")
		wantErr(t, err, down)
		if !strings.HasPrefix(err.Error(), `multidb: database "acme": `) {
			t.Errorf("the error is %q", err)
		}
		p.setHook(nil)
		p.wantWhere("acme", "acme replica")

		// The end of one caller's context is nobody else's error.
		p.setHook(func(ctx context.Context, _ string) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Minute):
				return nil
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.where(ctx, "globex")
			wantErr(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		all.Go(func() { p.wantWhere("globex", "globex replica") })
		synctest.Wait()
		late, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		all.Go(func() {
			_, err := p.where(late, "globex")
			wantErr(t, err, context.DeadlineExceeded)
		})
		all.Wait()
	})
	bubble(t, func(t *testing.T) { // nor is a panic the end of it
		p := newPlatform(t)
		p.setHook(func(context.Context, string) error { panic("oops") })
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			p.where(t.Context(), "acme")
		}()
		p.setHook(nil)
		p.wantWhere("acme", "acme replica")
	})
}

func TestNamesThatAreNoTenants(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		for _, name := range []string{"a/b", "a b", "a'b", "a@b", "a?b=c", "a:1", "a,b", "../x", "-a", "_a", "é", "a.b", "a\x00b",
			"{tenant}", "primary", "Replica", strings.Repeat("a", 64)} {
			_, err := p.where(t.Context(), name)
			wantErr(t, err, multidb.ErrUnknownDatabase)
		}
		_, err := p.where(t.Context(), "")
		wantErr(t, err, multidb.ErrNoDatabase)
		if got := p.resolves(); got != "" {
			t.Errorf("resolved: %s", got)
		}
	})
}

// No statement ever goes to another database than its own.
func TestNothingFallsBackToAnotherDatabase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		home := testdb.NewFake(t, "home", testdb.Full)
		p := newPlatform(t, func(c *multidb.Config) { c.Primary, c.RequireDatabase = engine(home), true })
		for _, run := range []func(context.Context) error{
			func(ctx context.Context) error { return use(p.db.QueryContext(ctx, "SELECT 1")) },
			func(ctx context.Context) error { _, err := p.db.ExecContext(ctx, "DELETE FROM t"); return err },
			func(ctx context.Context) error { _, err := p.db.BeginTx(ctx, nil); return err },
			func(ctx context.Context) error { _, err := p.db.PrepareContext(ctx, "SELECT 1"); return err },
		} {
			wantErr(t, run(t.Context()), multidb.ErrNoDatabase)
			wantErr(t, run(multidb.WithEngine(t.Context(), multidb.Primary)), multidb.ErrNoDatabase)
		}
		if trace := home.Trace(); len(trace) != 0 {
			t.Errorf("the default database saw %q", trace)
		}
		check(t, use(p.db.QueryContext(multidb.WithDatabase(t.Context(), ""), "SELECT 1"))) // named, after all

		// All engines dead.
		p.wantWhere("acme", "acme replica")
		for _, f := range p.fakes["acme"] {
			refuses(f)
		}
		if _, err := p.where(t.Context(), "acme"); err == nil {
			t.Error("somebody answered for acme")
		}
		synctest.Wait()
		if n := len(p.fakes["globex"]); n != 0 {
			t.Errorf("globex was opened for it")
		}
	})
}

func TestATenantIsNotSwitchedInASession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		acme := multidb.WithDatabase(t.Context(), "acme")
		globex := multidb.WithDatabase(t.Context(), "globex")
		tx := must(p.db.BeginTx(acme, nil))
		_, err := tx.ExecContext(globex, "DELETE FROM t")
		wantErr(t, err, multidb.ErrTxDatabase)
		must(tx.ExecContext(acme, "DELETE FROM t"))
		must(tx.Exec("DELETE FROM t"))
		check(t, tx.Commit())

		conn := must(p.db.Conn(t.Context()))
		must(conn.ExecContext(acme, "SET x = 1"))
		_, err = conn.ExecContext(globex, "DELETE FROM t")
		wantErr(t, err, multidb.ErrTxDatabase)
		check(t, conn.Close())
		if got := p.resolves(); got != "acme" {
			t.Errorf("resolved: %s", got)
		}
	})
}

func TestForget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		ctx := multidb.WithDatabase(t.Context(), "acme")
		k := multidb.FromDB(p.db)
		tx := must(p.db.BeginTx(ctx, nil))
		p.wantWhere("acme", "acme replica")
		check(t, k.Forget("acme"))
		old := p.fakes["acme"][0]
		must(p.db.ExecContext(ctx, "DELETE FROM t")) // at the new place
		must(tx.ExecContext(ctx, "DELETE FROM t"))   // at the old one, also where the context names it
		check(t, tx.Commit())
		if n, m := len(old.Writes()), len(p.fakes["acme"][2].Writes()); n != 1 || m != 1 {
			t.Errorf("%d writes at the old place, %d at the new one; want one each", n, m)
		}
		synctest.Wait()
		if n := old.Open(); n != 0 {
			t.Errorf("%d connections are open at the old place", n)
		}
		check(t, k.Forget("never used"))
		check(t, k.Forget("acme"))
		if got := len(k.Stats().Engines); got != 0 {
			t.Errorf("%d engines are left", got)
		}
	})
	bubble(t, func(t *testing.T) {
		s := newSplit(t, testdb.Full)
		if err := multidb.FromDB(s.db).Forget(""); err == nil {
			t.Error("the default database was forgotten")
		}
		wantErr(t, multidb.FromDB(s.db).Forget("acme"), multidb.ErrUnknownDatabase)
	})
}

func TestTheLeastRecentlyUsedTenantIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t, func(c *multidb.Config) { c.MaxDatabases = 2 })
		open := func() string {
			var names []string
			for _, e := range multidb.FromDB(p.db).Stats().Engines {
				if e.Role == multidb.Primary {
					names = append(names, e.Name)
				}
			}
			return strings.Join(names, " ")
		}
		p.wantWhere("a", "a replica")
		p.wantWhere("b", "b replica")
		p.wantWhere("a", "a replica")
		p.wantWhere("c", "c replica")
		if got := open(); got != "a c" {
			t.Errorf("open: %s, want a and c", got)
		}
		tx := must(p.db.BeginTx(multidb.WithDatabase(t.Context(), "a"), nil)) // in use
		p.wantWhere("c", "c replica")
		p.wantWhere("d", "d replica")
		if got := open(); got != "a d" {
			t.Errorf("open: %s, want a, which is in use, and d", got)
		}
		must(tx.Exec("DELETE FROM t"))
		check(t, tx.Commit())
		if got := p.resolves(); got != "a b c d" {
			t.Errorf("resolved: %s", got)
		}
	})
}

// Many programs at once, while tenants are forgotten under them: every answer is
// the tenant's own.
func TestTenantsAreIsolatedUnderLoad(t *testing.T) {
	p := &platform{t: t, fakes: make(map[string][]*testdb.Fake)}
	p.db = openConfig(t, multidb.Config{Resolve: p.resolve, MaxDatabases: 20})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	var wrong, run atomic.Int64
	for range 16 {
		all.Go(func() {
			for range 300 {
				tenant := fmt.Sprintf("t%d", int(rand.ExpFloat64()*20))
				switch got, err := p.where(ctx, tenant); {
				case err != nil:
					t.Errorf("%s: %v", tenant, err)
					return
				case got != tenant+" replica":
					wrong.Add(1)
				}
				if rand.IntN(50) == 0 {
					multidb.FromDB(p.db).Forget(tenant)
				}
				if rand.IntN(10) == 0 {
					err := multidb.RunInTx(multidb.WithDatabase(ctx, tenant), p.db, nil, func(ctx context.Context, tx *sql.Tx) error {
						var name string
						if err := tx.QueryRowContext(ctx, "SELECT server").Scan(&name); err != nil || name != tenant {
							return fmt.Errorf("in the transaction of %s: %q, %v", tenant, name, err)
						}
						_, err := tx.ExecContext(ctx, "SET x = 1") // the fake complains if the next user meets it
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
				run.Add(1)
			}
		})
	}
	all.Wait()
	if wrong.Load() != 0 || run.Load() != 16*300 {
		t.Errorf("%d of %d reads were answered by another tenant", wrong.Load(), run.Load())
	}
	check(t, p.db.Close())
	for _, fakes := range p.fakes {
		for _, f := range fakes {
			f.WaitClosed(ctx)
			f.CheckClosed(t)
		}
	}
}

// ForEach.

func TestForEach(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		names := []string{"a", "b", "c", "d", "e"}
		var atOnce, most atomic.Int64
		bad := errors.New("bad")
		err := multidb.ForEach(t.Context(), p.db, names, 2, func(ctx context.Context, name string) error {
			most.Store(max(most.Load(), atOnce.Add(1)))
			defer atOnce.Add(-1)
			time.Sleep(time.Second)
			var server string
			if err := p.db.QueryRowContext(ctx, "SELECT server").Scan(&server); err != nil || server != name+" replica" {
				t.Errorf("%s: answered by %q, %v", name, server, err)
			}
			if name == "b" || name == "d" {
				return bad
			}
			return nil
		})
		wantErr(t, err, bad)
		if want := "multidb: database \"b\": bad\nmultidb: database \"d\": bad"; err.Error() != want {
			t.Errorf("the error is %q, want %q", err, want)
		}
		if most.Load() != 2 {
			t.Errorf("%d at once, want 2", most.Load())
		}

		ctx, cancel := context.WithCancel(t.Context())
		var called atomic.Int64
		err = multidb.ForEach(ctx, p.db, names, 1, func(ctx context.Context, name string) error {
			if called.Add(1) == 2 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || called.Load() != 2 {
			t.Errorf("%d were called after the context ended in the second; the error is %v", called.Load(), err)
		}
		if want := "multidb: ForEach: 3 of 5 were not begun, from database \"c\" on: context canceled"; err.Error() != want {
			t.Errorf("the error is %q, want %q", err, want)
		}

		func() {
			defer func() {
				if got := recover(); got != "oops" {
					t.Errorf("recovered %v", got)
				}
			}()
			called.Store(0)
			multidb.ForEach(t.Context(), p.db, names, 2, func(ctx context.Context, name string) error {
				if called.Add(1) == 1 {
					panic("oops")
				}
				return nil
			})
		}()
		if called.Load() != 5 {
			t.Errorf("%d were called beside the one that panicked", called.Load())
		}
		if err := multidb.ForEach(t.Context(), p.db, names, 0, nil); err == nil {
			t.Error("a limit of 0 was accepted")
		}
	})
}

// tracing is a driver around another, which it hides from FromDB.
type tracing struct{ driver.Connector }

func (c tracing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return tracingConn{conn.(tracedConn)}, nil
}

func (tracing) Driver() driver.Driver { return testdb.NullDriver{} }

type tracedConn interface {
	driver.Conn
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type tracingConn struct{ tracedConn }

func TestForEachBelowAWrapper(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		wrapped := sql.OpenDB(tracing{multidb.FromDB(p.db)})
		defer wrapped.Close()
		if multidb.FromDB(wrapped) != nil {
			t.Fatal("the wrapper hides nothing")
		}
		var called atomic.Int64
		err := multidb.ForEach(t.Context(), wrapped, []string{"a", "b"}, 2, func(ctx context.Context, name string) error {
			called.Add(1)
			var server string
			if err := wrapped.QueryRowContext(ctx, "SELECT server").Scan(&server); err != nil || server != name+" replica" {
				t.Errorf("%s: answered by %q, %v", name, server, err)
			}
			return nil
		})
		if err != nil || called.Load() != 2 || p.resolves() != "a b" {
			t.Errorf("%d were called, resolved: %s; %v", called.Load(), p.resolves(), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = multidb.ForEach(ctx, wrapped, []string{"a", "b"}, 2, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the context ended: %v", err)
		}
	})
	bubble(t, func(t *testing.T) { // all would be in one database
		other := sql.OpenDB(testdb.NewFake(t, "other", testdb.Full).Connector())
		defer other.Close()
		err := multidb.ForEach(t.Context(), other, []string{"a"}, 1, func(context.Context, string) error {
			t.Error("called")
			return nil
		})
		if err == nil || errors.Is(err, multidb.ErrUnknownDatabase) {
			t.Errorf("another driver's sql.DB: %v", err)
		}
	})
}

func TestDatabases(t *testing.T) {
	a, b := testdb.NewFake(t, "a", testdb.Full), testdb.NewFake(t, "b", testdb.Full)
	db := openConfig(t, multidb.Config{Primary: engine(a), Databases: map[string]multidb.Database{"b": {Primary: engine(b)}}})
	defer db.Close()
	if got := slices.Collect(multidb.FromDB(db).Databases()); !slices.Equal(got, []string{"", "b"}) {
		t.Errorf("databases %q", got)
	}
}

// Drain.

func TestADrainedTenantIsNotPutOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t, func(c *multidb.Config) { c.MaxDatabases = 1 })
		acme := multidb.FromDB(p.db).Engine("acme")
		ctx := multidb.WithDatabase(t.Context(), "acme")
		must(p.db.ExecContext(ctx, "DELETE FROM t"))
		check(t, acme.Drain(t.Context()))
		for _, other := range []string{"b", "c", "d"} {
			p.wantWhere(other, other+" replica")
		}
		_, err := p.db.ExecContext(ctx, "DELETE FROM t")
		wantErr(t, err, multidb.ErrDrained)
		p.wantWhere("acme", "acme replica")
		check(t, acme.Resume())
		must(p.db.ExecContext(ctx, "DELETE FROM t"))
		p.wantWhere("e", "e replica")
		if e, ok := multidb.FromDB(p.db).Stats().Engine("acme"); ok {
			t.Errorf("it is kept open though it is back in service, and %s", e.State)
		}
	})
}

func TestATenantThatIsNotOpenIsDrained(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform(t)
		k := multidb.FromDB(p.db)
		check(t, k.Engine("acme.replica1").Drain(t.Context()))
		p.wantWhere("acme", "acme")
		if got := p.resolves(); got != "acme" {
			t.Errorf("resolved: %s", got)
		}
		check(t, k.Engine("acme.replica1").Resume())
		p.wantWhere("acme", "acme replica")

		check(t, k.Engine("globex").Resume())
		if got := p.resolves(); got != "acme" {
			t.Errorf("to resume opened: %s", got)
		}
		for _, name := range []string{"acme.replica9", "a/b", "primary"} {
			wantErr(t, k.Engine(name).Drain(t.Context()), multidb.ErrUnknownEngine)
		}
		wantErr(t, k.Engine("a/b").Resume(), multidb.ErrUnknownEngine)
		down := errors.New("the catalogue is down")
		p.setHook(func(context.Context, string) error { return down })
		wantErr(t, k.Engine("initech").Drain(t.Context()), down)

		check(t, k.Engine("acme").Drain(t.Context()))
		p.setHook(nil)
		check(t, k.Forget("acme"))
		must(p.db.ExecContext(multidb.WithDatabase(t.Context(), "acme"), "DELETE FROM t")) // its new place
	})
}

// Tenants come and go while one of them is drained: once Drain has returned, it
// stays out of service.
func TestADrainIsNotLostToAnEviction(t *testing.T) {
	p := &platform{t: t, fakes: make(map[string][]*testdb.Fake)}
	p.db = openConfig(t, multidb.Config{Resolve: p.resolve, MaxDatabases: 1})
	k := multidb.FromDB(p.db)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				p.where(ctx, fmt.Sprintf("t%d", (i+n)%5))
			}
		})
	}
	for range 200 {
		acme := k.Engine("acme")
		check(t, acme.Drain(ctx))
		if e, ok := k.Stats().Engine("acme"); !ok || e.State != multidb.Drained {
			t.Errorf("after Drain the engine is %q", e.State)
		}
		check(t, acme.Resume())
	}
	cancel()
	all.Wait()
	check(t, p.db.Close())
}

// closing is a connector that counts how often it is closed, and is of no use
// afterwards.
type closing struct {
	driver.Connector
	closed atomic.Int64
}

func (c *closing) Connect(ctx context.Context) (driver.Conn, error) {
	if c.closed.Load() > 0 {
		return nil, errors.New("the connector is closed")
	}
	return c.Connector.Connect(ctx)
}

func (c *closing) Close() error {
	c.closed.Add(1)
	return nil
}

// A connector that several tenants have is closed with the last of them.
func TestAConnectorOfManyTenants(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shared := &closing{Connector: testdb.NewFake(t, "shared", testdb.Full).Connector()}
		db := openConfig(t, multidb.Config{MaxDatabases: 2, Resolve: func(_ context.Context, name string) (multidb.Database, error) {
			e := multidb.Engine{Driver: "pgx", Connector: shared}
			if name == "other" {
				e.Connector = &closing{Connector: testdb.NewFake(t, "other", testdb.Full).Connector()}
			}
			return multidb.Database{Primary: e, Replicas: []multidb.Engine{e}}, nil // twice for each
		}})
		defer db.Close()
		k := multidb.FromDB(db)
		write := func(tenant string) { // by a new connection
			t.Helper()
			_, err := db.ExecContext(multidb.WithDatabase(t.Context(), tenant), "DELETE FROM t")
			if n := shared.closed.Load(); err != nil || n != 0 {
				t.Errorf("a write of %s, where the connector was closed %d times: %v", tenant, n, err)
			}
		}
		write("a")
		write("b")
		check(t, k.Forget("a"))
		write("c")
		write("other") // puts b out
		synctest.Wait()
		write("d") // and this one c
		write("d")
		synctest.Wait()
		check(t, k.Forget("other"))
		check(t, k.Forget("d"))
		if n := shared.closed.Load(); n != 1 {
			t.Errorf("without a tenant, it was closed %d times, want once", n)
		}
	})
}
