package integration

import (
	"context"
	"database/sql"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/multidb-go/multidb"
)

// A server may take a connection and say nothing. Who is called away does not wait for
// it, whether or not the driver ends a dial with its context: lib/pq does not.
func TestACallEndsWithItsContextWhileTheServerIsSilent(t *testing.T) {
	byName := func(driver, dsn string) func(*testing.T, string) multidb.Engine {
		return func(_ *testing.T, address string) multidb.Engine {
			return multidb.Engine{Driver: driver, DSN: strings.Replace(dsn, "ADDRESS", address, 1)}
		}
	}
	const postgres = "postgres://app@ADDRESS/shop?sslmode=disable"
	for name, c := range map[string]struct {
		engine func(t *testing.T, address string) multidb.Engine
		begins bool // it is the client who speaks first
	}{
		"pgx":    {byName("pgx", postgres), true},
		"lib/pq": {byName("postgres", postgres), true},
		"mysql":  {byName("mysql", "app@tcp(ADDRESS)/shop"), false},
		"a connector of lib/pq": {func(t *testing.T, address string) multidb.Engine {
			connector, err := pq.NewConnector(strings.Replace(postgres, "ADDRESS", address, 1))
			if err != nil {
				t.Fatal(err)
			}
			return multidb.Engine{Connector: connector}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, reached := silentServer(t, c.begins)
			engine := c.engine(t, address)
			connector, err := multidb.NewConnector(multidb.Config{
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

// silentServer takes connections and says nothing until the test ends. The channel is
// closed when it has one, and has heard of the client if that begins.
func silentServer(t *testing.T, clientBegins bool) (address string, reached <-chan struct{}) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if clientBegins {
				c.Read(make([]byte, 1))
			}
			if n == 0 {
				close(first)
			}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), first
}
