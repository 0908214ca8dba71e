package sqlcases

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Generated returns n statements as ORMs write them, of some 200 bytes, no
// two alike and the same each time. They are for measuring: what a processor has
// learnt about one text says too little about one that was never seen.
func Generated(dialect string, n int) []string {
	g := generator{rand: rand.New(rand.NewPCG(1, 2)), dialect: dialect}
	texts := make([]string, 0, n)
	for seen := map[string]bool{}; len(texts) < n; {
		if text := g.query(); !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	return texts
}

type generator struct {
	rand    *rand.Rand
	dialect string
	params  int
}

var (
	generatedTables = strings.Fields("users orders order_items products customers invoices payments shipments categories " +
		"accounts sessions comments posts tags events subscriptions addresses")
	generatedColumns = strings.Fields("id name email created_at updated_at deleted_at user_id order_id status title body price " +
		"amount total quantity description slug position active paid type state kind value token expires_at author_id parent_id " +
		"first_name last_name phone city country zip code rank score level data meta url size width height category_id " +
		"product_id account_id tenant_id version note started_at finished_at locale currency rate")
)

func (g *generator) query() string {
	g.params = 0
	table, joined := g.one(generatedTables), g.one(generatedTables)
	var b strings.Builder
	b.WriteString("SELECT ")
	for i := range 2 + g.rand.IntN(3) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(g.column(table))
	}
	b.WriteString(" FROM " + g.quote(table))
	if g.rand.IntN(2) == 0 {
		fmt.Fprintf(&b, " LEFT JOIN %s ON %s = %s", g.quote(joined), g.column(joined), g.column(table))
	}
	b.WriteString(" WHERE " + g.condition(table))
	end := ""
	if g.rand.IntN(2) == 0 {
		end = " ORDER BY " + g.column(table)
	}
	if g.rand.IntN(2) == 0 {
		end += " LIMIT 20"
	}
	for b.Len()+len(end) < 178 {
		b.WriteString(" AND " + g.condition(table))
	}
	return b.String() + end
}

func (g *generator) condition(table string) string {
	column := g.column(table)
	switch g.rand.IntN(5) {
	case 0:
		return column + " IS NULL"
	case 1:
		return fmt.Sprintf("%s IN (%s, %s)", column, g.param(), g.param())
	case 2:
		return column + " > 17"
	}
	return column + " = " + g.param()
}

func (g *generator) column(table string) string {
	return g.quote(table) + "." + g.quote(g.one(generatedColumns))
}

func (g *generator) param() string {
	if g.params++; g.dialect == Postgres {
		return fmt.Sprintf("$%d", g.params)
	}
	return "?"
}

func (g *generator) quote(name string) string {
	if g.dialect == MySQL {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

func (g *generator) one(of []string) string { return of[g.rand.IntN(len(of))] }
