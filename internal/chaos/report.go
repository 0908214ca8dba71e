package chaos

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

var header = []string{"scenario", "through", "reads", "failed", "p99", "longest",
	"writes", "failed", "of these unknown", "longest", "again after", "lost", "twice", "on a replica", "on the stranger"}

func (r *Row) cells() []string {
	cells := []string{r.Scenario.Name, r.Via}
	for _, part := range []*work{&r.reads, &r.writes} {
		if part == &r.reads {
			cells = append(cells, fmt.Sprint(part.run), fmt.Sprint(part.failed), show(part.percentile(99)))
		} else {
			cells = append(cells, fmt.Sprint(part.run-part.failed), fmt.Sprint(part.failed), fmt.Sprint(part.unknown))
		}
		cells = append(cells, show(part.percentile(100)))
	}
	if r.again == 0 {
		cells = append(cells, "")
	} else {
		cells = append(cells, show(r.again))
	}
	for _, n := range []int{r.audit.lost, r.audit.twice, r.audit.onReplica, r.audit.onStranger} {
		cells = append(cells, fmt.Sprint(n))
	}
	return cells
}

func show(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// Print writes the rows for people.
func Print(out io.Writer, rows []Row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r.cells(), "\t"))
	}
	w.Flush()
}

// PrintMarkdown writes the rows for a document.
func PrintMarkdown(out io.Writer, rows []Row) {
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat("---|", len(header)))
	for _, r := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(r.cells(), " | "))
	}
}
