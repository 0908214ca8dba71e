package multidb

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"testing"
)

// A call that takes the way of the last one gets where it would get by asking all
// that a route depends on, leaves the same to the next one, and is counted. So random
// sessions are followed, and each call is asked about both ways.
func TestARouteThatIsKeptIsTheRoute(t *testing.T) {
	held, leased := Config{Primary: benchEngine}, Config{Primary: benchEngine, Replicas: []Engine{benchEngine}}
	ruled := leased
	ruled.Databases = map[string]Database{"audit": {Primary: benchEngine, Replicas: []Engine{benchEngine}}}
	ruled.Rules = []Rule{{Verbs: []string{"select"}, Tables: []string{"log"}, Use: "audit"}, {Verbs: []string{"insert"}, Tables: []string{"log"}, Use: "audit"}}
	for name, config := range map[string]Config{"held": held, "leased": leased, "ruled": ruled} {
		t.Run(name, func(t *testing.T) {
			k := mustConnector(t, config)
			kept, counted := 0, make(map[*engine]*[reasons]uint64)
			for _, e := range k.all {
				counted[e] = new([reasons]uint64)
			}
			for seed := range uint64(2000) {
				s := newSession(t, k, seed)
				s.counted = counted
				for range 60 {
					s.step()
				}
				kept += s.kept
				s.end()
			}
			for e, want := range counted {
				for r := range reasons {
					if got := e.routed.load(r); got != want[r] {
						t.Errorf("%s, %s: %d calls were counted, want %d", e.name, r, got, want[r])
					}
				}
			}
			if kept < 1000 {
				t.Errorf("only %d calls took the way of the last one", kept)
			}
		})
	}
}

// session is one Conn with a random program on it.
type session struct {
	*testing.T
	*Conn
	rand    *rand.Rand
	tx      driver.Tx
	kept    int                          // calls that took the way of the last one
	counted map[*engine]*[reasons]uint64 // calls that are statements, or begin a transaction

	via  via // of the last call
	text string
}

func newSession(t *testing.T, k *Connector, seed uint64) *session {
	conn, err := k.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(sessionTexts, "") {
		k.classified(k.dialect, text, true) // so that equal facts are the same ones
	}
	return &session{T: t, Conn: conn.(*Conn), rand: rand.New(rand.NewPCG(seed, 0))}
}

var sessionTexts = []string{
	"SELECT n FROM t", "SELECT n FROM log", "SELECT lastval()", "SELECT nextval('s')", "INSERT INTO t VALUES (1)",
	"INSERT INTO log VALUES (1)", "INSERT INTO t VALUES (lastval())", "SET x = 1", "SAVEPOINT s",
}

func (s *session) step() {
	ctx := context.Background()
	if s.rand.IntN(8) == 0 {
		ctx = WithEngine(ctx, []string{Primary, Replica}[s.rand.IntN(2)])
	}
	switch n := s.rand.IntN(40); {
	case n < 30:
		if s.rand.IntN(3) == 0 {
			s.via = []via{viaQuery, viaQuery, viaExec, viaPrepare, viaBegin, viaBeginReadOnly}[s.rand.IntN(6)]
			s.text = ""
			if s.via.carriesText() {
				s.text = sessionTexts[s.rand.IntN(len(sessionTexts))]
			}
		}
		if s.via.carriesText() || s.tx == nil {
			s.call(ctx, s.via, s.text)
		}
		if s.tx == nil && s.rand.IntN(2) == 0 {
			s.IsValid()
		}
	case n < 36: // the user is done
		if s.tx != nil {
			s.tx.Rollback()
			s.tx = nil
		}
		if !s.IsValid() {
			s.Fatal("the Conn is not valid")
		}
		if err := s.ResetSession(ctx); err != nil {
			s.Fatal(err)
		}
	case n == 36:
		for _, ch := range s.leases {
			if s.held == nil && ch == s.pin {
				ch.broken = true
			}
		}
	case n == 37 && len(s.leases) > 0 && s.held == nil:
		s.drop(s.leases[0])
	case n >= 38 && s.held == nil:
		s.loseReplica(n == 38)
	}
}

// loseReplica makes the replicas of the databases unavailable, or available again.
func (s *session) loseReplica(lost bool) {
	for _, db := range s.connector.databases {
		for _, e := range db.engines {
			if e.isReplica() {
				e.late.Store(0)
				if lost {
					e.late.Store(1)
				}
			}
		}
		db.refresh(nil)
	}
}

// call makes a call as far as the child driver, and compares its route.
func (s *session) call(ctx context.Context, via via, text string) {
	var q question
	s.ask(&call{ctx: ctx, via: via, query: text}, &q)
	want, wantErr := s.connector.route(&q)
	if wantErr == nil && s.pin != nil && s.pin.engine == want.engine && s.pin.broken {
		wantErr = driver.ErrBadConn
	}
	before := *s.Conn
	var ca call
	ca.ctx, ca.via, ca.query = ctx, via, text
	var err error
	if s.startSame(&ca) {
		s.kept++
	} else {
		err = s.start(&ca)
	}
	if (err == nil) != (wantErr == nil) {
		s.Fatalf("%v %q: got error %v, want %v", via, text, err, wantErr)
	}
	if err != nil {
		return
	}
	if ca.route != want {
		s.Fatalf("%v %q: got %s %s, want %s %s", via, text, ca.route.engine.name, ca.route.reason, want.engine.name, want.reason)
	}
	if ca.child.engine != want.engine || ca.child.broken {
		s.Fatalf("%v %q: a child of %s, which is broken: %v; want one of %s", via, text, ca.child.engine.name, ca.child.broken, want.engine.name)
	}
	s.compareState(&ca, before)
	if via == viaBegin || via == viaBeginReadOnly {
		t := s.newTx()
		childTx, _ := ca.child.begin(ctx, driver.TxOptions{})
		t.conn, t.child, t.tx, t.ctx = s.Conn, ca.child, childTx, ctx
		s.pin, s.inTx, s.Conn.tx, s.tx = ca.child, true, t, t
	}
	s.finish(&ca, nil)
	if via.isStatement() {
		s.counted[ca.route.engine][ca.route.reason]++
	}
}

// compareState compares what the start of a call has noted, of what the statement
// will leave, with what there is to note.
func (s *session) compareState(ca *call, before Conn) {
	got, dirty := s.Conn, ca.child.dirty
	want := before
	if f := ca.route.facts; f != nil && f.Kind != KindRead && ca.via.runs() {
		want.expectState(ca.child, f)
	}
	if got.wrote != want.wrote || got.pin != want.pin || got.inTextTx != want.inTextTx || got.readOnlyTx != want.readOnlyTx || dirty != ca.child.dirty {
		s.Fatalf("%v %q: the state is\n%+v, want\n%+v", ca.via, ca.query, got, want)
	}
}

func (s *session) end() {
	s.loseReplica(false)
	if s.tx != nil {
		s.tx.Rollback()
	}
	s.IsValid()
	s.Close()
}
