package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/multidb-go/multidb/integration/libraries/internal/ent/customer"
	"github.com/multidb-go/multidb/internal/turns"
)

// operation is something that a program does with a library.
type operation struct {
	library, name string
	prepare       func(db *sql.DB) (turns.Action, error)
	adds          float64 // allocations that multidb may add
}

// endless is the context of all calls. For one that can end, database/sql starts
// goroutines, which would be measured, too.
var endless = context.Background()

// Of each library a row by its key, a list with what belongs to it, and an update:
// with ent, bun and gorm the list is two statements, and gorm's update is a
// transaction.
var operations = []operation{
	{"sqlx", "get", sqlxGet, 0},
	{"sqlx", "list", sqlxList, 0},
	{"sqlx", "update", sqlxUpdate, 0},
	{"ent", "get", entGet, 0},
	{"ent", "list", entList, 0},
	{"ent", "update", entUpdate, 0},
	{"bun", "get", bunGet, 0},
	{"bun", "list", bunList, 0},
	{"bun", "update", bunUpdate, 0},
	{"gorm", "get", onGorm(false, gormGet), 0},
	{"gorm", "list", onGorm(false, gormList), 0},
	{"gorm", "update", onGorm(false, gormUpdate), 0},
	{"gorm, PrepareStmt", "get", onGorm(true, gormGet), 0},
	{"gorm, PrepareStmt", "list", onGorm(true, gormList), 0},
	// gorm prepares in each of its transactions anew, and preparing is what costs:
	// the statement of multidb, and what it keeps of the child's.
	{"gorm, PrepareStmt", "update", onGorm(true, gormUpdate), 3},
}

type sqlxCustomer struct {
	ID     int
	Name   string
	Visits int
	Since  time.Time
}

func sqlxGet(db *sql.DB) (turns.Action, error) {
	x := sqlx.NewDb(db, "pgx")
	return func() error {
		var c sqlxCustomer
		return x.GetContext(endless, &c, "SELECT id, name, visits, since FROM customers WHERE id = $1", 7)
	}, nil
}

func sqlxList(db *sql.DB) (turns.Action, error) {
	x := sqlx.NewDb(db, "pgx")
	return func() error {
		var all []struct {
			Name, Item string
			Amount     int
		}
		return x.SelectContext(endless, &all, `SELECT c.name, o.item, o.amount FROM customers c
			JOIN orders o ON o.customer_orders = c.id WHERE c.id <= $1`, 10)
	}, nil
}

func sqlxUpdate(db *sql.DB) (turns.Action, error) {
	x := sqlx.NewDb(db, "pgx")
	return func() error {
		_, err := x.NamedExecContext(endless, "UPDATE customers SET visits = :visits WHERE id = :id", sqlxCustomer{ID: 7, Visits: 1})
		return err
	}, nil
}

func entGet(db *sql.DB) (turns.Action, error) {
	client := openEnt(db)
	return func() error {
		_, err := client.Customer.Get(endless, 7)
		return err
	}, nil
}

func entList(db *sql.DB) (turns.Action, error) {
	client := openEnt(db)
	return func() error {
		_, err := client.Customer.Query().Where(customer.IDLTE(10)).WithOrders().All(endless)
		return err
	}, nil
}

func entUpdate(db *sql.DB) (turns.Action, error) {
	client := openEnt(db)
	return func() error {
		return client.Customer.Update().Where(customer.ID(7)).SetVisits(1).Exec(endless)
	}, nil
}

type bunCustomer struct {
	bun.BaseModel `bun:"table:customers"`

	ID     int64 `bun:",pk"`
	Name   string
	Visits int
	Likes  []string `bun:"type:json"`
	Since  time.Time
	Orders []*bunOrder `bun:"rel:has-many,join:id=customer_orders"`
}

type bunOrder struct {
	bun.BaseModel `bun:"table:orders"`

	ID             int64 `bun:",pk"`
	Item           string
	Amount         int
	CustomerOrders int64
}

func bunGet(db *sql.DB) (turns.Action, error) {
	b := bun.NewDB(db, pgdialect.New())
	return func() error {
		var c bunCustomer
		return b.NewSelect().Model(&c).Where("id = ?", 7).Scan(endless)
	}, nil
}

func bunList(db *sql.DB) (turns.Action, error) {
	b := bun.NewDB(db, pgdialect.New())
	return func() error {
		var all []bunCustomer
		return b.NewSelect().Model(&all).Relation("Orders").Where("id <= ?", 10).Scan(endless)
	}, nil
}

func bunUpdate(db *sql.DB) (turns.Action, error) {
	b := bun.NewDB(db, pgdialect.New())
	return func() error {
		_, err := b.NewUpdate().Model((*bunCustomer)(nil)).Set("visits = ?", 1).Where("id = ?", 7).Exec(endless)
		return err
	}, nil
}

type gormCustomer struct {
	ID     uint
	Name   string
	Visits int
	Since  time.Time
	Orders []gormOrder `gorm:"foreignKey:CustomerOrders"`
}

type gormOrder struct {
	ID             uint
	Item           string
	Amount         int
	CustomerOrders uint
}

func (*gormCustomer) TableName() string { return "customers" }
func (*gormOrder) TableName() string    { return "orders" }

// onGorm is an operation of gorm's, with its own prepared statements or without.
func onGorm(prepared bool, do func(g *gorm.DB) error) func(db *sql.DB) (turns.Action, error) {
	return func(db *sql.DB) (turns.Action, error) {
		g, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), &gorm.Config{Logger: logger.Discard, PrepareStmt: prepared})
		return func() error { return do(g) }, err
	}
}

func gormGet(g *gorm.DB) error {
	var c gormCustomer
	return g.First(&c, 7).Error
}

func gormList(g *gorm.DB) error {
	var all []gormCustomer
	return g.Preload("Orders").Find(&all, "id <= ?", 10).Error
}

func gormUpdate(g *gorm.DB) error {
	return g.Model(&gormCustomer{ID: 7}).Update("visits", 1).Error
}
