package testdb

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

// folder is a temporary folder that is removed when it is closed, and also when
// this process ends in any other way.
type folder struct {
	path    string
	janitor *exec.Cmd
	alive   io.Closer // the pipe that the janitor waits on; the kernel closes it if we do not
}

// newFolder makes a folder that account a may use. It is in /tmp, whatever TMPDIR
// says: a may have no access elsewhere, and the path of a socket is at most 107
// bytes long.
func newFolder(a account) (*folder, error) {
	path, err := os.MkdirTemp("/tmp", "multidb-testdb-")
	if err != nil {
		return nil, fmt.Errorf("multidb: %w", err)
	}
	f := &folder{path: path}
	if err := f.guard(a); err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("multidb: temporary folder: %w", err)
	}
	return f, nil
}

func (f *folder) guard(a account) error {
	if err := a.own(f.path); err != nil {
		return err
	}
	f.janitor = exec.Command("sh", "-c", janitor, "janitor", f.path)
	detach(f.janitor)
	alive, err := f.janitor.StdinPipe()
	if err != nil {
		return err
	}
	f.alive = alive
	return f.janitor.Start()
}

// janitor waits for the end of its input. Servers that are dying may go on to
// write for some seconds, and make rm fail: hence the many tries.
const janitor = `cat; for try in $(seq 100); do rm -rf "$1" && exit; sleep 0.2; done`

// remove removes the folder and returns when it is gone.
func (f *folder) remove() {
	f.alive.Close()
	f.janitor.Wait()
}
