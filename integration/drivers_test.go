package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// childDriver is what the tests below need to know of a driver. A test that
// concerns one driver alone is in the file of that driver.
type childDriver struct {
	name    string // of its subtests
	driver  string // as database/sql knows it
	servers func(t testing.TB) servers

	whereAmI  string // a read that the primary and a replica answer differently
	dollars   bool   // its placeholders are $1, $2
	kinds     []string
	arguments []any
	mistakes  []string
	states    []state
}

// state is something that a statement leaves on its session.
type state struct{ set, show, changed string }

var drivers = []childDriver{pgxDefault, libpq, mysqlPrepared, mysqlInterpolated, modernc, ncruces}

// sql writes the placeholders of a text as the driver wants them.
func (d childDriver) sql(query string) string {
	for n := 1; d.dollars && strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
	}
	return query
}

const createVisits = "CREATE TABLE visits (id INT PRIMARY KEY, note VARCHAR(40))"

func TestReadsGoToReplicasAndWritesToThePrimary(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		insert, read := d.sql("INSERT INTO visits VALUES (?, 'tea')"), d.sql("SELECT note FROM visits WHERE id = ?")
		for i := range 10 {
			f.exec(insert, i)
			if at := f.where(f.DB); at != multidb.Replica {
				t.Fatalf("a read was answered by the %s", at)
			}
			routed := f.readsRouted()
			if note := scan(t, t.Context(), f, read, i); note != "tea" {
				t.Errorf("row %d has the note %q", i, note)
			}
			if f.readsRouted() == routed {
				t.Errorf("a read with an argument did not go to a replica")
			}
		}
		if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "10" {
			t.Errorf("the primary has %s rows", n)
		}
		_, err := f.ExecContext(multidb.WithEngine(t.Context(), "replica1"), insert, 10)
		if !errors.Is(err, multidb.ErrReadOnlyEngine) {
			t.Errorf("a write on a named replica: %v", err)
		}
	})
}

func TestTransactionsStayOnTheirEngine(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		where := mustPrepare(t, f, d.whereAmI)
		asked := func(tx *sql.Tx) string {
			t.Helper()
			var answer string
			if err := tx.StmtContext(t.Context(), where).QueryRowContext(t.Context()).Scan(&answer); err != nil {
				t.Fatal(err)
			}
			return f.role(answer)
		}

		tx := mustBegin(t, f.DB, nil)
		mustExec(t, tx, d.sql("INSERT INTO visits VALUES (?, 'tea')"), 1)
		mustExec(t, tx, "SAVEPOINT one")
		mustExec(t, tx, "INSERT INTO visits VALUES (2, 'milk')")
		mustExec(t, tx, "ROLLBACK TO SAVEPOINT one")
		mustExec(t, tx, "RELEASE SAVEPOINT one")
		if n := scan(t, t.Context(), tx, "SELECT COUNT(*) FROM visits"); n != "1" {
			t.Errorf("the transaction sees %s rows, not its own one", n)
		}
		if at := f.where(tx); at != multidb.Primary {
			t.Errorf("a read of the transaction was answered by the %s", at)
		}
		if at := asked(tx); at != multidb.Primary {
			t.Errorf("a statement prepared outside was answered by the %s", at)
		}
		if _, err := tx.ExecContext(multidb.WithEngine(t.Context(), multidb.Replica), d.whereAmI); !errors.Is(err, multidb.ErrTxEngine) {
			t.Errorf("another engine in the transaction: %v", err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "1" {
			t.Errorf("%s rows were committed", n)
		}

		tx = mustBegin(t, f.DB, nil)
		mustExec(t, tx, "DELETE FROM visits")
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "1" {
			t.Errorf("%s rows are left after a rollback", n)
		}

		tx = mustBegin(t, f.DB, &sql.TxOptions{ReadOnly: true})
		if at := f.where(tx); at != multidb.Replica {
			t.Errorf("a read-only transaction is on the %s", at)
		}
		if at := asked(tx); at != multidb.Replica {
			t.Errorf("a statement prepared outside was answered by the %s", at)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if n := f.childrenInUse(); n != 0 {
			t.Errorf("%d children were not given back", n)
		}
	})
}

// What a driver says of isolation levels and read-only transactions it says
// through multidb too.
func TestTransactionOptionsAreTheChilds(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		for level := sql.LevelDefault; level <= sql.LevelLinearizable; level++ {
			for _, readOnly := range []bool{false, true} {
				same(f, fmt.Sprintf("%v, read-only %v", level, readOnly), func(db *sql.DB) failure {
					ctx := f.onPrimary()
					tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: level, ReadOnly: readOnly})
					if err != nil {
						return failureOf(err)
					}
					defer tx.Rollback()
					_, err = tx.ExecContext(ctx, "INSERT INTO visits VALUES (1, 'tea')")
					return failureOf(err)
				})
			}
		}
	})
}

