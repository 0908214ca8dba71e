package testdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is one database server on 127.0.0.1. A server keeps its port and its
// data when it is stopped or killed and started again. Its methods may be called
// concurrently.
type Server struct {
	Name string // "primary", "standby1", "replica1", ...
	Port int

	program program
	account account
	folder  string // of the whole cluster; what belongs to this server has its name in it

	mu      sync.Mutex // guards process: the order of starts and stops
	process *process
}

// program is what is different between PostgreSQL and MariaDB.
type program interface {
	command(s *Server) *exec.Cmd // runs s in the foreground
	ping(ctx context.Context, s *Server) error
	dsn(s *Server, database string) string
	promote(ctx context.Context, s *Server) error
	replay(ctx context.Context, s *Server, on bool) error
	endSessions(ctx context.Context, s *Server, user string) error
	orderly() syscall.Signal   // ends a server; what it has acknowledged is on disk
	immediate() syscall.Signal // ends a server that nobody needs any more
}

// DSN is a data source name for the server's driver: a postgres:// URL for pgx,
// user@tcp(host:port)/database for go-sql-driver/mysql.
func (s *Server) DSN(database string) string { return s.program.dsn(s, database) }

// Start starts a server that does not run, and returns when it answers.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process.running() {
		return fmt.Errorf("multidb: test server %s runs already", s.Name)
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("multidb: test server %s: %w", s.Name, err)
	}
	defer log.Close() // the process has its own copy
	cmd := s.program.command(s)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	cmd.Env = environment()
	s.account.applyTo(cmd, s.program.immediate())
	s.process, err = startProcess(cmd)
	if err != nil {
		return fmt.Errorf("multidb: test server %s: %w", s.Name, err)
	}
	if err := s.awaitReady(ctx); err != nil {
		s.discard()
		return fmt.Errorf("multidb: test server %s does not answer: %w; the end of its log:\n%s", s.Name, err, s.logEnd())
	}
	return nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		if !s.process.running() {
			return false, fmt.Errorf("it has ended")
		}
		return s.program.ping(ctx, s) == nil, nil
	})
}

// Stop ends the server in good order: transactions that run are rolled back,
// clients are told, and the data needs no recovery. If ctx ends first, the server
// is killed.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(ctx, s.program.orderly())
}

// Restart stops the server and starts it again on the same port.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Kill ends the server with SIGKILL, all its processes at once, and returns when
// they are gone.
func (s *Server) Kill(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.process.running() {
		return s.notRunning()
	}
	if err := s.process.kill(ctx); err != nil {
		return fmt.Errorf("multidb: kill test server %s: %w", s.Name, err)
	}
	return nil
}

// Signal sends sig to all processes of the server. With SIGSTOP the server hangs:
// the kernel goes on to accept connections for it, and nobody answers. SIGCONT
// wakes it.
func (s *Server) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.process.running() {
		return s.notRunning()
	}
	if _, err := s.process.signal(sig.(syscall.Signal)); err != nil {
		return fmt.Errorf("multidb: signal test server %s: %w", s.Name, err)
	}
	return nil
}

// Promote makes a standby or replica a primary that takes writes, and returns
// when it does. The old primary is not told.
func (s *Server) Promote(ctx context.Context) error {
	if err := s.program.promote(ctx, s); err != nil {
		return fmt.Errorf("multidb: promote test server %s: %w", s.Name, err)
	}
	return nil
}

// PauseReplay makes a standby or replica stop doing what its primary has done. It
// goes on to answer, with what it has.
func (s *Server) PauseReplay(ctx context.Context) error {
	if err := s.program.replay(ctx, s, false); err != nil {
		return fmt.Errorf("multidb: pause replay of test server %s: %w", s.Name, err)
	}
	return nil
}

// ResumeReplay ends what PauseReplay began.
func (s *Server) ResumeReplay(ctx context.Context) error {
	if err := s.program.replay(ctx, s, true); err != nil {
		return fmt.Errorf("multidb: resume replay of test server %s: %w", s.Name, err)
	}
	return nil
}

// EndSessions ends all sessions of a user, as an administrator does.
func (s *Server) EndSessions(ctx context.Context, user string) error {
	if err := s.program.endSessions(ctx, s, user); err != nil {
		return fmt.Errorf("multidb: end sessions of test server %s: %w", s.Name, err)
	}
	return nil
}

// Log is all that the server has logged so far.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.logPath()) // no file, no log
	return string(text)
}

func (s *Server) logEnd() string {
	lines := strings.Split(strings.TrimSpace(s.Log()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

func (s *Server) logPath() string { return filepath.Join(s.folder, s.Name+".log") }
func (s *Server) data() string    { return filepath.Join(s.folder, s.Name) }

func (s *Server) notRunning() error {
	return fmt.Errorf("multidb: test server %s does not run", s.Name)
}

// end asks the server to end by sig, and waits; s.mu is held.
func (s *Server) end(ctx context.Context, sig syscall.Signal) error {
	if !s.process.running() {
		return nil
	}
	if err := s.process.quit(sig); err != nil {
		return fmt.Errorf("multidb: stop test server %s: %w", s.Name, err)
	}
	select {
	case <-s.process.done:
		return nil
	case <-ctx.Done():
		s.discard()
		return fmt.Errorf("multidb: test server %s did not stop and was killed: %w", s.Name, ctx.Err())
	}
}

// discard ends the server whatever happens; s.mu is held.
func (s *Server) discard() {
	if s.process.running() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.process.kill(ctx)
	}
}

// startOnFreePort gives the server a port and starts it. If somebody else took
// the port in between, it takes another.
func (s *Server) startOnFreePort(ctx context.Context) error {
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.Port = port
		err = s.Start(ctx)
		if err == nil || ctx.Err() != nil || portIsFree(port) || try == 5 {
			return err
		}
	}
}

// freePort finds a port below the range from which Linux takes the ports of
// outgoing connections. A server that is restarted finds such a port free again;
// one given by the kernel might by then belong to some client.
func freePort() (int, error) {
	const low, high = 10_000, 32_000
	for range 100 {
		port := low + rand.IntN(high-low)
		if portIsFree(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("multidb: no free port between %d and %d", low, high)
}

func portIsFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
