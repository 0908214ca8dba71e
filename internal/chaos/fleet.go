package chaos

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	_ "github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

// fleet is the servers of one round of a scenario.
type fleet struct {
	cluster
	system   *System
	primary  *testdb.Server // that takes the writes: another one after a failover
	replicas []*testdb.Server
	proxies  map[*testdb.Server]*testdb.Proxy // where the scenario wants one

	// The old primary after a failover, and a moment at which it was dead.
	stranger *testdb.Server
	dead     time.Time

	accepts time.Time // when there was a primary again; zero if there always was
}

func startFleet(ctx context.Context, s *System, scenario *Scenario) (*fleet, error) {
	n := scenario.replicas
	if n == 0 {
		n = s.replicas
	}
	c, replicas, err := s.start(ctx, n)
	if err != nil {
		return nil, err
	}
	f := &fleet{cluster: c, system: s, primary: c.Primary(), replicas: replicas, proxies: make(map[*testdb.Server]*testdb.Proxy)}
	if err := f.prepare(ctx, scenario); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

func (f *fleet) prepare(ctx context.Context, scenario *Scenario) error {
	if err := f.CreateDatabase(ctx, database); err != nil {
		return err
	}
	if err := f.system.schema(ctx, f); err != nil {
		return err
	}
	if scenario.behindProxy != nil {
		for _, s := range scenario.behindProxy(f) {
			p, err := testdb.StartProxy(s.DSN(database))
			if err != nil {
				return err
			}
			f.proxies[s] = p
		}
	}
	if scenario.prepare != nil {
		if err := scenario.prepare(ctx, f); err != nil {
			return err
		}
	}
	return f.WaitReplay(ctx)
}

func (f *fleet) stop() {
	for _, p := range f.proxies {
		p.Stop()
	}
	f.Stop()
}

// dsn is what the program under test is given.
func (f *fleet) dsn(s *testdb.Server) string {
	dsn := f.system.dsn(s, "app")
	if p := f.proxies[s]; p != nil {
		return p.Through(dsn)
	}
	return dsn
}

// program is what is under test: one *sql.DB, or two that somebody made by hand.
type program struct{ reads, writes *sql.DB }

func (p program) close() {
	p.reads.Close()
	p.writes.Close() // twice for one is nothing
}

func (f *fleet) openMultidb(balance string) (program, error) {
	document := map[string]any{"driver": f.system.driver, "primary": f.dsn(f.primary), "read_functions": []string{"note"}}
	var replicas []string
	for _, s := range f.replicas {
		replicas = append(replicas, f.dsn(s))
	}
	document["replicas"] = replicas
	for key, value := range settings(balance) {
		document[key] = value
	}
	text, err := json.Marshal(document)
	if err != nil {
		return program{}, err
	}
	db, err := sql.Open("multidb", string(text))
	return program{db, db}, err
}

// settings are the keys that make multidb ready for what comes.
func settings(balance string) map[string]any {
	keys := map[string]any{"discover": true, "failover_timeout": "5s", "connect_timeout": "1s"}
	if balance != "" {
		keys["balance"] = balance
	}
	return keys
}

// openByHand is what one writes without multidb. With pgx the driver itself looks
// for a server that takes writes, and for one that answers reads, whenever it
// connects.
func (f *fleet) openByHand() (program, error) {
	readers := f.system.hasty(f.dsn(f.replicas[0]))
	writers := f.system.hasty(f.dsn(f.primary))
	if f.system == PostgreSQL {
		readers = f.system.hasty(hosts(f, append(f.replicas[:len(f.replicas):len(f.replicas)], f.primary)))
		writers = f.system.hasty(hosts(f, append([]*testdb.Server{f.primary}, f.replicas...))) + "&target_session_attrs=read-write"
	}
	reads, err := sql.Open(f.system.driver, readers)
	if err != nil {
		return program{}, err
	}
	writes, err := sql.Open(f.system.driver, writers)
	if err != nil {
		reads.Close()
		return program{}, err
	}
	for _, db := range []*sql.DB{reads, writes} {
		db.SetMaxIdleConns(64)
	}
	return program{reads, writes}, nil
}

// hosts is the first server's URL with the addresses of all.
func hosts(f *fleet, servers []*testdb.Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, hostOf(f.dsn(s)))
	}
	first := f.dsn(servers[0])
	return strings.Replace(first, hostOf(first), strings.Join(all, ","), 1)
}

func hostOf(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err) // testdb made it
	}
	return u.Host
}