func TestTextTransactionPinsTheConn(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		conn := mustConn(t, f.DB)
		if at := f.where(conn); at != multidb.Replica {
			t.Errorf("before BEGIN a read was answered by the %s", at)
		}
		mustExec(t, conn, "BEGIN")
		mustExec(t, conn, d.sql("INSERT INTO visits VALUES (?, 'tea')"), 1)
		mustExec(t, conn, "SAVEPOINT one")
		mustExec(t, conn, "INSERT INTO visits VALUES (2, 'milk')")
		mustExec(t, conn, "ROLLBACK TO SAVEPOINT one")
		if n := scan(t, t.Context(), conn, "SELECT COUNT(*) FROM visits"); n != "1" {
			t.Errorf("the transaction sees %s rows, not its own one", n)
		}
		mustExec(t, conn, "COMMIT")
		if f.catchUp != nil {
			if err := f.catchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if at := f.where(conn); at != multidb.Replica {
			t.Errorf("after COMMIT a read was answered by the %s", at)
		}

		// One that its user forgot must not reach the next.
		mustExec(t, conn, "BEGIN")
		mustExec(t, conn, "INSERT INTO visits VALUES (3, 'forgotten')")
		conn.Close()
		mustExec(t, f, "INSERT INTO visits VALUES (4, 'next')")
		if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "2" {
			t.Errorf("there are %s rows, not 2", n)
		}
	})
}

func TestPreparedStatements(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		insert := mustPrepare(t, f, d.sql("INSERT INTO visits VALUES (?, ?)"))
		for i := range 50 {
			if _, err := insert.ExecContext(t.Context(), i, fmt.Sprint("note ", i)); err != nil {
				t.Fatal(err)
			}
		}
		f.exec("UPDATE visits SET note = 'last' WHERE id = 49")
		read := mustPrepare(t, f, d.sql("SELECT note FROM visits WHERE id = ?"))
		routed := f.readsRouted()
		for i := range 49 {
			var note string
			if err := read.QueryRowContext(t.Context(), i).Scan(&note); err != nil || note != fmt.Sprint("note ", i) {
				t.Fatalf("row %d: %q, %v", i, note, err)
			}
		}
		if n := f.readsRouted() - routed; n != 49 {
			t.Errorf("%d of 49 prepared reads went to replicas", n)
		}

		// Many goroutines use one statement.
		var users sync.WaitGroup
		for user := range 8 {
			users.Go(func() {
				for i := range 10 {
					var note string
					if err := read.QueryRowContext(t.Context(), user*5+i%5).Scan(&note); err != nil || note != fmt.Sprint("note ", user*5+i%5) {
						t.Errorf("%q, %v", note, err)
					}
				}
			})
		}
		users.Wait()

		tx := mustBegin(t, f.DB, nil)
		if _, err := tx.StmtContext(t.Context(), insert).ExecContext(t.Context(), 100, "in tx"); err != nil {
			t.Fatal(err)
		}
		var note string
		if err := tx.StmtContext(t.Context(), read).QueryRowContext(t.Context(), 100).Scan(&note); err != nil || note != "in tx" {
			t.Errorf("the transaction reads %q, %v", note, err)
		}
		tx.Rollback()
		if err := read.QueryRowContext(t.Context(), 100).Scan(&note); err != sql.ErrNoRows {
			t.Errorf("after the rollback: %q, %v", note, err)
		}
	}, pgxModes...)
}

