package libraries

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/driver/mysql"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/multidb-go/multidb"
)

// gorm's dialectors take an existing *sql.DB.
func TestGorm(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("PrepareStmt %v", prepared), func(t *testing.T) { testGorm(t, s, prepared) })
		}
	}, postgres, mariadb, modernc, ncruces)
}

func openGorm(t testing.TB, s server, pool gorm.ConnPool, config *gorm.Config) *gorm.DB {
	t.Helper()
	config.Logger = logger.Discard
	db, err := gorm.Open(gormDialector(s, pool), config)
	must(t, err)
	return db
}

// gormDialector uses gormlite for both drivers of SQLite. gorm's own dialector
// links mattn/go-sqlite3, and glebarez's links a copy of modernc: each registers a
// driver under a name that is taken here.
func gormDialector(s server, pool gorm.ConnPool) gorm.Dialector {
	switch s.driver {
	case "pgx":
		return gormpostgres.New(gormpostgres.Config{Conn: pool})
	case "mysql":
		return mysql.New(mysql.Config{Conn: pool})
	}
	return gormlite.OpenDB(pool)
}

type gormCustomer struct {
	ID        uint
	Name      string `gorm:"uniqueIndex;size:40"`
	Visits    int
	Orders    []gormOrder `gorm:"foreignKey:CustomerID"`
	CreatedAt time.Time
	DeletedAt gorm.DeletedAt

	hooks []string // the hooks that ran, with whether their reads saw the row
}

type gormOrder struct {
	ID         uint
	CustomerID uint
	Item       string
}

func (*gormCustomer) TableName() string { return "customers" }
func (*gormOrder) TableName() string    { return "orders" }

func (c *gormCustomer) BeforeCreate(*gorm.DB) error {
	c.hooks = append(c.hooks, "before")
	return nil
}

// AfterCreate reads in the transaction that inserted.
func (c *gormCustomer) AfterCreate(tx *gorm.DB) error {
	var n int64
	err := tx.Model(c).Where("id = ?", c.ID).Count(&n).Error
	c.hooks = append(c.hooks, fmt.Sprint("after ", n))
	return err
}

