package multidb_test

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/multidb-go/multidb"
	"github.com/multidb-go/multidb/internal/testdb"
)

func TestPing(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		p.err("ping", p.db.PingContext(p.Context()))
		p.err("again", p.db.PingContext(p.Context()))
	})
}

func TestExec(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		p.exec(p.db, "INSERT INTO t VALUES (1)")
		p.exec(p.db, "INSERT INTO t VALUES (?, ?)", 1, "a")
		p.exec(p.db, "INSERT INTO t VALUES (1); UPDATE t SET a = 2")
	})
}

func TestQuery(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		p.rows(p.db.QueryContext(p.Context(), "SELECT 1, 'a', 1.5, NULL UNION ALL SELECT 2, 'b', 2.5, NULL"))
		p.rows(p.db.QueryContext(p.Context(), "SELECT ?, ? FROM t", 1, "a"))
		p.rows(p.db.QueryContext(p.Context(), "SELECT 1; SELECT 'a', 'b'; SELECT 3"))
		p.value(p.db, "SELECT 'a'")
	})
}

func TestPrepare(t *testing.T) {
	inAllShapes(t, func(p *probe) {
		stmt, err := p.db.PrepareContext(p.Context(), "INSERT INTO t VALUES (?)")
		p.err("prepare", err)
		r, err := stmt.ExecContext(p.Context(), 1)
		p.note("%v %v", r != nil, err)
		p.rows(stmt.QueryContext(p.Context(), 2))
	})
}

func TestBegin(t *testing.T) {
	for name, opts := range map[string]*sql.TxOptions{
		"default":      nil,
		"read-only":    {ReadOnly: true},
		"serializable": {Isolation: sql.LevelSerializable},
	} {
		t.Run(name, func(t *testing.T) {
			inAllShapes(t, func(p *probe) {
				for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
					tx, err := p.db.BeginTx(p.Context(), opts)
					p.err("begin", err)
					if err != nil {
						continue
					}
					p.exec(tx, "INSERT INTO t VALUES (?)", 1)
					p.value(tx, "SELECT conn")
					p.err("end", end(tx))
				}
			})
		})
	}
}

// sql.Open with a document: the same, from the DSN alone.
func TestOpenByName(t *testing.T) {
	if !slices.Contains(sql.Drivers(), "multidb") {
		t.Fatal("multidb is not registered")
	}
	db := must(sql.Open("multidb", `{"driver": "pgx", "primary": "postgres://writer/shop", "replicas": ["postgres://reader/shop"]}`))
	defer db.Close()
	var engines []string
	for _, e := range multidb.FromDB(db).Stats().Engines {
		engines = append(engines, e.Name+" "+e.Role)
	}
	diff(t, "the engines are", engines, []string{"primary primary", "replica1 replica"})
	other := sql.OpenDB(testdb.NullConnector{})
	defer other.Close()
	if multidb.FromDB(other) != nil {
		t.Error("FromDB found a connector behind another driver")
	}
}
