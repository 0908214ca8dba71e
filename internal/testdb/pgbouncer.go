package testdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PgBouncer starts a PgBouncer before a server for this test alone, with settings
// of its section [pgbouncer], such as pool_mode. Its DSN leads through it. It knows
// the users postgres and, if a test creates these roles, reader, acme and globex.
func PgBouncer(t testing.TB, before *Server, settings map[string]string) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	c, err := startPgBouncer(ctx, before, settings)
	Need(t, "PgBouncer", err)
	t.Cleanup(c.Stop)
	c.logIfFailed(t)
	return c.primary
}

func startPgBouncer(ctx context.Context, before *Server, settings map[string]string) (*cluster, error) {
	program, err := findPgBouncer()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("postgres", "nobody")
	if err != nil {
		return nil, err
	}
	folder, err := newFolder(as)
	if err != nil {
		return nil, err
	}
	c := &cluster{folder: folder, primary: &Server{
		Name: "pgbouncer", program: pgbouncer{program, before, settings}, account: as, folder: folder.path}}
	live.add(c)
	if err := c.primary.startOnFreePort(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func findPgBouncer() (string, error) {
	for _, candidate := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} { // sbin may not be in a user's PATH
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: no pgbouncer in PATH or /usr/sbin", ErrNotInstalled)
}

// pgbouncer is the program of a proxy before a PostgreSQL server.
type pgbouncer struct {
	path     string
	before   *Server
	settings map[string]string
}

// command writes the configuration, which has the port in it. If it cannot, the
// program does not find it, and says so.
func (p pgbouncer) command(s *Server) *exec.Cmd {
	users, file := filepath.Join(s.folder, "users.txt"), filepath.Join(s.folder, "pgbouncer.ini")
	settings := map[string]string{
		"listen_addr": "127.0.0.1", "listen_port": fmt.Sprint(s.Port), "unix_socket_dir": s.folder,
		"auth_type": "trust", "auth_file": users, "admin_users": "postgres",
	}
	maps.Copy(settings, p.settings)
	text := fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\n", p.before.Port)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		text += key + " = " + settings[key] + "\n"
	}
	known := ""
	for _, user := range []string{"postgres", "reader", "acme", "globex"} {
		known += fmt.Sprintf("%q \"\"\n", user)
	}
	os.WriteFile(users, []byte(known), 0o644)
	os.WriteFile(file, []byte(text), 0o644)
	return exec.Command(p.path, file)
}

// ping asks the proxy, not the server behind it, through the socket in our own
// folder.
func (p pgbouncer) ping(ctx context.Context, s *Server) error {
	config, err := pgx.ParseConfig(strings.Replace(socketDSN(s), "dbname=postgres", "dbname=pgbouncer", 1))
	if err != nil {
		return err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // its console knows no other
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "SHOW VERSION")
	return err
}

func (p pgbouncer) dsn(s *Server, database string) string { return postgres{}.dsn(s, database) }

var errNoDatabase = errors.New("PgBouncer is no database")

func (p pgbouncer) promote(context.Context, *Server) error             { return errNoDatabase }
func (p pgbouncer) replay(context.Context, *Server, bool) error        { return errNoDatabase }
func (p pgbouncer) endSessions(context.Context, *Server, string) error { return errNoDatabase }
func (p pgbouncer) orderly() syscall.Signal                            { return syscall.SIGINT }
func (p pgbouncer) immediate() syscall.Signal                          { return syscall.SIGQUIT }
