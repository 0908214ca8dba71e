package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table is what a section found out.
type table struct {
	title  string
	header []string
	rows   [][]string
	failed bool // an exact figure is over its budget
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n\n", t.title)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.header}, t.rows...) {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	w.Flush()
}

func verdict(figure, budget float64) string {
	if figure > budget {
		return "OVER BUDGET"
	}
	return "ok"
}
