package integration

import (
	"context"
	"database/sql"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// A server may take a connection and say nothing. Who is called away does not wait for
// it, whether or not the driver ends a dial with its context: lib/pq does not.
func TestACallEndsWithItsContextWhileTheServerIsSilent(t *testing.T) {
	for driver, dsn := range map[string]string{
		"pgx":      "postgres://app@ADDRESS/shop?sslmode=disable",
		"postgres": "postgres://app@ADDRESS/shop?sslmode=disable",
		"mysql":    "app@tcp(ADDRESS)/shop",
	} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			address, reached := silentServer(t)
			engine := multidb.Engine{DSN: strings.Replace(dsn, "ADDRESS", address, 1)}
			connector, err := multidb.NewConnector(multidb.Config{
				Driver:         driver,
				Primary:        engine,
				Databases:      map[string]multidb.Database{"other": {Primary: engine}},
				ConnectTimeout: multidb.Duration(time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
			db := sql.OpenDB(connector)
			defer db.Close()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := db.ExecContext(ctx, "DELETE FROM t")
				ended <- err
			}()
			<-reached
			cancel()
			select {
			case err := <-ended:
				if err != context.Canceled {
					t.Errorf("got %v, want the bare context.Canceled", err)
				}
			case <-time.After(time.Minute):
				t.Error("the call waits for the server")
			}
		})
	}
}

// silentServer takes connections and says nothing until the test ends.
func silentServer(t *testing.T) (address string, reached <-chan struct{}) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var conns []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			if conns = append(conns, c); len(conns) == 1 {
				close(first)
			}
		}
		for _, c := range conns {
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), first
}
