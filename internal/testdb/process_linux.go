package testdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that servers run as. The zero account is the current user.
type account struct{ credential *syscall.Credential }

// unprivileged is the current user or, because servers refuse to run as root,
// the first of names that exists.
func unprivileged(names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("multidb: user %s: %w", name, err)
		}
		return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, fmt.Errorf("multidb: servers do not run as root: create one of the users %s", strings.Join(names, ", "))
}

func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// applyTo makes cmd run as a, in a process group of its own so that Ctrl-C
// reaches only us. When we end, the kernel sends it the signal atOurDeath.
func (a account) applyTo(cmd *exec.Cmd, atOurDeath syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential, Setpgid: true, Pdeathsig: atOurDeath}
}

// detach makes cmd outlive us, Ctrl-C included.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

// signal sends sig to p and to all its children, and returns their pids. A process
// group would not do: PostgreSQL's backends lead groups of their own.
func (p *process) signal(sig syscall.Signal) ([]int, error) {
	// While the parent is stopped it has no new children.
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		return nil, err
	}
	family := []int{p.pid}
	for _, child := range children(p.pid) {
		family = append(family, child)
		syscall.Kill(child, sig) // one that has just ended needs no signal
	}
	err := syscall.Kill(p.pid, sig)
	if sig != syscall.SIGSTOP {
		syscall.Kill(p.pid, syscall.SIGCONT) // fails if sig has ended p already
	}
	return family, err
}

// quit asks p to end by sig. A process that was stopped is woken, since it would
// not hear.
func (p *process) quit(sig syscall.Signal) error {
	if _, err := p.signal(syscall.SIGCONT); err != nil {
		return err
	}
	return syscall.Kill(p.pid, sig)
}

// kill ends p and its children with SIGKILL and waits until all are gone: what
// is left of a server would keep the next one from its data.
func (p *process) kill(ctx context.Context) error {
	family, err := p.signal(syscall.SIGKILL)
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		for _, pid := range family {
			if state(pid) != gone {
				return false, nil
			}
		}
		return !p.running(), nil
	})
}

// gone is the state of a process that has ended, whether or not its parent knows.
const gone = 0

// state is the letter that ps shows: R, S, D, T (stopped).
func state(pid int) byte {
	fields := stat(strconv.Itoa(pid))
	if len(fields) == 0 || fields[0] == "Z" || fields[0] == "X" {
		return gone
	}
	return fields[0][0]
}

func children(parent int) []int {
	var pids []int
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		name := filepath.Base(path)
		if f := stat(name); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(name) // the pattern admits only digits here
			pids = append(pids, pid)
		}
	}
	return pids
}

// stat is the line /proc/<pid>/stat from the state on: state, parent, ...
// It is empty if there is no such process.
func stat(pid string) []string {
	line, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	// The command comes before, in parentheses, and may hold anything.
	return strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
}
