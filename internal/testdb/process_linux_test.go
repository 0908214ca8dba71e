package testdb_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestSignalReachesAllProcesses(t *testing.T) {
	ctx := limit(t)
	server := testdb.OwnPostgres(t, testdb.PostgresOptions{}).Primary()
	var backend int // leads a process group of its own
	must(t, pgConn(ctx, t, server, "postgres").QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend))

	must(t, server.Signal(syscall.SIGSTOP))
	pids := testdb.PIDs(server)
	if !slices.Contains(pids, backend) {
		t.Errorf("backend %d is not one of the server's processes %v", backend, pids)
	}
	for _, pid := range pids {
		eventually(ctx, t, fmt.Sprint("stop of process ", pid), func() bool { return testdb.Stopped(pid) || testdb.Gone(pid) })
	}

	must(t, server.Signal(syscall.SIGCONT))
	for _, pid := range pids {
		eventually(ctx, t, fmt.Sprint("waking of process ", pid), func() bool { return !testdb.Stopped(pid) })
	}
	pgExec(ctx, t, server, "postgres", "SELECT 1")
}

// endings are the ways in which a test binary may end while its servers run, and
// what makes it end so; nil if it does that itself.
var endings = map[string]os.Signal{
	"SIGKILL": syscall.SIGKILL,
	"SIGTERM": syscall.SIGTERM,
	"panic":   nil,
	"failure": nil,
	"os.Exit": nil,
}

const endingVariable = "MULTIDB_TESTDB_ENDING"

// TestNothingIsLeft ends a test binary in each of these ways.
func TestNothingIsLeft(t *testing.T) {
	testdb.Postgres(t)
	testdb.MariaDB(t)
	for ending, signal := range endings {
		t.Run(ending, func(t *testing.T) {
			ctx := limit(t)
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestEnding$")
			cmd.Env = append(os.Environ(), endingVariable+"="+ending)
			stdout, err := cmd.StdoutPipe()
			must(t, err)
			_, err = cmd.StdinPipe() // the binary waits on it; Wait closes it
			must(t, err)
			must(t, cmd.Start())
			folders, pids := readServers(t, stdout)
			if signal != nil {
				must(t, cmd.Process.Signal(signal))
			}
			io.Copy(io.Discard, stdout)
			cmd.Wait() // fails, in a way that is not the point here

			for _, pid := range pids {
				eventually(ctx, t, fmt.Sprint("end of process ", pid), func() bool { return testdb.Gone(pid) })
			}
			for _, folder := range folders {
				eventually(ctx, t, "removal of "+folder, func() bool {
					_, err := os.Stat(folder)
					return os.IsNotExist(err)
				})
			}
		})
	}
}

// TestEnding is the test binary that TestNothingIsLeft ends. It prints its
// folders and processes, then an empty line.
func TestEnding(t *testing.T) {
	ending := os.Getenv(endingVariable)
	if ending == "" {
		return // not started by TestNothingIsLeft
	}
	pg, ma := testdb.Postgres(t), testdb.MariaDB(t)
	servers := append([]*testdb.Server{pg.Primary(), ma.Primary()}, append(pg.Standbys(), ma.Replicas()...)...)
	if ending == "SIGKILL" { // even a server that hangs must end then
		must(t, pg.Standbys()[0].Signal(syscall.SIGSTOP))
	}
	for _, s := range servers {
		fmt.Println("folder", testdb.Folder(s))
		for _, pid := range testdb.PIDs(s) {
			fmt.Println("pid", pid)
		}
	}
	fmt.Println()
	switch ending {
	case "panic":
		panic("this is part of the test")
	case "failure":
		t.Fatal("this is part of the test")
	case "os.Exit":
		os.Exit(0)
	default:
		io.Copy(io.Discard, os.Stdin) // until the signal comes
	}
}

func readServers(t testing.TB, from io.Reader) (folders []string, pids []int) {
	t.Helper()
	lines := bufio.NewScanner(from)
	for lines.Scan() && lines.Text() != "" {
		var pid int
		if folder, ok := strings.CutPrefix(lines.Text(), "folder "); ok {
			folders = append(folders, folder)
		} else if _, err := fmt.Sscanf(lines.Text(), "pid %d", &pid); err == nil {
			pids = append(pids, pid)
		} else {
			t.Errorf("the test binary says: %s", lines.Text())
		}
	}
	if len(folders) != 5 || len(pids) < 20 {
		t.Fatalf("%d servers with %d processes; expected 5 with more than 20", len(folders), len(pids))
	}
	return folders, pids
}
