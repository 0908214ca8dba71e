package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/turns"
)

// contender is one way to use a child driver.
type contender struct {
	name string
	db   *sql.DB
}

// maxIdle is for every *sql.DB here: with database/sql's own default of 2, what
// is measured is mostly how fast connections are opened.
const maxIdle = 64

func newContender(name string, connector driver.Connector) contender {
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(maxIdle)
	return contender{name, db}
}

// contendersOver are the child driver itself, and once more, which shows how far
// equals are apart on this machine; then multidb with one engine, whose
// connections it holds, and with a primary and a replica, whose connections it
// leases. The replica is the primary once more, so that nothing differs but
// multidb.
func contendersOver(child driver.Connector) ([]contender, error) {
	engine := multidb.Engine{Driver: "pgx", Connector: child} // Driver: the null child has no dialect of its own
	held, err := multidb.NewConnector(multidb.Config{Primary: engine})
	if err != nil {
		return nil, err
	}
	leased, err := multidb.NewConnector(multidb.Config{Primary: engine, Replicas: []multidb.Engine{engine}})
	if err != nil {
		return nil, err
	}
	return []contender{
		newContender("child", child),
		newContender("again", child),
		newContender("held", held),
		newContender("leased", leased),
	}, nil
}

func closeAll(contenders []contender) {
	for _, c := range contenders {
		c.db.Close()
	}
}

// operation is something that programs do with a *sql.DB.
type operation struct {
	name    string
	allocs  float64 // allocations that multidb may add
	time    float64 // ratio to a null child that multidb may reach
	prepare func(db *sql.DB) (turns.Action, error)
}

const (
	read  = "SELECT n FROM bench WHERE id = $1"
	write = "UPDATE bench SET n = n + 1 WHERE id = $1"
)

var operations = []operation{
	{"QueryRow", 0, 1.20, queryRow},
	{"Stmt.Query", 0, 1.20, stmtQuery},
	{"Tx", 1, 1.20, transaction},
	{"Exec", 0, 1.40, execute},
}

// endless is the context of the operations. For one that can, database/sql and pgx start
// goroutines, which would be measured, too, and make multidb look better than it
// is.
var endless = context.Background()

func queryRow(db *sql.DB) (turns.Action, error) {
	return func() error {
		var n int64
		return db.QueryRowContext(endless, read, 1).Scan(&n)
	}, nil
}

func stmtQuery(db *sql.DB) (turns.Action, error) {
	stmt, err := db.PrepareContext(endless, read) // closed with db
	if err != nil {
		return nil, err
	}
	return func() error {
		var n int64
		return stmt.QueryRowContext(endless, 1).Scan(&n)
	}, nil
}

func transaction(db *sql.DB) (turns.Action, error) {
	return func() error {
		tx, err := db.BeginTx(endless, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(endless, write, 1); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}, nil
}

func execute(db *sql.DB) (turns.Action, error) {
	return func() error {
		_, err := db.ExecContext(endless, write, 1)
		return err
	}, nil
}

// actions prepares the operation for each contender.
func (o operation) actions(contenders []contender) ([]turns.Action, error) {
	var all []turns.Action
	for _, c := range contenders {
		do, err := o.prepare(c.db)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.name, o.name, err)
		}
		all = append(all, do)
	}
	return all, nil
}
