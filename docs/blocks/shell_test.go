package blocks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A command in a document can be run: its make target or Go program is there.
// They are not run here; programs have tests of their own.
func TestCommands(t *testing.T) {
	for _, c := range append(documents(t, "sh"), documents(t, "")...) {
		for line := range strings.Lines(c.text) {
			command, _, _ := strings.Cut(line, "#")
			words := strings.Fields(command)
			if len(words) == 0 {
				continue
			}
			if c.language == "" && words[0] != "make" && words[0] != "go" {
				continue // it is what a program prints
			}
			check(t, c.place(), words)
		}
	}
}

// The examples' README has its commands in a table.
func TestExamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "examples", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "| `"); ok {
			command, _, _ = strings.Cut(command, "`")
			check(t, "examples/README.md", strings.Fields(command))
		}
	}
	programs, err := filepath.Glob(filepath.Join(root, "examples", "*", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		name := filepath.Base(filepath.Dir(program))
		if !strings.Contains(string(text), "run ./"+name+"`") {
			t.Errorf("examples/README.md does not tell of %s", name)
		}
	}
}

func check(t *testing.T, place string, words []string) {
	t.Helper()
	folder := "."
	switch {
	case words[0] == "make" && len(words) > 1:
		if out, err := exec.Command("make", "-C", root, "-n", words[1]).CombinedOutput(); err != nil {
			t.Errorf("%s: make %s: %s", place, words[1], out)
		}
		return
	case words[0] != "go" || len(words) < 2:
		t.Errorf("%s: nobody knows whether this works: %s", place, words)
		return
	case words[1] == "-C" && len(words) > 3:
		folder, words = words[2], words[2:]
	}
	switch words[1] {
	case "run":
		programs, err := filepath.Glob(filepath.Join(root, folder, program(words[2:]), "main.go"))
		if err != nil || len(programs) != 1 {
			t.Errorf("%s: there is no program for: %s", place, words)
		}
	case "test", "mod", "doc", "get":
	default:
		t.Errorf("%s: nobody knows whether this works: %s", place, words)
	}
}

// program returns the first word that is the path of a package.
func program(words []string) string {
	for _, w := range words {
		if strings.HasPrefix(w, "./") {
			return w
		}
	}
	return "nowhere"
}
