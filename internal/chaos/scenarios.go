package chaos

import (
	"context"
	"syscall"
	"time"

	"github.com/multidb-go/multidb/internal/testdb"
)

// Scenario is one thing that happens to a fleet under load.
type Scenario struct {
	Name  string
	Story string

	replicas    int     // 0 is the system's number
	only        *System // nil means on all
	longReads   bool
	misread     bool
	everyChoice bool // with each kind of balance

	// The primary is part of what happens, so that writes may fail.
	primarySuffers bool

	// For a while, nobody is there on this system who has the data: its one replica
	// is the primary that is away.
	readsSuffer *System

	bound *bound

	behindProxy func(f *fleet) []*testdb.Server
	prepare     func(ctx context.Context, f *fleet) error // before the load
	during      func(ctx context.Context, f *fleet, t times) error
}

// times are how long the parts of a round last.
type times struct{ before, fault, after time.Duration }

func timesOf(length time.Duration) times {
	return times{before: length / 5, fault: length / 2, after: length * 3 / 10}
}

// hang is how long a fault lasts that nobody notices but by waiting: longer than
// a reader's patience.
func (t times) hang() time.Duration { return max(t.fault, readPatience+500*time.Millisecond) }

// wait returns when d is over; the scenario's next step fails if ctx ends first.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// between makes a scenario of what happens at the beginning and at the end of a
// fault.
func between(lasting func(t times) time.Duration, begin, end func(ctx context.Context, f *fleet) error) func(context.Context, *fleet, times) error {
	return func(ctx context.Context, f *fleet, t times) error {
		wait(ctx, t.before)
		if err := begin(ctx, f); err != nil {
			return err
		}
		wait(ctx, lasting(t))
		if err := end(ctx, f); err != nil {
			return err
		}
		wait(ctx, t.after)
		return ctx.Err()
	}
}

func short(t times) time.Duration           { return t.fault }
func nothing(context.Context, *fleet) error { return nil }

func firstReplica(f *fleet) []*testdb.Server { return f.replicas[:1] }
func allReplicas(f *fleet) []*testdb.Server  { return f.replicas }
func thePrimary(f *fleet) []*testdb.Server   { return []*testdb.Server{f.primary} }

// set is a step that changes what the proxy of the first of some servers does.
func set(of func(f *fleet) []*testdb.Server, fault testdb.Fault) func(context.Context, *fleet) error {
	return func(ctx context.Context, f *fleet) error { return f.proxies[of(f)[0]].Set(fault) }
}

// Scenarios are all of them.
var Scenarios = []*Scenario{
	{
		Name: "calm", Story: "nothing happens",
		during: between(short, nothing, nothing),
	},
	{
		Name: "replica-killed", Story: "a replica is killed (kill -9), and comes back",
		bound: &bound{"calm", "the longest read took", longestRead, 2, 250 * time.Millisecond, longestWrite},
		during: between(short,
			func(ctx context.Context, f *fleet) error { return f.replicas[0].Kill(ctx) },
			func(ctx context.Context, f *fleet) error { return f.replicas[0].Start(ctx) }),
	},
	{
		Name: "replica-restarted", Story: "a replica is shut down in good order and started again",
		during: between(short,
			func(ctx context.Context, f *fleet) error { return f.replicas[0].Restart(ctx) }, nothing),
	},
	{
		Name: "replica-frozen", Story: "a replica is stopped (SIGSTOP), and goes on",
		during: between(times.hang,
			func(ctx context.Context, f *fleet) error { return f.replicas[0].Signal(syscall.SIGSTOP) },
			func(ctx context.Context, f *fleet) error { return f.replicas[0].Signal(syscall.SIGCONT) }),
	},
	{
		Name: "sessions-ended", Story: "an administrator ends all sessions on all servers, three times", primarySuffers: true,
		during: endSessions,
	},
	{
		Name: "replica-paused", Story: "a replica stops replaying, falls behind and catches up",
		during: between(short,
			func(ctx context.Context, f *fleet) error { return f.replicas[0].PauseReplay(ctx) },
			func(ctx context.Context, f *fleet) error { return f.replicas[0].ResumeReplay(ctx) }),
	},
	{
		Name: "recovery-conflict", Story: "replay on the replicas cancels what reads old rows", only: PostgreSQL,
		longReads: true, prepare: replayAtOnce, during: churn,
	},
	{
		Name: "connections-exhausted", Story: "others have taken all connections of a replica",
		during: exhaust,
	},
	{
		Name: "replica-unreachable", Story: "the network drops the packets of a replica",
		behindProxy: firstReplica,
		during:      between(times.hang, set(firstReplica, testdb.Drop), set(firstReplica, testdb.Pass)),
	},
	{
		Name: "replica-mute", Story: "a replica accepts connections and never answers",
		behindProxy: firstReplica,
		during:      between(times.hang, set(firstReplica, testdb.Mute), set(firstReplica, testdb.Pass)),
	},
	{
		Name: "replies-cut", Story: "2 percent of the primary's replies are lost with their connections", primarySuffers: true,
		behindProxy: thePrimary,
		during:      between(short, set(thePrimary, testdb.Cut(0.02, 1)), set(thePrimary, testdb.Pass)),
	},
	{
		Name: "misread-write", Story: "the configuration calls a function that writes a read", only: PostgreSQL,
		misread: true, during: between(short, nothing, nothing),
	},
	{
		Name: "primary-restarted", Story: "the primary is killed (kill -9), and comes back at once", primarySuffers: true,
		during: between(short, func(ctx context.Context, f *fleet) error {
			if err := f.primary.Kill(ctx); err != nil {
				return err
			}
			err := f.primary.Start(ctx)
			f.accepts = time.Now()
			return err
		}, nothing),
	},
	{
		Name: "failover", Story: "the primary is killed, a replica promoted, and the old primary comes back and takes writes", primarySuffers: true,
		prepare: func(ctx context.Context, f *fleet) error { return f.Synchronous(ctx) },
		during:  failOver,
	},
	{
		Name: "failover-restart", Story: "as failover, but in the end the new primary is killed, is away for a moment and comes back, beside the old one", primarySuffers: true,
		prepare: func(ctx context.Context, f *fleet) error { return f.Synchronous(ctx) },
		during:  failOverAndRestart, readsSuffer: MariaDB,
	},
	{
		Name: "four-replicas", Story: "four replicas, each a millisecond away", only: PostgreSQL,
		replicas: 4, everyChoice: true, behindProxy: allReplicas, prepare: allNear, during: between(short, nothing, nothing),
	},
	{
		Name: "one-of-four-slow", Story: "the same, and one of them ten milliseconds away", only: PostgreSQL,
		bound:    &bound{"four-replicas", "the slowest hundredth of the reads took", slowReads, 1.5, 3 * time.Millisecond, nil},
		replicas: 4, everyChoice: true, behindProxy: allReplicas, prepare: oneFar, during: between(short, nothing, nothing),
	},
}

