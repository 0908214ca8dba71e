// Package sqlscan reads SQL text the way a server reads it, far enough to say
// what the text may do: which statements it holds, whether they only read, which
// tables they name, and what they leave behind on their connection.
//
// It is a lexer (lex.go) that follows the quoting and comment rules of one
// dialect to the letter, and on top of it a walk over the tokens (scan.go, walk.go,
// query.go, verbs.go) that has a bounded stack and looks at every byte a
// constant number of times. It builds no tree, and it does not have to
// understand a text to be right about it: what it does not recognise is not a
// read.
package sqlscan

// Dialect says by which server's rules a text is read.
type Dialect uint8

const (
	Generic Dialect = iota // unknown: only what is a read in all the others
	Postgres
	MySQL // and MariaDB
	SQLite
)
