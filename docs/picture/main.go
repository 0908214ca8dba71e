// Picture draws docs/statement.svg: how a statement travels.
//
//	go run ./docs/picture > docs/statement.svg
package main

import (
	"fmt"
	"html"
	"io"
	"os"
)

func main() { draw(os.Stdout) }

const (
	width, height = 960, 400
	ink           = "#24292f"
	pale          = "#57606a"
)

// box is a rounded rectangle with a title and lines of text.
type box struct {
	x, y, w, h float64
	fill, edge string
	title      string
	lines      []string
}

// arrow goes from one point to another, and may have a label at its middle.
type arrow struct {
	x1, y1, x2, y2 float64
	label          string
	dashed         bool
}

var boxes = []box{
	{20, 130, 170, 120, "#ddf4ff", "#0969da", "your code", []string{"database/sql, sqlx, ent,", "bun, gorm, sqlc ...", "one *sql.DB"}},
	{250, 40, 400, 320, "#f6f8fa", "#57606a", "multidb", nil},
	{275, 75, 350, 76, "#ffffff", "#8c959f", "1  classify", []string{"what does the text do? a read is proved,", "all else is not one"}},
	{275, 169, 350, 76, "#ffffff", "#8c959f", "2  route", []string{"which database holds the data?", "which engine of it answers? and why?"}},
	{275, 263, 350, 80, "#ffffff", "#8c959f", "3  lease", []string{"a connection from that engine's pool, for as long", "as the statement, its rows or its transaction last"}},
	{730, 40, 210, 60, "#dafbe1", "#1a7f37", "primary", []string{"all that is not a read"}},
	{730, 127, 210, 60, "#fff8c5", "#9a6700", "replicas", []string{"reads; opened read-only"}},
	{730, 214, 210, 60, "#fbefff", "#8250df", "audit", []string{"another database, by a rule"}},
	{730, 301, 210, 60, "#fbefff", "#8250df", "tenants", []string{"by the context"}},
}

var arrows = []arrow{
	{190, 170, 250, 170, "SQL", false},
	{250, 212, 190, 212, "rows", true},
	{450, 151, 450, 169, "", false},
	{450, 245, 450, 263, "", false},
	{650, 285, 730, 70, "", false},
	{650, 295, 730, 157, "", false},
	{650, 305, 730, 244, "", false},
	{650, 315, 730, 331, "", false},
}

const caption = "The engine's own driver answers; its rows, results and errors come back as they are."

func draw(out io.Writer) {
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif">`+"\n",
		width, height, width, height)
	fmt.Fprintln(out, `<title>How a statement travels through multidb</title>`)
	fmt.Fprintf(out, `<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">`+
		`<path d="M0 0L10 5L0 10z" fill="%s"/></marker></defs>`+"\n", ink)
	fmt.Fprintf(out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for _, b := range boxes {
		b.draw(out)
	}
	for _, a := range arrows {
		a.draw(out)
	}
	text(out, width/2, height-15, 13, pale, "middle", caption)
	fmt.Fprintln(out, `</svg>`)
}

func (b box) draw(out io.Writer) {
	fmt.Fprintf(out, `<rect x="%g" y="%g" width="%g" height="%g" rx="8" fill="%s" stroke="%s"/>`+"\n", b.x, b.y, b.w, b.h, b.fill, b.edge)
	text(out, b.x+14, b.y+24, 15, ink, "start", b.title)
	for i, line := range b.lines {
		text(out, b.x+14, b.y+45+18*float64(i), 13, pale, "start", line)
	}
}

func (a arrow) draw(out io.Writer) {
	dashes := ""
	if a.dashed {
		dashes = ` stroke-dasharray="5 4"`
	}
	fmt.Fprintf(out, `<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="%s" stroke-width="1.5"%s marker-end="url(#tip)"/>`+"\n",
		a.x1, a.y1, a.x2, a.y2, ink, dashes)
	if a.label != "" {
		text(out, (a.x1+a.x2)/2, a.y1-8, 13, ink, "middle", a.label)
	}
}

func text(out io.Writer, x, y, size float64, color, anchor, s string) {
	fmt.Fprintf(out, `<text x="%g" y="%g" font-size="%g" fill="%s" text-anchor="%s">%s</text>`+"\n",
		x, y, size, color, anchor, html.EscapeString(s))
}
