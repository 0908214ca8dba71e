package chaos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func scenario(t testing.TB, name string) *Scenario {
	t.Helper()
	for _, s := range Scenarios {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no scenario %q", name)
	return nil
}

// quick runs one scenario through multidb, which must keep its promises.
func quick(t *testing.T, name string) {
	row, err := Run(limit(t), PostgreSQL, scenario(t, name), Multidb(""), Quick)
	testdb.Need(t, "PostgreSQL", err)
	if row.reads.run == 0 || len(row.writes.ids) == 0 {
		t.Errorf("%d reads and %d writes were run", row.reads.run, len(row.writes.ids))
	}
	for _, fault := range row.Faults() {
		t.Error(fault)
	}
	if t.Failed() {
		t.Log(strings.Join(row.Errors(), "\n"))
	}
}

func TestReplicaKilled(t *testing.T)      { quick(t, "replica-killed") }
func TestRepliesCut(t *testing.T)         { quick(t, "replies-cut") }
func TestFailover(t *testing.T)           { quick(t, "failover") }
func TestFailoverAndRestart(t *testing.T) { quick(t, "failover-restart") }

// The audit must see what the scenarios must not do.
func TestAudit(t *testing.T) {
	ctx := limit(t)
	f, err := startFleet(ctx, PostgreSQL, &Scenario{})
	testdb.Need(t, "PostgreSQL", err)
	defer f.stop()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(s *testdb.Server, values string) {
		t.Helper()
		must(f.exec(ctx, s, "app", "INSERT INTO ledger (id, body, port) VALUES "+values))
	}
	auditOf := func(acknowledged ...int64) audit {
		t.Helper()
		a, err := f.audit(ctx, acknowledged)
		must(err)
		return a
	}
	must(f.Synchronous(ctx))
	write(f.primary, "(5001, 'row 5001', inet_server_port()), (5002, 'row 5002', inet_server_port())")
	if a := auditOf(5001, 5002); a != (audit{}) {
		t.Errorf("nothing is wrong: %+v", a)
	}
	write(f.primary, "(5002, 'row 5002', inet_server_port())")
	if a := auditOf(5001, 5002, 5003); a != (audit{lost: 1, twice: 1}) {
		t.Errorf("one lost and one twice: %+v", a)
	}

	old := f.primary
	must(failOver(ctx, f, times{}))
	if f.primary == old || f.stranger != old {
		t.Fatal("there was no failover")
	}
	if a := auditOf(5001); a != (audit{twice: 1}) {
		t.Errorf("after the failover: %+v", a)
	}
	write(f.stranger, "(5004, 'row 5004', inet_server_port())")
	if a := auditOf(5001, 5004); a != (audit{lost: 1, twice: 1, onStranger: 1}) {
		t.Errorf("one on the stranger: %+v", a)
	}

	other := f.replicas[0]
	if other == f.primary {
		other = f.replicas[1]
	}
	must(other.Promote(ctx)) // nobody was told, so it is a replica still
	write(other, "(5005, 'row 5005', inet_server_port())")
	if a := auditOf(5001, 5005); a != (audit{lost: 1, twice: 1, onReplica: 1, onStranger: 1}) {
		t.Errorf("one on a replica: %+v", a)
	}
}

func TestFaults(t *testing.T) {
	bad := Row{
		Scenario: scenario(t, "calm"), judged: true,
		reads: work{failed: 1},
		audit: audit{lost: 2, twice: 3, onReplica: 4, onStranger: 5},
	}
	if faults := bad.Faults(); len(faults) != 5 || !strings.HasPrefix(faults[4], "5 ") {
		t.Errorf("faults: %q", faults)
	}
	bad.judged = false
	if faults := bad.Faults(); faults != nil {
		t.Errorf("of a row that is for comparison: %q", faults)
	}
	for name, want := range map[string]int{"replica-killed": 1, "failover": 0} {
		failedWrites := Row{Scenario: scenario(t, name), judged: true, writes: work{failed: 1, unknown: 1}}
		if faults := failedWrites.Faults(); len(faults) != want {
			t.Errorf("%s with a failed write: %q", name, faults)
		}
	}
}

func TestWritesMustFlowAgain(t *testing.T) {
	there := time.Now()
	w := work{acked: []time.Time{there.Add(-time.Second), there.Add(3 * time.Second), there.Add(2 * time.Second)}}
	row := Row{Scenario: scenario(t, "failover"), judged: true, again: w.firstAfter(there)}
	if faults := row.Faults(); faults != nil {
		t.Errorf("two seconds: %q", faults)
	}
	row.again = w.firstAfter(there.Add(-500 * time.Millisecond))
	if faults := row.Faults(); len(faults) != 1 || !strings.Contains(faults[0], "2.50 s") {
		t.Errorf("more than two: %q", faults)
	}
	row.again = (&work{}).firstAfter(there)
	if faults := row.Faults(); len(faults) != 1 {
		t.Errorf("never: %q", faults)
	}
}

func TestExcesses(t *testing.T) {
	reads := func(name, via string, took ...time.Duration) Row {
		return Row{Scenario: scenario(t, name), Via: via, judged: via != ByHand.Name, reads: work{took: took}}
	}
	rows := []Row{
		reads("calm", "multidb", 50*time.Millisecond), reads("calm", ByHand.Name, time.Millisecond),
		reads("replica-killed", "multidb", 350*time.Millisecond), reads("replica-killed", ByHand.Name, time.Second),
		reads("four-replicas", "multidb, random", 4*time.Millisecond),
		reads("one-of-four-slow", "multidb, random", 9*time.Millisecond),
		reads("one-of-four-slow", "multidb, round_robin", time.Minute), // there is nothing to compare it with
	}
	if excesses := Excesses(rows); excesses != nil {
		t.Errorf("within bounds: %q", excesses)
	}
	rows[2].writes.took = []time.Duration{time.Second} // the machine was busy
	rows[2].reads.took[0] += time.Second
	if excesses := Excesses(rows); excesses != nil {
		t.Errorf("as slow as what nothing was done to: %q", excesses)
	}
	rows[2].writes.took = nil
	rows[5].reads.took[0]++
	if excesses := Excesses(rows); len(excesses) != 2 || !strings.HasPrefix(excesses[1], "one-of-four-slow, multidb, random: ") {
		t.Errorf("above both bounds: %q", excesses)
	}
}

func TestReadsMayFailWhereNobodyIsThere(t *testing.T) {
	for system, want := range map[*System]int{PostgreSQL: 1, MariaDB: 0} {
		row := Row{Scenario: scenario(t, "failover-restart"), system: system, judged: true, reads: work{failed: 1}}
		if faults := row.Faults(); len(faults) != want {
			t.Errorf("%s: %q", system.Name, faults)
		}
	}
}

// A program whose reads find the wrong rows has failed reads.
func TestReadsAreVerified(t *testing.T) {
	ctx := limit(t)
	f, err := startFleet(ctx, PostgreSQL, &Scenario{})
	testdb.Need(t, "PostgreSQL", err)
	defer f.stop()
	p, err := f.openMultidb("")
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	l := &load{system: PostgreSQL, program: p}
	if err := l.read(ctx, 1); err != nil {
		t.Error(err)
	}
	for _, spoil := range []string{"UPDATE ledger SET body = 'row of another'", "DELETE FROM ledger"} {
		if err := errors.Join(f.exec(ctx, f.primary, "app", spoil), f.WaitReplay(ctx)); err != nil {
			t.Fatal(err)
		}
		if err := l.read(ctx, 1); err == nil || !strings.Contains(err.Error(), "malformed") {
			t.Errorf("after %s: %v", spoil, err)
		}
	}
}

func TestReport(t *testing.T) {
	rows := []Row{{
		Scenario: scenario(t, "failover"), Via: "multidb",
		reads:  work{run: 100, failed: 1, took: []time.Duration{time.Millisecond, 2 * time.Second}},
		writes: work{run: 50, failed: 3, unknown: 2, took: []time.Duration{3 * time.Millisecond}},
		again:  150 * time.Millisecond,
		audit:  audit{lost: 1, onStranger: 4},
	}}
	var text, markdown strings.Builder
	Print(&text, rows)
	if fields := strings.Fields(text.String()); !strings.Contains(strings.Join(fields, " "),
		"failover multidb 100 1 2.00 s 2.00 s 47 3 2 3.0 ms 150.0 ms 1 0 0 4") {
		t.Errorf("printed:\n%s", text.String())
	}
	PrintMarkdown(&markdown, rows)
	lines := strings.Split(strings.TrimSpace(markdown.String()), "\n")
	if len(lines) != 3 || lines[2] != "| failover | multidb | 100 | 1 | 2.00 s | 2.00 s | 47 | 3 | 2 | 3.0 ms | 150.0 ms | 1 | 0 | 0 | 4 |" {
		t.Errorf("as Markdown:\n%s", markdown.String())
	}
	for _, line := range lines {
		if strings.Count(line, "|") != len(header)+1 {
			t.Errorf("%d columns, not %d: %s", strings.Count(line, "|")-1, len(header), line)
		}
	}
}
