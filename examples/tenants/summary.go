package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// summary is what is known of each database, in a file with one line of JSON for
// each attempt. A line is written when an attempt ends, so the file is right
// whenever the program is stopped; if it is stopped between the migration and its
// line, goose finds nothing to do the next time.
type summary struct {
	path string

	mu       sync.Mutex // guards what follows, and the file
	attempts map[string]attempt
}

// attempt is a line of the file. The last one of a database counts.
type attempt struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"`
}

func readSummary(path string) (*summary, error) {
	s := &summary{path: path, attempts: make(map[string]attempt)}
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, err
	}
	defer file.Close()
	for lines := json.NewDecoder(file); ; {
		var a attempt
		switch err := lines.Decode(&a); {
		case err == io.EOF:
			return s, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.attempts[a.Name] = a
	}
}

// without returns the names that are not done.
func (s *summary) without(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		a, tried := s.attempts[name]
		return tried && a.Error == ""
	})
}

// note adds an attempt.
func (s *summary) note(name string, failure error) error {
	a := attempt{Name: name}
	if failure != nil {
		a.Error = failure.Error()
	}
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[name] = a
	file, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}

func (s *summary) print(out io.Writer) {
	var failed []string
	for name, a := range s.attempts {
		if a.Error != "" {
			failed = append(failed, name)
		}
	}
	slices.Sort(failed)
	fmt.Fprintf(out, "  done: %d, failed: %d\n", len(s.attempts)-len(failed), len(failed))
	for _, name := range failed {
		fmt.Fprintf(out, "  %s: %s\n", name, lastPart(s.attempts[name].Error))
	}
}

// lastPart is the end of an error's text, where the database speaks.
func lastPart(text string) string {
	parts := strings.Split(text, ": ")
	return parts[len(parts)-1]
}

// progress is a bar that fills while the work goes on.
type progress struct {
	out   io.Writer
	total int

	mu   sync.Mutex // guards done
	done int
}

const barWidth = 40

// terminal is where a person may be looking on, or nowhere.
func terminal() io.Writer {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
		return os.Stderr
	}
	return io.Discard
}

func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	full := barWidth * p.done / p.total
	fmt.Fprintf(p.out, "\r[%s%s] %d/%d", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), p.done, p.total)
}

func (p *progress) end() { fmt.Fprintln(p.out) }