func endSessions(ctx context.Context, f *fleet, t times) error {
	wait(ctx, t.before)
	for range 3 {
		for _, s := range append([]*testdb.Server{f.primary}, f.replicas...) {
			if err := s.EndSessions(ctx, "app"); err != nil {
				return err
			}
		}
		wait(ctx, t.fault/3)
	}
	wait(ctx, t.after)
	return ctx.Err()
}

func replayAtOnce(ctx context.Context, f *fleet) error {
	for _, s := range f.replicas {
		if err := f.exec(ctx, s, "postgres", "ALTER SYSTEM SET max_standby_streaming_delay = 0", "SELECT pg_reload_conf()"); err != nil {
			return err
		}
	}
	return nil
}

// churn makes dead rows and removes them, which a replica can replay only by
// cancelling those who could still see them.
func churn(ctx context.Context, f *fleet, t times) error {
	wait(ctx, t.before)
	for end := time.Now().Add(t.fault); time.Now().Before(end); wait(ctx, 50*time.Millisecond) {
		if err := f.exec(ctx, f.primary, "app", "UPDATE churn SET n = n + 1", "VACUUM churn"); err != nil {
			return err
		}
	}
	wait(ctx, t.after)
	return ctx.Err()
}

func exhaust(ctx context.Context, f *fleet, t times) error {
	wait(ctx, t.before)
	hogs, err := f.direct(f.replicas[0], "hog")
	if err != nil {
		return err
	}
	defer hogs.Close()
	release, err := testdb.Occupy(ctx, hogs)
	if err != nil {
		return err
	}
	defer release()
	for range 5 { // what the program had is taken from it, too
		if err := f.replicas[0].EndSessions(ctx, "app"); err != nil {
			return err
		}
		wait(ctx, t.fault/5)
	}
	release()
	hogs.Close()
	wait(ctx, t.after)
	return ctx.Err()
}

func failOver(ctx context.Context, f *fleet, t times) error {
	if err := replacePrimary(ctx, f, t); err != nil {
		return err
	}
	if err := f.primary.EndSessions(ctx, "app"); err != nil { // who connects again has the choice
		return err
	}
	wait(ctx, t.after)
	return ctx.Err()
}

// failOverAndRestart leaves the old primary alone on the field, for long enough to
// be asked what it is.
func failOverAndRestart(ctx context.Context, f *fleet, t times) error {
	if err := replacePrimary(ctx, f, t); err != nil {
		return err
	}
	if err := f.primary.Kill(ctx); err != nil {
		return err
	}
	wait(ctx, 1500*time.Millisecond) // the servers are asked once a second; a reader waits for longer
	if err := f.primary.Start(ctx); err != nil {
		return err
	}
	wait(ctx, t.after)
	return ctx.Err()
}

// replacePrimary kills the primary, promotes a replica, and after a while brings
// the old primary back.
func replacePrimary(ctx context.Context, f *fleet, t times) error {
	wait(ctx, t.before)
	old := f.primary
	first, err := f.FailOver(ctx)
	if err != nil {
		return err
	}
	f.primary, f.dead, f.accepts = first, time.Now(), time.Now()
	wait(ctx, t.fault/2)
	if err := f.StartStranger(ctx); err != nil {
		return err
	}
	f.stranger = old
	wait(ctx, t.fault/2)
	return ctx.Err()
}

func allNear(ctx context.Context, f *fleet) error {
	for _, p := range f.proxies {
		if err := p.Set(testdb.Delay(time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

func oneFar(ctx context.Context, f *fleet) error {
	if err := allNear(ctx, f); err != nil {
		return err
	}
	return f.proxies[f.replicas[0]].Set(testdb.Delay(10 * time.Millisecond))
}
