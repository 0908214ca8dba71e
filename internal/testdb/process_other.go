//go:build !linux

package testdb

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
)

// Servers must end together with the tests, however those end, and we know how to
// ensure that on Linux only. Elsewhere the tests that need servers are skipped.

type account struct{}

func unprivileged(names ...string) (account, error) {
	return account{}, fmt.Errorf("%w: test servers are started on Linux only", ErrNotInstalled)
}

func (account) own(path string) error                            { return nil }
func (account) applyTo(cmd *exec.Cmd, atOurDeath syscall.Signal) {}
func detach(cmd *exec.Cmd)                                       {}
func killGroup(pid int) error                                    { return nil }
func (p *process) signal(sig syscall.Signal) ([]int, error)      { return nil, nil }
func (p *process) quit(sig syscall.Signal) error                 { return nil }
func (p *process) kill(ctx context.Context) error                { return nil }