func testGorm(t *testing.T, s server, prepared bool) {
	f := s.open(t)
	db := openGorm(t, s, f.DB, &gorm.Config{PrepareStmt: prepared}).WithContext(t.Context())

	f.writes(func() { // twice: the second looks at what is there
		for range 2 {
			must(t, db.WithContext(f.onPrimary()).AutoMigrate(&gormCustomer{}, &gormOrder{}))
		}
	})

	ada := gormCustomer{Name: "Ada", Orders: []gormOrder{{Item: "tea"}, {Item: "milk"}}}
	f.writes(func() {
		must(t, db.Create(&ada).Error)
		equal(t, "the hooks that ran", ada.hooks, []string{"before", "after 1"})
		if ada.ID == 0 || ada.Orders[1].ID == 0 {
			t.Errorf("the keys of the inserted rows were not set: %+v", ada)
		}
		batch := make([]gormCustomer, 25)
		for i := range batch {
			batch[i].Name = fmt.Sprint("customer ", i)
		}
		must(t, db.CreateInBatches(batch, 10).Error)
		must(t, db.Model(&ada).Update("visits", gorm.Expr("visits + ?", 1)).Error)
		must(t, db.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "name"}}, DoUpdates: clause.Assignments(map[string]any{"visits": 7}),
		}).Create(&gormCustomer{Name: "Ada"}).Error)
		must(t, db.Where("name = ?", "customer 24").Delete(&gormCustomer{}).Error)
		must(t, db.Save(&gormOrder{ID: ada.Orders[1].ID, CustomerID: ada.ID, Item: "oat milk"}).Error)
		must(t, db.Exec("UPDATE customers SET visits = ? WHERE name = ?", 3, "customer 0").Error)
	})

	f.reads(func() {
		var customers []gormCustomer
		must(t, db.Preload("Orders", func(db *gorm.DB) *gorm.DB { return db.Order("id") }).Order("id").Find(&customers).Error)
		equal(t, "the number of customers", len(customers), 25)
		equal(t, "the second order of the first", customers[0].Orders[1].Item, "oat milk")
		equal(t, "the visits after the upsert", customers[0].Visits, 7)

		var one, other gormCustomer
		must(t, db.First(&one, "name = ?", "customer 3").Error)
		must(t, db.Take(&other, one.ID).Error)
		equal(t, "what Take gives", other.Name, "customer 3")
		if err := db.First(&one, "name = ?", "nobody").Error; err != gorm.ErrRecordNotFound {
			t.Errorf("no row: %v", err)
		}
		var n int64
		must(t, db.Model(&gormCustomer{}).Where("visits > ?", 0).Count(&n).Error)
		equal(t, "the count", n, 2)
		var names []string
		must(t, db.Model(&gormCustomer{}).Where("visits IN ?", []int{3, 7}).Order("name").Pluck("name", &names).Error)
		equal(t, "what Pluck gives", names, []string{"Ada", "customer 0"})
		var sums []struct {
			Name  string
			Items int
		}
		must(t, db.Table("customers").Select("customers.name, COUNT(*) AS items").Joins("JOIN orders ON orders.customer_id = customers.id").
			Group("customers.name").Having("COUNT(*) > ?", 1).Scan(&sums).Error)
		equal(t, "what Scan gives", fmt.Sprint(sums), "[{Ada 2}]")
		batches := 0
		var batch []gormCustomer
		must(t, db.FindInBatches(&batch, 10, func(*gorm.DB, int) error { batches++; return nil }).Error)
		equal(t, "the number of batches", batches, 3)
		rows, err := db.Model(&gormOrder{}).Rows()
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			var order gormOrder
			must(t, db.ScanRows(rows, &order))
		}
		must(t, rows.Err())
		var at int
		err = db.Raw(s.whereAmI).Scan(&at).Error
		f.isOn(multidb.Replica, at, err)
	})

	f.writes(func() {
		must(t, db.Transaction(func(tx *gorm.DB) error {
			must(t, tx.Create(&gormOrder{CustomerID: ada.ID, Item: "salt"}).Error)
			// One inside the other is a savepoint.
			rollback := errors.New("enough")
			err := tx.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Where("id > 0").Delete(&gormOrder{}).Error)
				return rollback
			})
			if err != rollback {
				t.Errorf("Transaction returns %v, not what its function returned", err)
			}
			must(t, tx.SavePoint("here").Error)
			must(t, tx.Where("item = ?", "salt").Delete(&gormOrder{}).Error)
			must(t, tx.RollbackTo("here").Error)
			var locked []gormOrder
			must(t, tx.Clauses(clause.Locking{Strength: "UPDATE"}).Find(&locked).Error)
			equal(t, "the number of orders in the transaction", len(locked), 3)
			var at int
			err = tx.Raw(s.whereAmI).Scan(&at).Error
			f.isOn(multidb.Primary, at, err)
			return err
		}))
	})
	equal(t, "the orders", f.count("SELECT COUNT(*) FROM orders"), 3)

	locks := f.writes
	if s.isSQLite() { // which has no locks of rows, so gorm leaves the clause out
		locks = f.reads
	}
	locks(func() {
		must(t, db.Clauses(clause.Locking{Strength: "UPDATE"}).First(&gormOrder{}).Error)
	})
	f.writes(func() { // a read of one's own write
		var last gormOrder
		must(t, db.Create(&gormOrder{CustomerID: ada.ID, Item: "bread"}).Error)
		must(t, db.WithContext(f.onPrimary()).First(&last, "item = ?", "bread").Error)
		must(t, db.Connection(func(conn *gorm.DB) error {
			return conn.WithContext(f.onPrimary()).Last(&last).Error
		}))
		equal(t, "the last order", last.Item, "bread")
	})
}
