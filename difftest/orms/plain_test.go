package orms

import (
	"database/sql"
	"testing"
	"testing/fstest"

	"github.com/Masterminds/squirrel"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"github.com/multidb-go/multidb"
)

// driveGoose also makes the tables of the tools that make none.
func driveGoose(t *testing.T, d multidb.Dialect, db *sql.DB) {
	dialect := map[multidb.Dialect]goose.Dialect{
		multidb.Postgres: goose.DialectPostgres, multidb.MySQL: goose.DialectMySQL, multidb.SQLite: goose.DialectSQLite3,
	}[d]
	files := fstest.MapFS{
		"00001_people.sql": {Data: []byte("-- +goose Up\nCREATE TABLE people (id int PRIMARY KEY, name varchar(100), email varchar(100), age int);\n" +
			"CREATE INDEX people_names ON people (name);\nINSERT INTO people VALUES (1, 'Ada', 'ada@example.org', 36);\n-- +goose Down\nDROP TABLE people;\n")},
		"00002_orders.sql": {Data: []byte("-- +goose Up\nCREATE TABLE orders (id int PRIMARY KEY, person_id int, total int);\nALTER TABLE people ADD COLUMN phone varchar(20);\n" +
			"-- +goose Down\nALTER TABLE people DROP COLUMN phone;\nDROP TABLE orders;\n")},
	}
	p, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := p.Up(ctx); err != nil {
		t.Fatalf("goose: %v", err)
	}
	if _, err := p.Down(ctx); err != nil {
		t.Errorf("goose: %v", err)
	}
	if _, err := p.UpByOne(ctx); err != nil {
		t.Errorf("goose: %v", err)
	}
	if _, err := p.Status(ctx); err != nil {
		t.Errorf("goose: %v", err)
	}
	if _, err := p.GetDBVersion(ctx); err != nil {
		t.Errorf("goose: %v", err)
	}
}

type person struct {
	ID    int
	Name  sql.NullString
	Email sql.NullString
	Age   sql.NullInt64
	Phone sql.NullString
}

func driveSqlx(t *testing.T, d multidb.Dialect, pool *sql.DB) {
	driver := map[multidb.Dialect]string{multidb.Postgres: "pgx", multidb.MySQL: "mysql", multidb.SQLite: "sqlite3"}[d]
	db := sqlx.NewDb(pool, driver)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("sqlx: %v", err)
		}
	}
	var one person
	var all []person
	must(nil, db.Get(&one, db.Rebind("SELECT * FROM people WHERE id = ?"), 1))
	must(nil, db.Select(&all, "SELECT id, name\n\tFROM people -- all of them\n\tORDER BY name"))
	query, args, err := sqlx.In("SELECT * FROM people WHERE id IN (?) AND name <> ?", []int{1, 2, 3}, "x")
	must(nil, err)
	must(nil, db.Select(&all, db.Rebind(query), args...))
	rows, err := db.NamedQuery("SELECT * FROM people WHERE name = :name AND age > :age", map[string]any{"name": "Ada", "age": 1})
	must(nil, err)
	rows.Close()
	must(db.NamedExec("INSERT INTO people (id, name, email) VALUES (:id, :name, :email)", []person{{ID: 10}, {ID: 11}}))
	must(db.NamedExec("UPDATE people SET name = :name WHERE id = :id", person{ID: 10}))
	prepared, err := db.PrepareNamed("SELECT count(*) FROM people WHERE id > :id")
	must(nil, err)
	must(nil, prepared.Get(new(int), map[string]any{"id": 0}))
	prepared.Close()
	tx := db.MustBegin()
	must(tx.Exec(db.Rebind("DELETE FROM people WHERE id = ?"), 11))
	must(nil, tx.Commit())
}

