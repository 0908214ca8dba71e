package chaos

import (
	"context"
	"fmt"

	"github.com/multidb-go/multidb/internal/testdb"
)

// audit compares what was acknowledged with what the servers have.
type audit struct {
	lost       int // acknowledged, and not on the primary that is left
	twice      int // there more than once
	onReplica  int // done by a server that was a replica
	onStranger int // done by the old primary after the failover
}

// entry is one row of the ledger: what it is, and the server that wrote it.
type entry struct {
	id   int64
	port int
	at   int64 // microseconds since 1970, by that server's clock
}

func (f *fleet) audit(ctx context.Context, acknowledged []int64) (a audit, err error) {
	var others []entry // read before the primary, which then has all of theirs
	for _, s := range f.replicas {
		if s == f.primary {
			continue
		}
		entries, err := f.ledger(ctx, s)
		if err != nil {
			return a, err
		}
		others = append(others, entries...)
	}
	entries, err := f.ledger(ctx, f.primary)
	if err != nil {
		return a, err
	}
	times := make(map[int64]int, len(entries))
	for _, e := range entries {
		times[e.id]++
		if times[e.id] == 2 {
			a.twice++
		}
		if f.neverPrimary(e.port) {
			a.onReplica++
		}
	}
	for _, e := range others {
		if times[e.id] == 0 && !f.isStrangers(e.port) {
			a.onReplica++
		}
	}
	for _, id := range acknowledged {
		if times[id] == 0 {
			a.lost++
		}
	}
	if f.stranger != nil {
		entries, err := f.ledger(ctx, f.stranger)
		if err != nil {
			return a, err
		}
		for _, e := range entries {
			if f.isStrangers(e.port) && e.at > f.dead.UnixMicro() {
				a.onStranger++
			}
		}
	}
	return a, nil
}

func (f *fleet) neverPrimary(port int) bool {
	for _, s := range f.replicas {
		if s.Port == port {
			return s != f.primary
		}
	}
	return false
}

func (f *fleet) isStrangers(port int) bool { return f.stranger != nil && f.stranger.Port == port }

func (f *fleet) ledger(ctx context.Context, s *testdb.Server) (entries []entry, err error) {
	db, err := f.direct(s, "app")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT id, port, at FROM ledger")
	if err != nil {
		return nil, fmt.Errorf("the ledger of %s: %w", s.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.id, &e.port, &e.at); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
