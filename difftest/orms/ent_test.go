package orms

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/dialect/sql/sqlgraph"
	"entgo.io/ent/schema/field"

	"github.com/multidb-go/multidb"
)

// driveEnt uses the packages that ent's generated code calls.
func driveEnt(t *testing.T, d multidb.Dialect, pool *sql.DB) {
	name := map[multidb.Dialect]string{multidb.Postgres: dialect.Postgres, multidb.MySQL: dialect.MySQL, multidb.SQLite: dialect.SQLite}[d]
	db := entsql.OpenDB(name, pool)
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("ent: %v", err)
		}
	}
	if d == multidb.SQLite {
		must(pool.ExecContext(ctx, "PRAGMA foreign_keys = ON")) // ent insists
		pool.SetMaxOpenConns(1)
		defer pool.SetMaxOpenConns(0)
	}
	pets, owners := entTables()
	migrate, err := schema.NewMigrate(db, schema.WithForeignKeys(true))
	must(nil, err)
	for range 2 {
		must(nil, migrate.Create(ctx, owners, pets))
	}

	id := sqlgraph.NewFieldSpec("id", field.TypeInt)
	create := sqlgraph.NewCreateSpec("owners", id)
	create.SetField("name", field.TypeString, "Ada")
	must(nil, sqlgraph.CreateNode(ctx, db, create))
	owner := create.ID.Value
	batch := &sqlgraph.BatchCreateSpec{}
	for _, n := range []string{"Rex", "Tom"} {
		c := sqlgraph.NewCreateSpec("pets", sqlgraph.NewFieldSpec("id", field.TypeInt))
		c.SetField("name", field.TypeString, n)
		c.Edges = []*sqlgraph.EdgeSpec{petsEdge(true, owner)}
		batch.Nodes = append(batch.Nodes, c)
	}
	must(nil, sqlgraph.BatchCreate(ctx, db, batch))
	upsert := sqlgraph.NewCreateSpec("owners", sqlgraph.NewFieldSpec("id", field.TypeInt))
	upsert.SetField("id", field.TypeInt, owner)
	upsert.SetField("name", field.TypeString, "Eve")
	upsert.OnConflict = []entsql.ConflictOption{entsql.ConflictColumns("id"), entsql.ResolveWithNewValues()}
	must(nil, sqlgraph.CreateNode(ctx, db, upsert))

	query := func(change func(*sqlgraph.QuerySpec)) {
		t.Helper()
		q := sqlgraph.NewQuerySpec("owners", []string{"id", "name"}, id)
		q.ScanValues = func(columns []string) ([]any, error) {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			return values, nil
		}
		q.Assign = func([]string, []any) error { return nil }
		change(q)
		must(nil, sqlgraph.QueryNodes(ctx, db, q))
	}
	step := sqlgraph.NewStep(sqlgraph.From("owners", "id"), sqlgraph.To("pets", "id"), sqlgraph.Edge(sqlgraph.O2M, false, "pets", "owner_pets"))
	query(func(*sqlgraph.QuerySpec) {})
	query(func(q *sqlgraph.QuerySpec) { q.Limit, q.Offset, q.Unique = 10, 1, true })
	query(func(q *sqlgraph.QuerySpec) {
		q.Predicate = func(s *entsql.Selector) {
			s.Where(entsql.And(entsql.EQ(s.C("name"), "Eve"), entsql.Or(entsql.In(s.C("id"), 1, 2), entsql.IsNull(s.C("name")))))
		}
		q.Order = func(s *entsql.Selector) { s.OrderBy(entsql.Desc(s.C("name"))) }
	})
	query(func(q *sqlgraph.QuerySpec) {
		q.Predicate = func(s *entsql.Selector) {
			s.Where(entsql.Or(entsql.ContainsFold(s.C("name"), "e"), entsql.HasPrefix(s.C("name"), "A_%"), entsql.EqualFold(s.C("name"), "x")))
		}
	})
	query(func(q *sqlgraph.QuerySpec) {
		q.Predicate = func(s *entsql.Selector) { sqlgraph.HasNeighbors(s, step) }
		q.Order = func(s *entsql.Selector) { sqlgraph.OrderByNeighborsCount(s, step, entsql.OrderDesc()) }
	})
	query(func(q *sqlgraph.QuerySpec) {
		q.Predicate = func(s *entsql.Selector) {
			sqlgraph.HasNeighborsWith(s, step, func(s *entsql.Selector) { s.Where(entsql.EQ(s.C("name"), "Rex")) })
		}
	})
	query(func(q *sqlgraph.QuerySpec) {
		q.Modifiers = append(q.Modifiers, func(s *entsql.Selector) { s.Distinct() })
	})
	count := sqlgraph.NewQuerySpec("owners", []string{"id"}, id)
	count.Unique = true
	must(sqlgraph.CountNodes(ctx, db, count))
	if d != multidb.SQLite {
		tx, err := db.Tx(ctx)
		must(nil, err)
		selector := entsql.Dialect(name).Select("*").From(entsql.Table("owners")).ForUpdate()
		text, args := selector.Query()
		must(nil, drainEnt(ctx, tx, text, args))
		must(nil, tx.Commit())
	}
	build := entsql.Dialect(name)
	t1, t2 := build.Table("owners").As("o"), build.Table("pets").As("p")
	for _, s := range []entsql.Querier{
		build.Select(t1.C("name"), entsql.As(entsql.Count("*"), "n")).From(t1).Join(t2).On(t1.C("id"), t2.C("owner_pets")).GroupBy(t1.C("name")).Having(entsql.GT(entsql.Count("*"), 0)),
		build.Select("name").From(t1).Union(build.Select("name").From(t2)),
		build.With("x").As(build.Select("name").From(build.Table("pets"))),
	} {
		if with, ok := s.(*entsql.WithBuilder); ok {
			s = build.Select("*").From(build.Table("x")).Prefix(with)
		}
		text, args := s.Query()
		must(nil, drainEnt(ctx, db, text, args))
	}

	update := sqlgraph.NewUpdateSpec("owners", []string{"id", "name"}, sqlgraph.NewFieldSpec("id", field.TypeInt))
	update.SetField("name", field.TypeString, "Zoe")
	update.Predicate = func(s *entsql.Selector) { s.Where(entsql.EQ(s.C("id"), owner)) }
	must(sqlgraph.UpdateNodes(ctx, db, update))
	one := sqlgraph.NewUpdateSpec("owners", []string{"id", "name"}, &sqlgraph.FieldSpec{Column: "id", Type: field.TypeInt, Value: owner})
	one.SetField("name", field.TypeString, "Ann")
	one.ScanValues = func(columns []string) ([]any, error) { return []any{new(any), new(any)}, nil }
	one.Assign = func([]string, []any) error { return nil }
	must(nil, sqlgraph.UpdateNode(ctx, db, one))
	remove := sqlgraph.NewDeleteSpec("pets", sqlgraph.NewFieldSpec("id", field.TypeInt))
	remove.Predicate = func(s *entsql.Selector) { s.Where(entsql.EQ(s.C("name"), "Tom")) }
	must(sqlgraph.DeleteNodes(ctx, db, remove))
}

