package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
	"github.com/multidb-go/multidb/internal/turns"
)

const (
	peakGoroutines = 64
	peakBudget     = 1.05
	sampleEvery    = 10 * time.Millisecond
)

// split is a way to read from one server and to write to another.
type split struct {
	name string
	open func(primary, replica driver.Connector) (reader, writer *sql.DB, err error)
}

var splits = []split{
	{"two sql.DBs", func(primary, replica driver.Connector) (reader, writer *sql.DB, err error) {
		return sql.OpenDB(replica), sql.OpenDB(primary), nil
	}},
	{"multidb", func(primary, replica driver.Connector) (reader, writer *sql.DB, err error) {
		connector, err := multidb.NewConnector(multidb.Config{
			Primary:  multidb.Engine{Connector: primary},
			Replicas: []multidb.Engine{{Connector: replica}},
		})
		if err != nil {
			return nil, nil, err
		}
		db := sql.OpenDB(connector)
		return db, db, nil
	}},
}

// peak is how many connections there were at most, as the servers counted them.
type peak struct {
	primary, replica int
	took             time.Duration
}

func (p peak) sum() float64 { return float64(p.primary + p.replica) }

// peakConnections counts connections under a load of reads and writes by chance,
// in turns, each on new *sql.DBs.
func peakConnections(ctx context.Context, e effort) (table, error) {
	t := table{
		title: fmt.Sprintf("Peak of physical connections: primary and standby, %d goroutines, half reads, half writes, median of %d rounds of %d calls",
			peakGoroutines, e.peakRounds, e.peakCalls),
		header: []string{"", "primary", "standby", "sum", "time of a call", "ratio of sums", "budget", ""},
	}
	cluster, err := startPostgres(ctx, 1)
	if err != nil {
		return t, err
	}
	defer cluster.Stop()
	peaks := make([][]peak, len(splits))
	for round := range e.peakRounds {
		for i := range splits {
			i = (i + round) % len(splits)
			p, err := splits[i].measure(ctx, cluster, fmt.Sprintf("bench %d.%d", round, i), e.peakCalls)
			if err != nil {
				return t, fmt.Errorf("%s: %w", splits[i].name, err)
			}
			peaks[i] = append(peaks[i], p)
		}
	}
	t.addPeaks(peaks)
	return t, nil
}

func (t *table) addPeaks(peaks [][]peak) {
	byHand := peaks[0]
	for i, s := range splits {
		primary := median(peaks[i], func(p peak) float64 { return float64(p.primary) })
		replica := median(peaks[i], func(p peak) float64 { return float64(p.replica) })
		took := median(peaks[i], func(p peak) float64 { return float64(p.took.Nanoseconds()) / 1000 })
		row := []string{s.name, fmt.Sprint(primary), fmt.Sprint(replica),
			fmt.Sprint(median(peaks[i], peak.sum)), fmt.Sprintf("%.1f us", took)}
		if i > 0 {
			var values []float64
			for round := range byHand {
				values = append(values, peaks[i][round].sum()/byHand[round].sum())
			}
			ratio := turns.SpreadOf(values)
			row = append(row, ratio.String(), fmt.Sprintf("%.2f", peakBudget), verdict(ratio.Median, peakBudget))
		}
		t.add(row...)
	}
}

func median(peaks []peak, of func(peak) float64) float64 {
	var values []float64
	for _, p := range peaks {
		values = append(values, of(p))
	}
	return turns.SpreadOf(values).Median
}

// measure runs the load while it counts. The servers know the connections by the
// name of the application.
func (s split) measure(ctx context.Context, cluster *testdb.PostgresCluster, application string, calls int) (peak, error) {
	primary, replica := cluster.Primary(), cluster.Standbys()[0]
	reader, writer, err := s.open(pgxConnector(primary, application), pgxConnector(replica, application))
	if err != nil {
		return peak{}, err
	}
	defer reader.Close()
	defer writer.Close()
	reader.SetMaxIdleConns(maxIdle)
	writer.SetMaxIdleConns(maxIdle)

	stop := make(chan struct{})
	onPrimary, onReplica := watch(ctx, stop, primary, application), watch(ctx, stop, replica, application)
	took, err := turns.Time(calls, peakGoroutines, func() error {
		id := rand.IntN(tableRows) + 1
		if rand.IntN(2) == 0 {
			_, err := writer.ExecContext(ctx, write, id)
			return err
		}
		var n int64
		return reader.QueryRowContext(ctx, read, id).Scan(&n)
	})
	close(stop)
	p, r := <-onPrimary, <-onReplica
	if err := errors.Join(err, p.err, r.err); err != nil {
		return peak{}, err
	}
	if p.most == 0 || r.most == 0 {
		return peak{}, fmt.Errorf("%d connections to the primary and %d to the standby: one of them was not used", p.most, r.most)
	}
	return peak{p.most, r.most, took / time.Duration(calls)}, nil
}

type count struct {
	most int
	err  error
}

// watch asks a server again and again how many connections the application has,
// until stop, and once more then.
func watch(ctx context.Context, stop <-chan struct{}, s *testdb.Server, application string) <-chan count {
	result := make(chan count, 1)
	go func() {
		db := sql.OpenDB(pgxConnector(s, "bench watch"))
		defer db.Close()
		var c count
		for last := false; c.err == nil; {
			var now int
			c.err = db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", application).Scan(&now)
			c.most = max(c.most, now)
			if last {
				break
			}
			select {
			case <-stop:
				last = true
			case <-time.After(sampleEvery):
			}
		}
		result <- c
	}()
	return result
}
