package testdb

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// MariaDBOptions says what StartMariaDB starts.
type MariaDBOptions struct {
	Replicas int // read-only servers that follow the primary by GTID
}

// MariaDBCluster is a MariaDB primary with its replicas. The user app, who has no
// password, may do everything except to write where read_only is on, and to log in
// where all connections are taken.
type MariaDBCluster struct {
	cluster
	programs mariadbPrograms
}

// StartMariaDB makes a cluster of empty databases and returns when its replicas
// follow. The caller stops it; if this process ends before, the servers end and
// their data is removed without it. The error is ErrNotInstalled if there is no
// MariaDB on this machine.
func StartMariaDB(ctx context.Context, options MariaDBOptions) (*MariaDBCluster, error) {
	programs, err := findMariaDB()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("mysql", "nobody")
	if err != nil {
		return nil, err
	}
	folder, err := newFolder(as)
	if err != nil {
		return nil, err
	}
	c := &MariaDBCluster{programs: programs, cluster: cluster{folder: folder}}
	server := func(name string, id int) *Server {
		return &Server{Name: name, account: as, folder: folder.path,
			program: &mariadb{mariadbPrograms: programs, id: id, replica: id > 1}}
	}
	c.primary = server("primary", 1)
	for i := range options.Replicas {
		c.copies = append(c.copies, server(fmt.Sprintf("replica%d", i+1), i+2))
	}
	live.add(&c.cluster)
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// mariadbPrograms are the paths of what a MariaDB server needs.
type mariadbPrograms struct{ server, install, client string }

func findMariaDB() (mariadbPrograms, error) {
	var p mariadbPrograms
	var err error
	find := func(name string) string {
		for _, candidate := range []string{name, "/usr/sbin/" + name} { // sbin may not be in a user's PATH
			if path, lookErr := exec.LookPath(candidate); lookErr == nil {
				return path
			}
		}
		err = fmt.Errorf("%w: no %s in PATH or /usr/sbin", ErrNotInstalled, name)
		return ""
	}
	p.server, p.install, p.client = find("mariadbd"), find("mariadb-install-db"), find("mariadb")
	return p, err
}

func (c *MariaDBCluster) start(ctx context.Context) error {
	if err := c.install(ctx); err != nil {
		return err
	}
	if err := c.primary.startOnFreePort(ctx); err != nil {
		return err
	}
	if err := c.createUsers(ctx); err != nil {
		return err
	}
	if err := inParallel(c.copies, func(s *Server) error { return c.follow(ctx, s) }); err != nil {
		return err
	}
	return c.WaitReplay(ctx)
}

// install makes the data of the primary, and while no server uses them copies
// them to the replicas: all begin alike, before the first transaction.
func (c *MariaDBCluster) install(ctx context.Context) error {
	_, err := run(ctx, c.primary.account, c.programs.install, "--no-defaults", "--datadir="+c.primary.data(),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", mariadbLogFileSize, mariadbTmpdir(c.primary))
	if err != nil {
		return err
	}
	return inParallel(c.copies, func(s *Server) error {
		_, err := run(ctx, s.account, "cp", "-R", c.primary.data(), s.data())
		return err
	})
}

// createUsers leaves both users without a password. root, who is for our own
// set-up, is let in only through the socket.
func (c *MariaDBCluster) createUsers(ctx context.Context) error {
	_, err := c.programs.query(ctx, c.primary, `
		CREATE USER app@'127.0.0.1', replication@'127.0.0.1';
		GRANT ALL ON *.* TO app@'127.0.0.1';
		REVOKE SUPER, READ_ONLY ADMIN, CONNECTION ADMIN ON *.* FROM app@'127.0.0.1';
		GRANT REPLICATION SLAVE ON *.* TO replication@'127.0.0.1'`)
	return err
}

func (c *MariaDBCluster) follow(ctx context.Context, s *Server) error {
	if err := s.startOnFreePort(ctx); err != nil {
		return err
	}
	_, err := c.programs.query(ctx, s, fmt.Sprintf(`
		CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='replication',
			MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos;
		START SLAVE`, c.primary.Port))
	return err
}

// Replicas are the servers that started as replicas, in the order of their names.
func (c *MariaDBCluster) Replicas() []*Server { return c.copies }

// WaitReplay returns when every replica has applied all that the primary has
// committed so far. A replica that is down or promoted never does.
func (c *MariaDBCluster) WaitReplay(ctx context.Context) error {
	target, err := c.programs.query(ctx, c.primary, "SELECT @@gtid_binlog_pos")
	if err != nil {
		return err
	}
	return inParallel(c.copies, func(s *Server) error {
		// The server waits without end; the client is killed when ctx ends.
		if _, err := c.programs.query(ctx, s, "SELECT MASTER_GTID_WAIT('"+target+"')"); err != nil {
			return fmt.Errorf("multidb: %s has not applied %s of the primary: %w", s.Name, target, err)
		}
		return nil
	})
}

// CreateDatabase creates an empty database and returns when all servers have it.
func (c *MariaDBCluster) CreateDatabase(ctx context.Context, name string) error {
	if _, err := c.programs.query(ctx, c.primary, "CREATE DATABASE "+quoteMariaDB(name)); err != nil {
		return err
	}
	return c.WaitReplay(ctx)
}

// DropDatabase drops a database on all servers.
func (c *MariaDBCluster) DropDatabase(ctx context.Context, name string) error {
	_, err := c.programs.query(ctx, c.primary, "DROP DATABASE "+quoteMariaDB(name))
	return err
}

func quoteMariaDB(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// query runs statements as root through the socket, and returns the rows, a line
// for each, with tabs between the columns.
func (p mariadbPrograms) query(ctx context.Context, s *Server, statements string) (string, error) {
	out, err := run(ctx, account{}, p.client, "--no-defaults", "--socket="+mariadbSocket(s), "--user=root",
		"--batch", "--skip-column-names", "--connect-timeout=10", "--execute="+statements)
	if err != nil {
		return "", fmt.Errorf("multidb: test server %s: %w", s.Name, err)
	}
	return out, nil
}

func mariadbSocket(s *Server) string { return filepath.Join(s.folder, s.Name+".sock") }

// mariadb is the program of one MariaDB server.
type mariadb struct {
	mariadbPrograms
	id      int  // server_id, unique in the cluster
	replica bool // starts read-only; guarded by the mu of its Server
}

// mariadbLogFileSize keeps a server from making 96 MB of redo log.
const mariadbLogFileSize = "--innodb-log-file-size=10M"

// mariadbTmpdir keeps servers apart: one that starts removes the temporary tables
// of all that share its folder for them.
func mariadbTmpdir(s *Server) string { return "--tmpdir=" + s.data() }

func (m *mariadb) command(s *Server) *exec.Cmd {
	return exec.Command(m.server, "--no-defaults",
		"--datadir="+s.data(), "--socket="+mariadbSocket(s), "--pid-file="+s.data()+".pid",
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.Port), "--skip-name-resolve",
		"--server-id="+strconv.Itoa(m.id), "--log-bin="+s.Name, "--log-slave-updates", "--binlog-format=ROW",
		"--log-bin-trust-function-creators", "--gtid-strict-mode", "--read-only="+onOff(m.replica),
		"--max-connections=300", "--character-set-server=utf8mb4",
		"--innodb-buffer-pool-size=32M", mariadbLogFileSize, mariadbTmpdir(s),
		// A crash of the machine may lose these data; a crash of the server must not.
		"--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0", "--skip-innodb-doublewrite")
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// ping goes through the socket in our own folder: somebody else's server on the
// same port can not answer it.
func (m *mariadb) ping(ctx context.Context, s *Server) error {
	_, err := m.query(ctx, s, "SELECT 1")
	return err
}

func (m *mariadb) dsn(s *Server, database string) string {
	return fmt.Sprintf("app@tcp(127.0.0.1:%d)/%s", s.Port, database)
}

// promote first applies what the replica has received: it may hold the only copy
// of what a dead primary has acknowledged.
func (m *mariadb) promote(ctx context.Context, s *Server) error {
	if _, err := m.query(ctx, s, "STOP SLAVE IO_THREAD"); err != nil {
		return err
	}
	status, err := m.query(ctx, s, "SHOW SLAVE STATUS\\G")
	if err != nil {
		return err
	}
	_, received, _ := strings.Cut(status, "Gtid_IO_Pos: ")
	received, _, _ = strings.Cut(received, "\n")
	if _, err := m.query(ctx, s, "SELECT MASTER_GTID_WAIT('"+received+"')"); err != nil {
		return err
	}
	if _, err := m.query(ctx, s, "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.replica = false
	return nil
}

func (m *mariadb) replay(ctx context.Context, s *Server, on bool) error {
	statement := "STOP SLAVE SQL_THREAD"
	if on {
		statement = "START SLAVE SQL_THREAD"
	}
	_, err := m.query(ctx, s, statement)
	return err
}

// endSessions may have to try often where all connections are taken: the one that
// is kept for an administrator is taken, too, while somebody else is refused.
func (m *mariadb) endSessions(ctx context.Context, s *Server, user string) error {
	return poll(ctx, func() (bool, error) {
		_, err := m.query(ctx, s, "KILL USER '"+strings.ReplaceAll(user, "'", "''")+"'")
		if err != nil && strings.Contains(err.Error(), "Too many connections") {
			return false, nil
		}
		return err == nil, err
	})
}

func (m *mariadb) orderly() syscall.Signal   { return syscall.SIGTERM }
func (m *mariadb) immediate() syscall.Signal { return syscall.SIGKILL }
