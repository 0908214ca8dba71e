package orms

import (
	"context"
	"database/sql"
	"testing"
	"time"

	gormsqlite "github.com/glebarez/sqlite"
	gormmysql "gorm.io/driver/mysql"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/multidb-go/multidb"
)

type Customer struct {
	gorm.Model
	Name     string `gorm:"size:100;index"`
	Email    string `gorm:"size:100;uniqueIndex"`
	Age      int
	Purchase []Purchase
	Labels   []Label `gorm:"many2many:customer_labels"`
}

type Purchase struct {
	ID         uint
	CustomerID uint
	Total      float64
	At         time.Time
}

type Label struct {
	ID   uint
	Name string `gorm:"size:100"`
}

// phoneNumber is one more column of customers.
type phoneNumber struct {
	Phone string `gorm:"size:20"`
}

func (phoneNumber) TableName() string { return "customers" }

func driveGorm(t *testing.T, d multidb.Dialect, pool *sql.DB) {
	var dialector gorm.Dialector
	switch d {
	case multidb.Postgres:
		dialector = gormpostgres.New(gormpostgres.Config{Conn: pool})
	case multidb.MySQL:
		dialector = gormmysql.New(gormmysql.Config{Conn: pool})
	default:
		dialector = &gormsqlite.Dialector{Conn: pool}
	}
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	must := func(tx *gorm.DB) {
		t.Helper()
		if tx.Error != nil {
			t.Errorf("gorm: %v", tx.Error)
		}
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Errorf("gorm: %v", err)
		}
	}
	for range 2 { // the second time all is there
		ok(db.AutoMigrate(&Customer{}, &Purchase{}, &Label{}))
	}
	ok(db.Migrator().AddColumn(&phoneNumber{}, "Phone"))
	db.Migrator().HasTable("purchases")
	db.Migrator().HasIndex(&Customer{}, "Name")
	_, _ = db.Migrator().ColumnTypes(&Customer{})
	_, _ = db.Migrator().GetTables()

	ada := Customer{Name: "Ada", Email: "ada@example.org", Age: 36, Purchase: []Purchase{{Total: 1, At: time.Now()}}, Labels: []Label{{Name: "x"}}}
	must(db.Create(&ada))
	must(db.Create([]*Customer{{Name: "B", Email: "b"}, {Name: "C", Email: "c"}}))
	must(db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&Customer{Name: "D", Email: "d"}))
	must(db.Clauses(clause.OnConflict{DoNothing: true}).Create(&Label{Name: "y"}))
	if d != multidb.MySQL {
		must(db.Clauses(clause.Returning{}).Model(&Label{}).Where("name = ?", "y").Update("name", "z"))
	}

	var one Customer
	var many []Customer
	var n int64
	must(db.First(&one))
	must(db.Last(&one, "age > ?", 1))
	must(db.Take(&one, ada.ID))
	must(db.Find(&many, []uint{1, 2, 3}))
	must(db.Where("name LIKE ? AND age BETWEEN ? AND ?", "A%", 1, 99).Or("email IN ?", []string{"b", "c"}).Not("name = ?", "Q").Find(&many))
	must(db.Where(map[string]any{"name": "Ada", "age": []int{36, 37}}).Limit(5).Offset(1).Order("age desc, name").Find(&many))
	must(db.Where(&Customer{Name: "Ada"}).Select("id", "name").Find(&many))
	must(db.Preload("Purchase", "total > ?", 0).Preload("Labels").Find(&many))
	must(db.Preload(clause.Associations).Find(&many))
	must(db.Joins("LEFT JOIN purchases ON purchases.customer_id = customers.id AND purchases.total > ?", 0).Distinct("customers.name").Find(&many))
	must(db.Model(&Customer{}).Where("age > ?", 1).Count(&n))
	must(db.Model(&Customer{}).Select("name, count(*) AS n, max(age)").Group("name").Having("count(*) >= ?", 1).Scan(&[]map[string]any{}))
	must(db.Model(&Customer{}).Where("age > (?)", db.Model(&Customer{}).Select("avg(age)")).Find(&many))
	must(db.Table("(?) AS c", db.Model(&Customer{}).Select("name, age")).Where("c.age > 1").Find(&[]map[string]any{}))
	must(db.Model(&Customer{}).Pluck("name", &[]string{}))
	must(db.Unscoped().Where("deleted_at IS NOT NULL").Find(&many))
	must(db.Raw("SELECT id, name FROM customers WHERE name = @name", sql.Named("name", "Ada")).Scan(&many))
	must(db.Where("id IN (?)", db.Model(&Purchase{}).Select("customer_id")).Find(&many))
	ok(db.Model(&ada).Association("Labels").Find(&[]Label{}))
	db.Model(&ada).Association("Purchase").Count()
	must(db.FirstOrCreate(&Customer{}, Customer{Name: "E", Email: "e"}))
	must(db.Where(Customer{Email: "f"}).Attrs(Customer{Name: "F"}).FirstOrInit(&Customer{}))
	ok(db.FindInBatches(&many, 2, func(*gorm.DB, int) error { return nil }).Error)
	rows, err := db.Model(&Customer{}).Rows()
	ok(err)
	rows.Close()

	ok(db.Transaction(func(tx *gorm.DB) error {
		if d != multidb.SQLite {
			must(tx.Clauses(clause.Locking{Strength: "UPDATE"}).First(&one))
			must(tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "NOWAIT"}).Find(&many))
		}
		return tx.Transaction(func(tx *gorm.DB) error { return tx.Model(&ada).Update("age", gorm.Expr("age + ?", 1)).Error })
	}))
	ada.Name = "Ada L."
	must(db.Save(&ada))
	must(db.Model(&Customer{}).Where("age > ?", 100).Updates(map[string]any{"name": "old", "age": 1}))
	ok(db.Model(&ada).Association("Labels").Append(&Label{Name: "w"}))
	ok(db.Model(&ada).Association("Labels").Clear())
	must(db.Delete(&Customer{}, "name = ?", "B"))
	must(db.Unscoped().Delete(&Customer{}, "name = ?", "B"))
	must(db.Exec("UPDATE customers SET age = ? WHERE id = ?", 3, ada.ID))
	prepared := db.Session(&gorm.Session{PrepareStmt: true, Context: context.Background()})
	must(prepared.First(&one, "name <> ?", ""))
	must(prepared.Model(&Customer{}).Where("id = ?", 1).Update("age", 2))
}