// Two statements of one text in one transaction, the second run while the first
// still has rows: what the driver makes of it, it makes through multidb.
func TestStatementsOfOneTextNestedInATransaction(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		f.exec("INSERT INTO visits VALUES (1, 'a'), (2, 'b'), (3, 'c')")
		const all = "SELECT id FROM visits ORDER BY id"
		nested := func(outer, inner func() (*sql.Rows, error)) (seen []string) {
			rows, err := outer()
			if err != nil {
				return append(seen, fmt.Sprint(failureOf(err)))
			}
			defer rows.Close()
			for rows.Next() {
				var id int
				if err := rows.Scan(&id); err != nil {
					return append(seen, fmt.Sprint(failureOf(err)))
				}
				seen = append(seen, fmt.Sprint(id, answerOf(inner())))
				if len(seen) > 10 {
					return append(seen, "without end")
				}
			}
			return append(seen, fmt.Sprint(failureOf(rows.Err())))
		}
		ways := map[string]func(tx *sql.Tx) []string{
			"two statements": func(tx *sql.Tx) []string {
				first, second := mustPrepare(t, tx, all), mustPrepare(t, tx, all)
				return nested(func() (*sql.Rows, error) { return first.QueryContext(t.Context()) },
					func() (*sql.Rows, error) { return second.QueryContext(t.Context()) })
			},
			"one statement": func(tx *sql.Tx) []string {
				stmt := mustPrepare(t, tx, all)
				run := func() (*sql.Rows, error) { return stmt.QueryContext(t.Context()) }
				return nested(run, run)
			},
			"no statement": func(tx *sql.Tx) []string {
				run := func() (*sql.Rows, error) { return tx.QueryContext(t.Context(), all) }
				return nested(run, run)
			},
			"no statement, with an argument": func(tx *sql.Tx) []string {
				run := func() (*sql.Rows, error) {
					return tx.QueryContext(t.Context(), d.sql("SELECT id FROM visits WHERE id > ? ORDER BY id"), 0)
				}
				return nested(run, run)
			},
		}
		for name, way := range ways {
			same(f, name, func(db *sql.DB) []string {
				tx := mustBegin(t, db, nil)
				defer tx.Rollback()
				return way(tx)
			})
		}
	}, pgxModes...)
}

func TestValuesAndColumnTypesAreTheChilds(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		for _, query := range d.kinds {
			f.exec(query)
		}
		f.sameQuery("SELECT * FROM kinds ORDER BY id")
		f.sameQuery(d.sql("SELECT * FROM kinds WHERE id >= ? ORDER BY id"), 1)
		f.sameQuery("SELECT * FROM kinds WHERE id < 0")
		f.sameQuery("SELECT COUNT(*), MAX(id), NULL, 'text', 1.5 FROM kinds")
		for _, arg := range d.arguments {
			f.sameQuery(d.sql("SELECT COUNT(*) FROM kinds WHERE txt = ?"), arg)
			same(f, fmt.Sprintf("%v written and read back", arg), func(db *sql.DB) any {
				tx := mustBegin(t, db, nil)
				defer tx.Rollback()
				inserted := effectOf(tx.ExecContext(t.Context(), "INSERT INTO kinds (id) VALUES (99)"))
				updated := effectOf(tx.ExecContext(t.Context(), d.sql("UPDATE kinds SET txt = ? WHERE id = 99"), arg))
				read := answerOf(tx.QueryContext(t.Context(), "SELECT txt FROM kinds WHERE id = 99"))
				return []any{inserted, updated, read}
			})
		}
	}, pgxModes...)
}

func TestErrorsAreTheChilds(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		f.exec("INSERT INTO visits VALUES (1, 'tea')")
		mistakes := append([]string{
			"INSERT INTO visits VALUES (1, 'again')",
			"SELEKT 1",
			"SELECT * FROM nowhere",
			"INSERT INTO nowhere VALUES (1)",
		}, d.mistakes...)
		for _, query := range mistakes {
			same(f, query, func(db *sql.DB) effect { return effectOf(db.ExecContext(t.Context(), query)) })
			f.sameQuery(query)
		}
		insert, read := d.sql("INSERT INTO visits VALUES (?, ?)"), d.sql("SELECT note FROM visits WHERE id = ?")
		for _, args := range [][]any{{}, {1}, {1, "tea", "milk"}, {struct{}{}, 1}, {make(chan int)}, {sql.Named("id", 1)}} {
			same(f, fmt.Sprintf("%s with %v", insert, args), func(db *sql.DB) effect {
				tx := mustBegin(t, db, nil)
				defer tx.Rollback() // SQLite takes NULL as a key
				return effectOf(tx.ExecContext(t.Context(), insert, args...))
			})
			f.sameQuery(read, args...)
		}
		for _, query := range []string{insert, read} {
			same(f, "a cancelled context", func(db *sql.DB) failure {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := db.ExecContext(ctx, query, 1, "tea")
				return failureOf(err)
			})
		}
		same(f, "no rows", func(db *sql.DB) failure {
			var note string
			return failureOf(db.QueryRowContext(t.Context(), read, 99).Scan(&note))
		})
		if n := f.childrenInUse(); n != 0 {
			t.Errorf("%d children were not given back", n)
		}
	}, pgxModes...)
}

