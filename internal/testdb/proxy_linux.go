package testdb

import (
	"net"
	"syscall"
)

// setBacklog changes the length of a listener's queue, which Linux does when it
// is told to listen again.
func setBacklog(l *net.TCPListener, length int) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), length) }); err != nil {
		return err
	}
	return listenErr
}