func petsEdge(inverse bool, owner driver.Value) *sqlgraph.EdgeSpec {
	return &sqlgraph.EdgeSpec{
		Rel: sqlgraph.M2O, Inverse: inverse, Table: "pets", Columns: []string{"owner_pets"},
		Target: &sqlgraph.EdgeTarget{IDSpec: sqlgraph.NewFieldSpec("id", field.TypeInt), Nodes: []driver.Value{owner}},
	}
}

// entTables are what ent would generate for owners and their pets.
func entTables() (pets, owners *schema.Table) {
	key := func() *schema.Column { return &schema.Column{Name: "id", Type: field.TypeInt, Increment: true} }
	owners = schema.NewTable("owners").AddPrimary(key()).AddColumn(&schema.Column{Name: "name", Type: field.TypeString, Nullable: true})
	pets = schema.NewTable("pets").AddPrimary(key()).AddColumn(&schema.Column{Name: "name", Type: field.TypeString}).
		AddColumn(&schema.Column{Name: "owner_pets", Type: field.TypeInt, Nullable: true})
	column, _ := pets.Column("owner_pets")
	pets.AddForeignKey(&schema.ForeignKey{
		Symbol: "pets_owners", Columns: []*schema.Column{column}, RefTable: owners, RefColumns: []*schema.Column{owners.Columns[0]}, OnDelete: schema.SetNull,
	})
	return pets, owners
}

func drainEnt(ctx context.Context, db dialect.ExecQuerier, text string, args []any) error {
	var rows entsql.Rows
	if err := db.Query(ctx, text, args, &rows); err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Close()
}