// Each of these users of one pool leaves state on its session. None may meet
// that of another, and each must meet its own.
func TestSessionStateIsNeverMetByTheNextUser(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, func(c *multidb.Config) { c.Primary.MaxOpen = 3 })
		f.exec("CREATE TABLE basket (id INT)")
		f.exec("INSERT INTO basket VALUES (1)")
		var users sync.WaitGroup
		for user := range 4 {
			users.Go(func() {
				for round := range 2 * len(d.states) {
					f.leaveState((user+round)%len(d.states), round%2 == 0)
				}
			})
		}
		users.Wait()
		for _, s := range d.states {
			if shown := scan(t, f.onPrimary(), f, s.show); shown == s.changed {
				t.Errorf("state was left behind: %s gives %q", s.show, shown)
			}
		}
	})
}

func (f *fleet) leaveState(i int, byExec bool) {
	conn, err := f.Conn(f.t.Context())
	if err != nil {
		f.t.Error(err)
		return
	}
	defer conn.Close()
	show := func(ctx context.Context, s state) (shown string) {
		if err := conn.QueryRowContext(ctx, s.show).Scan(&shown); err != nil {
			f.t.Errorf("%s: %v", s.show, err)
		}
		return shown
	}
	for _, s := range f.driver.states {
		if shown := show(f.onPrimary(), s); shown == s.changed {
			f.t.Errorf("a new user met the state of another: %s gives %q", s.show, shown)
		}
	}
	s := f.driver.states[i]
	// By Exec and by Query: both must be noticed.
	if byExec {
		_, err = conn.ExecContext(f.t.Context(), s.set)
	} else {
		err = drain(conn.QueryContext(f.t.Context(), s.set))
	}
	if err != nil {
		f.t.Errorf("%s: %v", s.set, err)
	}
	if shown := show(f.t.Context(), s); shown != s.changed {
		f.t.Errorf("the session lost its state: after %s, %s gives %q", s.set, s.show, shown)
	}
}

// With one engine a Conn holds its child: with one connection, state that is set
// through the pool stays, as it does without multidb.
func TestOneEngineHoldsItsChild(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, func(c *multidb.Config) { c.Replicas = nil })
		f.exec("CREATE TABLE basket (id INT)")
		f.exec("INSERT INTO basket VALUES (1)")
		f.DB.SetMaxOpenConns(1)
		for _, s := range d.states {
			mustExec(t, f, s.set)
			if shown := scan(t, t.Context(), f, s.show); shown != s.changed {
				t.Errorf("after %s, %s gives %q", s.set, s.show, shown)
			}
		}
		if open := f.DB.Stats().OpenConnections; open != 1 {
			t.Errorf("%d connections are open", open)
		}
	})
}

// A context that ends in the middle of a statement or of a transaction leaves
// nothing behind.
func TestContextThatEnds(t *testing.T) {
	each(t, func(t *testing.T, d childDriver) {
		f := d.open(t, nil)
		f.exec(createVisits)
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := f.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, tx, "INSERT INTO visits VALUES (1, 'tea')")
		cancel()
		if err := tx.Commit(); err == nil {
			t.Error("Commit succeeded after the context had ended")
		}
		f.waitNoneInUse()
		mustExec(t, f, "INSERT INTO visits VALUES (2, 'milk')")
		if n := scan(t, t.Context(), f.direct, "SELECT COUNT(*) FROM visits"); n != "1" {
			t.Errorf("there are %s rows, not 1", n)
		}
	})
}

// waitNoneInUse waits until database/sql has given back what a context ended; it
// does so in a goroutine of its own.
func (f *fleet) waitNoneInUse() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	for f.childrenInUse()+f.DB.Stats().InUse > 0 {
		if ctx.Err() != nil {
			f.t.Fatalf("children are still in use: %+v", multidb.FromDB(f.DB).Stats())
		}
		time.Sleep(time.Millisecond)
	}
}
