package orms

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"
	"github.com/uptrace/bun/schema"

	"github.com/multidb-go/multidb"
)

type Author struct {
	bun.BaseModel `bun:"table:authors,alias:au"`
	ID            int64     `bun:",pk,autoincrement"`
	Name          string    `bun:",notnull"`
	Born          time.Time `bun:",nullzero"`
	DeletedAt     time.Time `bun:",soft_delete,nullzero"`
	Books         []*Book   `bun:"rel:has-many,join:id=author_id"`
}

type Book struct {
	bun.BaseModel `bun:"table:books,alias:b"`
	ID            int64 `bun:",pk,autoincrement"`
	AuthorID      int64
	Title         string
	Author        *Author  `bun:"rel:belongs-to,join:author_id=id"`
	Genres        []*Genre `bun:"m2m:book_genres,join:Book=Genre"`
}

type Genre struct {
	ID   int64 `bun:",pk,autoincrement"`
	Name string
}

type BookGenre struct {
	BookID  int64  `bun:",pk"`
	Book    *Book  `bun:"rel:belongs-to,join:book_id=id"`
	GenreID int64  `bun:",pk"`
	Genre   *Genre `bun:"rel:belongs-to,join:genre_id=id"`
}

func driveBun(t *testing.T, d multidb.Dialect, pool *sql.DB) {
	var dialect schema.Dialect
	switch d {
	case multidb.Postgres:
		dialect = pgdialect.New()
	case multidb.MySQL:
		dialect = mysqldialect.New()
	default:
		dialect = sqlitedialect.New()
	}
	ctx := t.Context()
	db := bun.NewDB(pool, dialect)
	db.RegisterModel((*BookGenre)(nil))
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("bun: %v", err)
		}
	}
	ok := func(err error) { t.Helper(); must(nil, err) }

	m := migrate.NewMigrator(db, migrate.NewMigrations())
	ok(m.Init(ctx))
	must(m.MigrationsWithStatus(ctx))
	for _, model := range []any{(*Author)(nil), (*Book)(nil), (*Genre)(nil), (*BookGenre)(nil)} {
		must(db.NewCreateTable().Model(model).IfNotExists().Exec(ctx))
	}
	must(db.NewCreateIndex().Model((*Book)(nil)).Index("book_titles").Column("title").Exec(ctx))
	must(db.NewAddColumn().Model((*Book)(nil)).ColumnExpr("pages int").Exec(ctx))

	ada := &Author{Name: "Ada"}
	must(db.NewInsert().Model(ada).Exec(ctx))
	books := []*Book{{AuthorID: ada.ID, Title: "A"}, {AuthorID: ada.ID, Title: "It's"}}
	must(db.NewInsert().Model(&books).Exec(ctx))
	must(db.NewInsert().Model(&Genre{ID: 1, Name: "x"}).Ignore().Exec(ctx))
	if d != multidb.MySQL {
		must(db.NewInsert().Model(&Genre{ID: 1, Name: "y"}).On("CONFLICT (id) DO UPDATE").Set("name = EXCLUDED.name").Returning("*").Exec(ctx))
	}
	must(db.NewInsert().Model(&BookGenre{BookID: books[0].ID, GenreID: 1}).Exec(ctx))

	var found []Author
	var lines []Book
	var values []map[string]any
	ok(db.NewSelect().Model(&found).Where("name = ?", "Ada").Order("id DESC").Limit(10).Offset(0).Scan(ctx))
	ok(db.NewSelect().Model(&found).Where("? LIKE ?", bun.Ident("name"), "A%").WhereOr("id IN (?)", bun.List([]int{1, 2})).Scan(ctx))
	ok(db.NewSelect().Model(&found).WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("id = 1").WhereOr("id = 2")
	}).Scan(ctx))
	ok(db.NewSelect().Model(&found).Relation("Books").Scan(ctx))
	ok(db.NewSelect().Model(&lines).Relation("Author").Relation("Genres").Where("b.title <> ''").Scan(ctx))
	must(db.NewSelect().Model(&found).Count(ctx))
	must(db.NewSelect().Model(&found).Where("name = ''").Exists(ctx))
	must(db.NewSelect().Model(&found).Limit(2).ScanAndCount(ctx))
	ok(db.NewSelect().Model((*Author)(nil)).ColumnExpr("name, count(*) AS n").Group("name").Having("count(*) > 0").Scan(ctx, &values))
	ok(db.NewSelect().With("a", db.NewSelect().Model((*Author)(nil))).TableExpr("a").ColumnExpr("a.name").Scan(ctx, &values))
	ok(db.NewSelect().Model((*Author)(nil)).Column("name").Union(db.NewSelect().Model((*Book)(nil)).Column("title")).Scan(ctx, &values))
	ok(db.NewSelect().Model((*Author)(nil)).Distinct().Column("name").Join("JOIN books AS b ON b.author_id = au.id").WhereAllWithDeleted().Scan(ctx, &values))
	ok(db.NewSelect().TableExpr("(?) AS q", db.NewSelect().Model((*Book)(nil))).ColumnExpr("q.title").Scan(ctx, &values))
	ok(db.NewRaw("SELECT ?, ?", 1, "it's ? here").Scan(ctx, new(int), new(string)))
	ok(db.NewSelect().Model(&Author{ID: ada.ID}).WherePK().Scan(ctx))

	must(db.NewUpdate().Model(&Author{ID: ada.ID, Name: "Ada L."}).WherePK().Exec(ctx))
	must(db.NewUpdate().Model((*Book)(nil)).Set("title = ?", "x").Where("id = ?", 99).Exec(ctx))
	if d != multidb.SQLite {
		ok(db.RunInTx(ctx, nil, func(ctx2 context.Context, tx bun.Tx) error {
			return tx.NewSelect().Model(&found).Where("id = ?", ada.ID).For("UPDATE").Scan(ctx2)
		}))
	}
	if d == multidb.Postgres {
		update := db.NewValues(&books)
		must(db.NewUpdate().With("_data", update).Model((*Book)(nil)).TableExpr("_data").Set("title = _data.title").Where("b.id = _data.id").Exec(ctx))
	}
	must(db.NewDelete().Model((*Author)(nil)).Where("id = ?", 99).Exec(ctx))
	must(db.NewDelete().Model((*Author)(nil)).Where("id = ?", 99).ForceDelete().Exec(ctx))
	must(db.NewTruncateTable().Model((*BookGenre)(nil)).Exec(ctx))
}
