package testdb

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// PostgresOptions says what StartPostgres starts.
type PostgresOptions struct {
	Standbys int // hot standbys that stream from the primary
}

// PostgresCluster is a PostgreSQL primary with its standbys. Whoever can reach
// 127.0.0.1 can log in as the superuser postgres.
type PostgresCluster struct {
	cluster
	bin string // folder of the programs
}

// StartPostgres makes a cluster of empty databases and returns when all its
// servers answer. The caller stops it; if this process ends before, the servers
// end and their data is removed without it. The error is ErrNotInstalled if there
// is no PostgreSQL on this machine.
func StartPostgres(ctx context.Context, options PostgresOptions) (*PostgresCluster, error) {
	bin, err := findPostgres(ctx)
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
	c := &PostgresCluster{bin: bin, cluster: cluster{folder: folder}}
	server := func(name string) *Server {
		return &Server{Name: name, program: postgres{bin}, account: as, folder: folder.path}
	}
	c.primary = server("primary")
	for i := range options.Standbys {
		c.copies = append(c.copies, server(fmt.Sprintf("standby%d", i+1)))
	}
	live.add(&c.cluster)
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// findPostgres returns the folder with the newest server programs.
func findPostgres(ctx context.Context) (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian keeps them out of PATH
	if found, err := exec.LookPath("postgres"); err == nil {
		if found, err = filepath.EvalSymlinks(found); err == nil {
			candidates = append(candidates, filepath.Dir(found))
		}
	}
	newest, bin := 0.0, ""
	for _, dir := range candidates {
		if version := postgresVersion(ctx, dir); version > newest {
			newest, bin = version, dir
		}
	}
	if bin == "" {
		return "", fmt.Errorf("%w: no postgres, initdb and pg_basebackup in PATH or /usr/lib/postgresql", ErrNotInstalled)
	}
	return bin, nil
}

// postgresVersion is 0 for a folder that lacks a program that we need.
func postgresVersion(ctx context.Context, dir string) float64 {
	for _, program := range []string{"initdb", "pg_basebackup"} {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
			return 0
		}
	}
	out, err := run(ctx, account{}, filepath.Join(dir, "postgres"), "--version")
	words := strings.Fields(out) // postgres (PostgreSQL) 15.18 (Debian ...)
	if err != nil || len(words) < 3 {
		return 0
	}
	version, err := strconv.ParseFloat(words[2], 64)
	if err != nil {
		return 0
	}
	return version
}

func (c *PostgresCluster) start(ctx context.Context) error {
	if err := c.initPrimary(ctx); err != nil {
		return err
	}
	if err := c.primary.startOnFreePort(ctx); err != nil {
		return err
	}
	return inParallel(c.copies, func(s *Server) error {
		_, err := run(ctx, s.account, filepath.Join(c.bin, "pg_basebackup"),
			"--dbname="+socketDSN(c.primary), "--pgdata="+s.data(), "--write-recovery-conf",
			"--wal-method=stream", "--checkpoint=fast", "--no-sync")
		if err != nil {
			return err
		}
		return s.startOnFreePort(ctx)
	})
}

func (c *PostgresCluster) initPrimary(ctx context.Context) error {
	s := c.primary
	_, err := run(ctx, s.account, filepath.Join(c.bin, "initdb"),
		"--pgdata="+s.data(), "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	return appendToFile(filepath.Join(s.data(), "postgresql.conf"), postgresSettings)
}

// postgresSettings are taken over by the standbys together with the data.
const postgresSettings = `
# A crash of the machine may lose these data; a crash of the server must not.
fsync = off
full_page_writes = off

max_connections = 500
shared_buffers = 32MB
dynamic_shared_memory_type = mmap  # in the data, which we remove
jit = off
timezone = UTC
log_line_prefix = '%m [%p] %u@%d '

wal_level = replica
max_wal_senders = 10
wal_keep_size = 512MB              # so that a standby which was away catches up
wal_retrieve_retry_interval = 100ms
`

func appendToFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("multidb: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		return fmt.Errorf("multidb: %w", err)
	}
	return nil
}

