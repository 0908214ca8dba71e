package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The exported names are what other people's programs are made of.
func TestSurface(t *testing.T) {
	kept, err := os.ReadFile("../../api.txt")
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	if err := write(&now, "../.."); err != nil {
		t.Fatal(err)
	}
	if now.String() == string(kept) {
		return
	}
	was, is := lines(string(kept)), lines(now.String())
	for line := range is {
		if !was[line] {
			t.Errorf("new: %s", line)
		}
	}
	for line := range was {
		if !is[line] {
			t.Errorf("gone or changed: %s", line)
		}
	}
	t.Error("the exported names are not those of api.txt; if that is meant, say so in CHANGELOG.md and run: go run ./internal/api > api.txt")
}

func lines(text string) map[string]bool {
	set := make(map[string]bool)
	for line := range strings.Lines(text) {
		set[line] = true
	}
	return set
}

func TestLines(t *testing.T) {
	folder := t.TempDir()
	source := `package p
type T struct { A int; b string; *U }
type I interface { M(x int) error; n() }
type u struct{}
const ( C = "c"; d = 1 )
const ( K0 Kind = iota; K1 )
var ErrV error
func F(a, b int) (string, error) { return "", nil }
func (t *T) M() {}
func (u) M() {}
func (t T) n() {}
`
	want := `const C = "c"
const K0 Kind = iota
const K1 Kind
field I.M func(x int) error
field T embeds *U
field T.A int
func F(a, b int) (string, error)
method (*T) M()
type I interface
type T struct
var ErrV error
`
	for name, text := range map[string]string{"p.go": source, "p_test.go": "package p\nfunc Hidden() {}\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	if err := write(&got, folder); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}
