package libraries

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/multidb-go/multidb"
)

// packOrder is a job.
type packOrder struct {
	Order int `json:"order"`
}

func (packOrder) Kind() string { return "pack" }

// packer notes which orders were packed, in the transaction that ends the job.
type packer struct {
	river.WorkerDefaults[packOrder]
	db       *sql.DB
	complete func(context.Context, *sql.Tx, *river.Job[packOrder]) (*river.Job[packOrder], error)
}

func (p *packer) Work(ctx context.Context, job *river.Job[packOrder]) error {
	return multidb.RunInTx(ctx, p.db, nil, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO packed VALUES ($1)", job.Args.Order); err != nil {
			return err
		}
		_, err := p.complete(ctx, tx, job)
		return err
	})
}

// river has a driver for SQLite, which it calls early, and none for MySQL.
func TestRiver(t *testing.T) {
	on(t, testRiver, postgres, modernc, ncruces)
}

func testRiver(t *testing.T, s server) {
	f := s.open(t, func(c *multidb.Config) {
		if s.isSQLite() { // river's advice, for a database that takes one writer
			c.Primary.MaxOpen = 1
		}
	})
	f.exec("CREATE TABLE packed (id INT PRIMARY KEY)")
	ctx := t.Context()
	packer := &packer{db: f.DB}
	var driver riverdriver.Driver[*sql.Tx]
	if s.isSQLite() {
		driver, packer.complete = riversqlite.New(f.DB), river.JobCompleteTx[*riversqlite.Driver]
	} else {
		driver, packer.complete = riverdatabasesql.New(f.DB), river.JobCompleteTx[*riverdatabasesql.Driver]
	}
	quiet := slog.New(slog.DiscardHandler)

	f.writes(func() { // twice: the second looks at what is there
		for range 2 {
			migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
			must(t, err)
			_, err = migrator.Migrate(f.onPrimary(), rivermigrate.DirectionUp, nil)
			must(t, err)
		}
	})

	workers := river.NewWorkers()
	river.AddWorker(workers, packer)
	client, err := river.NewClient(driver, &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		Workers:           workers,
		FetchCooldown:     10 * time.Millisecond,
		FetchPollInterval: 20 * time.Millisecond,
		Logger:            quiet,
	})
	must(t, err)
	done, cancel := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed)
	defer cancel()

	const jobs = 20
	var last int64
	f.writes(func() {
		for order := range jobs / 2 {
			must(t, multidb.RunInTx(ctx, f.DB, nil, func(ctx context.Context, tx *sql.Tx) error {
				_, err := client.InsertTx(ctx, tx, packOrder{order}, nil)
				return err
			}))
		}
		var many []river.InsertManyParams
		for order := jobs / 2; order < jobs; order++ {
			many = append(many, river.InsertManyParams{Args: packOrder{order}})
		}
		inserted, err := client.InsertMany(ctx, many)
		must(t, err)
		last = inserted[len(inserted)-1].Job.ID
	})

	// What the client does by itself is writes and reads: it looks for stuck jobs, if
	// it gets to that, and on SQLite, which notifies nobody, it asks a table for news.
	// That no write of it reached a replica is seen at the end, by what was refused.
	must(t, client.Start(ctx))
	for range jobs {
		select {
		case event := <-done:
			if event.Kind != river.EventKindJobCompleted {
				t.Errorf("job %d: %v %+v", event.Job.ID, event.Kind, event.Job.Errors)
			}
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	stop, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	must(t, client.Stop(stop))
	f.caughtUp()
	equal(t, "the number of orders that were packed", f.count("SELECT COUNT(*) FROM packed"), jobs)

	f.reads(func() {
		job, err := client.JobGet(ctx, last)
		must(t, err)
		equal(t, "the state of a job", job.State, rivertype.JobStateCompleted)
		list, err := client.JobList(ctx, river.NewJobListParams().States(rivertype.JobStateCompleted).First(100))
		must(t, err)
		equal(t, "the number of jobs that are done", len(list.Jobs), jobs)
		_, err = client.QueueList(ctx, river.NewQueueListParams().First(10))
		must(t, err)
	})
}
