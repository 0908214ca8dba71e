package testdb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func TestNeed(t *testing.T) {
	missing := fmt.Errorf("%w: no such program", testdb.ErrNotInstalled)
	for _, c := range []struct {
		name, required string
		err            error
		want           string
	}{
		{"no error", "1", nil, ""},
		{"missing", "", missing, "skip"},
		{"missing where it is required", "1", missing, "fail"},
		{"installed, does not start", "", errors.New("port taken"), "fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("MULTIDB_REQUIRE_SERVERS", c.required)
			var r recorder
			testdb.Need(&r, "PostgreSQL", c.err)
			if r.verdict != c.want {
				t.Errorf("verdict %q, want %q", r.verdict, c.want)
			}
			if c.err != nil && !strings.Contains(r.text, c.err.Error()) {
				t.Errorf("%q does not say %q", r.text, c.err)
			}
		})
	}
}

// recorder notes what is done to a test.
type recorder struct {
	testing.TB
	verdict, text string
}

func (r *recorder) Helper() {}
func (r *recorder) Skipf(format string, args ...any) {
	r.verdict, r.text = "skip", fmt.Sprintf(format, args...)
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.verdict, r.text = "fail", fmt.Sprintf(format, args...)
}

// limit bounds a test that hangs; none is expected to take as long.
func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks until the answer is yes or ctx ends.
func eventually(ctx context.Context, t testing.TB, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}
