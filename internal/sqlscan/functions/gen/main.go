// Command gen makes a list of functions without effect. It reads from standard
// input what a server says it has (a name, its volatility, and whether it is that
// of an extension, one function a line), corrects that by a reviewed list, and
// writes the result.
//
//	(psql -At -f postgres.sql; cat postgis.names) | go run ./gen postgres.reviewed.txt > postgres.txt
//
// What the server calls volatile (v) is left out unless the reviewed list has
// it; all else is in unless the reviewed list says what it does. See README.md.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gen reviewed.txt < names > list")
	}
	reviewed, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	list := map[string]string{}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		name, what, _ := strings.Cut(strings.ToLower(in.Text()), " ")
		volatility, where, _ := strings.Cut(what, " ")
		if volatility == "v" || !isName(name) || list[name] != "" {
			continue
		}
		list[name] = cmp.Or(where, "pure")
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(reviewed)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		for _, name := range words[1:] { // an effect, then the names that have it
			list[name] = words[0]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		switch effect := list[name]; effect {
		case "pure":
			fmt.Println(name)
		case "writes", "primary", "asks", "session", "keeps", "unknown", "extension", "syntax", "tables":
			fmt.Println(name, effect)
		default:
			log.Fatalf("%s: no effect %q", name, effect)
		}
	}
}

// isName leaves out what no one can call by a plain name.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