func driveSquirrel(t *testing.T, d multidb.Dialect, db *sql.DB) {
	sq := squirrel.StatementBuilder.RunWith(db)
	if d == multidb.Postgres {
		sq = sq.PlaceholderFormat(squirrel.Dollar)
	}
	query := func(b squirrel.SelectBuilder) {
		t.Helper()
		rows, err := b.Query()
		if err != nil {
			t.Errorf("squirrel: %v", err)
			return
		}
		rows.Close()
	}
	exec := func(_ sql.Result, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("squirrel: %v", err)
		}
	}
	people := sq.Select("*").From("people")
	query(people)
	query(people.Where(squirrel.Eq{"id": []int{1, 2}, "name": "Ada"}))
	query(people.Where(squirrel.Or{squirrel.Like{"name": "A%"}, squirrel.Gt{"age": 3}}).OrderBy("name DESC", "id").Limit(3).Offset(1))
	query(sq.Select("p.name", "count(o.id) AS n").From("people p").LeftJoin("orders o ON o.person_id = p.id AND o.total > ?", 1).GroupBy("p.name").Having("count(o.id) >= ?", 0))
	query(sq.Select("q.name").FromSelect(squirrel.Select("name").From("people").Where("age > ?", 1), "q"))
	query(sq.Select().Column(squirrel.Case("name").When("'Ada'", "1").Else("2")).Column(squirrel.Expr("coalesce(phone, ?)", "none")).From("people"))
	query(people.Where("EXISTS (SELECT 1 FROM orders WHERE person_id = people.id)").Distinct())
	query(people.Prefix("WITH x AS (SELECT 1)").Suffix("ORDER BY age"))
	exec(sq.Insert("people").Columns("id", "name").Values(20, "x").Values(21, squirrel.Expr("upper(?)", "y")).Exec())
	exec(sq.Insert("orders").Columns("id").Select(squirrel.Select("id").From("people").Where("id > 19")).Exec())
	exec(sq.Update("people").Set("name", "z").SetMap(map[string]any{"age": 3}).Where(squirrel.Eq{"id": 20}).Exec())
	exec(sq.Delete("people").Where(squirrel.NotEq{"id": []int{1, 10}}).Exec())
}

// driveSqlc sends texts in the manner of what sqlc generates: with the name of the
// query in a remark, over several lines.
func driveSqlc(t *testing.T, d multidb.Dialect, pool *sql.DB) {
	db := sqlx.NewDb(pool, map[multidb.Dialect]string{multidb.Postgres: "pgx", multidb.MySQL: "mysql", multidb.SQLite: "sqlite3"}[d])
	for query, args := range map[string][]any{
		"-- name: GetPerson :one\nSELECT id, name, email, age FROM people\nWHERE id = ? LIMIT 1\n":                                                           {1},
		"-- name: ListPeople :many\nSELECT id, name, email, age FROM people\nORDER BY name\n":                                                                nil,
		"-- name: CountByAge :many\nSELECT age, COUNT(*) AS total\nFROM people\nGROUP BY age\nHAVING COUNT(*) > ?\n":                                         {0},
		"-- name: PeopleWithOrders :many\nSELECT p.id, p.name, o.total\nFROM people p\nJOIN orders o ON o.person_id = p.id /* inner */\nWHERE o.total > ?\n": {1},
		"-- name: Totals :many\nWITH totals AS (\n  SELECT person_id, SUM(total) AS total FROM orders GROUP BY person_id\n)\nSELECT total FROM totals\n":     nil,
		"-- name: Latest :many\nSELECT id, ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY total DESC) AS n\nFROM orders\n":                               nil,
		"/* action='list',controller='people' */ SELECT id FROM people WHERE name IS NOT NULL /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7-01'*/":   nil,
	} {
		rows, err := db.Query(db.Rebind(query), args...)
		if err != nil {
			t.Errorf("sqlc: %v", err)
			continue
		}
		rows.Close()
	}
	for query, args := range map[string][]any{
		"-- name: CreatePerson :exec\nINSERT INTO people (\n  id, name\n) VALUES (\n  ?, ?\n)\n": {30, "Eve"},
		"-- name: UpdatePerson :exec\nUPDATE people\nSET name = ?\nWHERE id = ?\n":               {"Eva", 30},
		"-- name: DeletePerson :exec\nDELETE FROM people\nWHERE id = ?\n":                        {30},
	} {
		if _, err := db.Exec(db.Rebind(query), args...); err != nil {
			t.Errorf("sqlc: %v", err)
		}
	}
}
