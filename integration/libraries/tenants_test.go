package libraries

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/jmoiron/sqlx"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/multidb-go/multidb"
)

// A database for each tenant, where a library that says none has none.

var tenants = []string{"acme", "globex"}

func openTenants(t *testing.T, s server) *multidb.Connector {
	t.Helper()
	databases := make(map[string]multidb.Database)
	for _, name := range tenants {
		databases[name] = multidb.Database{Primary: multidb.Engine{Driver: s.driver, DSN: s.start(t).primary}}
	}
	connector, err := multidb.NewConnector(multidb.Config{
		RequireDatabase: true,
		Resolve: func(_ context.Context, name string) (multidb.Database, error) {
			d, ok := databases[name]
			if !ok {
				return d, fmt.Errorf("%w %q", multidb.ErrUnknownDatabase, name)
			}
			return d, nil
		},
	})
	must(t, err)
	t.Cleanup(func() { must(t, connector.Close()) })
	return connector
}

// gormDialectorUnasked is gormDialector for one that asks the server nothing.
func gormDialectorUnasked(s server, db *sql.DB) gorm.Dialector {
	if s.driver != "mysql" {
		return gormDialector(s, db)
	}
	return mysql.New(mysql.Config{Conn: db, SkipInitializeWithVersion: true,
		DontSupportRenameIndex: true, DontSupportRenameColumn: true, // what it is not told it must know
		DontSupportForShareClause: true, DontSupportNullAsDefaultValue: true})
}

func TestGormWithTenants(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		connector := openTenants(t, s)

		// As it is, gorm asks the server something when it is opened, of no tenant.
		refused := sql.OpenDB(noClose{connector})
		defer refused.Close()
		_, err := gorm.Open(gormDialector(s, refused), &gorm.Config{Logger: logger.Discard})
		if !errors.Is(err, multidb.ErrNoDatabase) {
			t.Errorf("gorm.Open without a tenant: %v", err)
		}

		for _, prepared := range []bool{false, true} {
			pool := sql.OpenDB(noClose{connector})
			defer pool.Close()
			db, err := gorm.Open(gormDialectorUnasked(s, pool),
				&gorm.Config{Logger: logger.Discard, PrepareStmt: prepared, DisableAutomaticPing: true})
			must(t, err)
			for _, tenant := range tenants {
				of := db.WithContext(multidb.WithDatabase(t.Context(), tenant))
				must(t, of.AutoMigrate(&gormCustomer{}, &gormOrder{}))
				must(t, of.Where("1 = 1").Unscoped().Delete(&gormCustomer{}).Error)
				must(t, of.Create(&gormCustomer{Name: tenant}).Error)
			}
			for _, tenant := range tenants { // by statements that the other has prepared
				var customers []gormCustomer
				must(t, db.WithContext(multidb.WithDatabase(t.Context(), tenant)).Find(&customers).Error)
				if len(customers) != 1 || customers[0].Name != tenant {
					t.Errorf("%s reads %+v", tenant, customers)
				}
			}
			if err := db.WithContext(t.Context()).Find(&[]gormCustomer{}).Error; !errors.Is(err, multidb.ErrNoDatabase) {
				t.Errorf("a read without a tenant: %v", err)
			}
		}
	}, postgres, mariadb)
}

// noClose keeps a sql.DB that a library closes from ending the connector.
type noClose struct{ driver.Connector }

// What asks the server without a statement needs a tenant, too.
func TestPingAndPrepareWithTenants(t *testing.T) {
	on(t, func(t *testing.T, s server) {
		db := sql.OpenDB(noClose{openTenants(t, s)})
		defer db.Close()
		acme := multidb.WithDatabase(t.Context(), "acme")
		for name, run := range map[string]func(context.Context) error{
			"Ping":      db.PingContext,
			"sqlx.Ping": sqlx.NewDb(db, "pgx").PingContext,
			"Prepare": func(ctx context.Context) error {
				stmt, err := db.PrepareContext(ctx, s.whereAmI)
				if err != nil {
					return err
				}
				defer stmt.Close()
				var at int
				return stmt.QueryRowContext(multidb.WithDatabase(ctx, "globex")).Scan(&at) // of another tenant than prepared it
			},
		} {
			if err := run(t.Context()); !errors.Is(err, multidb.ErrNoDatabase) {
				t.Errorf("%s without a tenant: %v", name, err)
			}
			if err := run(acme); err != nil {
				t.Errorf("%s of a tenant: %v", name, err)
			}
		}
	}, postgres, mariadb)
}

// otelsql around multidb does not keep ForEach from its tenants.
func TestForEachBelowOtelsql(t *testing.T) {
	db := otelsql.OpenDB(openTenants(t, postgres))
	defer db.Close()
	must(t, multidb.ForEach(t.Context(), db, tenants, 2, func(ctx context.Context, name string) error {
		_, err := db.ExecContext(ctx, "CREATE TABLE of_"+name+" (id int)")
		return err
	}))
	for _, name := range tenants {
		_, err := db.ExecContext(multidb.WithDatabase(t.Context(), name), "DROP TABLE of_"+name)
		must(t, err)
	}
}