// Standbys are the servers that started as hot standbys, in the order of their names.
func (c *PostgresCluster) Standbys() []*Server { return c.copies }

// WaitReplay returns when every standby has replayed all that the primary has
// acknowledged so far. A standby that is down or promoted never does.
func (c *PostgresCluster) WaitReplay(ctx context.Context) error {
	var target string
	if err := queryRow(ctx, c.primary, &target, "SELECT pg_current_wal_flush_lsn()::text"); err != nil {
		return err
	}
	return inParallel(c.copies, func(s *Server) error {
		err := withConn(ctx, s, func(conn *pgx.Conn) error {
			return poll(ctx, func() (replayed bool, err error) {
				err = conn.QueryRow(ctx, "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", target).Scan(&replayed)
				return replayed, err
			})
		})
		if err != nil {
			return fmt.Errorf("multidb: %s has not replayed %s of the primary: %w", s.Name, target, err)
		}
		return nil
	})
}

// CreateDatabases creates empty databases and returns when all servers have them.
func (c *PostgresCluster) CreateDatabases(ctx context.Context, names ...string) error {
	err := withConn(ctx, c.primary, func(conn *pgx.Conn) error {
		for _, name := range names {
			if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.WaitReplay(ctx)
}

// CreateDatabase creates an empty database and returns when all servers have it.
func (c *PostgresCluster) CreateDatabase(ctx context.Context, name string) error {
	return c.CreateDatabases(ctx, name)
}

// DropDatabase drops a database on all servers, and ends the sessions that use it.
func (c *PostgresCluster) DropDatabase(ctx context.Context, name string) error {
	return exec1(ctx, c.primary, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

// postgres is the program of a PostgreSQL server.
type postgres struct{ bin string }

func (p postgres) command(s *Server) *exec.Cmd {
	return exec.Command(filepath.Join(p.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.folder)
}

// ping goes through the socket in our own folder: somebody else's server on the
// same port can not answer it.
func (p postgres) ping(ctx context.Context, s *Server) error {
	return withConn(ctx, s, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
}

func (p postgres) dsn(s *Server, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: fmt.Sprintf("127.0.0.1:%d", s.Port), Path: "/" + database}
	return u.String()
}

func (p postgres) promote(ctx context.Context, s *Server) error {
	if err := exec1(ctx, s, "SELECT pg_promote(wait => false)"); err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		var standby bool
		err := queryRow(ctx, s, &standby, "SELECT pg_is_in_recovery()")
		return !standby, err
	})
}

func (p postgres) replay(ctx context.Context, s *Server, on bool) error {
	if on {
		return exec1(ctx, s, "SELECT pg_wal_replay_resume()")
	}
	return exec1(ctx, s, "SELECT pg_wal_replay_pause()")
}

func (p postgres) endSessions(ctx context.Context, s *Server, user string) error {
	return withConn(ctx, s, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()", user)
		return err
	})
}

func (p postgres) orderly() syscall.Signal   { return syscall.SIGINT }
func (p postgres) immediate() syscall.Signal { return syscall.SIGQUIT }

// socketDSN is for our own set-up, which the PG... environment must not redirect.
func socketDSN(s *Server) string {
	return fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres sslmode=disable", s.folder, s.Port)
}

func withConn(ctx context.Context, s *Server, use func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, socketDSN(s))
	if err != nil {
		return fmt.Errorf("multidb: test server %s: %w", s.Name, err)
	}
	defer conn.Close(ctx)
	return use(conn)
}

func exec1(ctx context.Context, s *Server, statement string) error {
	return withConn(ctx, s, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

func queryRow(ctx context.Context, s *Server, value any, query string) error {
	return withConn(ctx, s, func(conn *pgx.Conn) error { return conn.QueryRow(ctx, query).Scan(value) })
}
