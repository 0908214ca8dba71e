package multidb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// ParseDSN reads a DSN into a Config. A DSN is one of three things:
//
//   - a JSON document, which starts with '{': the whole configuration;
//   - @path: a file that holds such a document, relative to the working directory;
//   - anything else: the DSN of a child driver, for one engine.
//
// In a document every key must be known, exactly spelled and given once, so that
// a typo never becomes an engine or loses one. ParseDSN fills in no defaults and
// does not check what the values mean: [NewConnector] does both.
//
// No error shows a part of a DSN.
func ParseDSN(dsn string) (Config, error) {
	switch {
	case strings.TrimSpace(dsn) == "":
		return Config{}, errors.New(`multidb: the DSN is empty: pass a DSN of the child driver ("postgres://..."), ` +
			`a JSON document ("{...}") or the path of a file with one ("@multidb.json")`)
	case isDocument(dsn):
		c, err := parseDocument([]byte(dsn))
		if err != nil {
			return Config{}, fmt.Errorf("multidb: %w", err)
		}
		return c, nil
	case dsn[0] == '@':
		return parseFile(dsn[1:])
	default:
		return Config{Primary: Engine{DSN: dsn}}, nil
	}
}

// FormatDSN returns the DSN that [ParseDSN] reads as c: the child's own DSN if c
// is nothing else, or a compact JSON document. Connectors, the Router and the
// Logger exist only in Go and are left out, and JSON can say only UTF-8.
//
// The text holds the passwords of the engines' DSNs; to show a Config, print it
// with fmt.
func (c Config) FormatDSN() string {
	doc := encode(c.document())
	plain := Config{Primary: Engine{DSN: c.Primary.DSN}}
	if isPlain(c.Primary.DSN) && doc == encode(plain.document()) {
		return c.Primary.DSN
	}
	return doc
}

// isPlain reports whether ParseDSN reads the text as a child's DSN.
func isPlain(dsn string) bool {
	return strings.TrimSpace(dsn) != "" && !isDocument(dsn) && dsn[0] != '@'
}

func isDocument(dsn string) bool {
	return strings.HasPrefix(strings.TrimLeft(dsn, " \t\r\n"), "{")
}

func parseFile(path string) (Config, error) {
	doc, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("multidb: cannot read the configuration: %w", err)
	}
	if !isDocument(string(doc)) {
		return Config{}, fmt.Errorf("multidb: %s: not a JSON document: it must start with '{'", path)
	}
	c, err := parseDocument(doc)
	if err != nil {
		return Config{}, fmt.Errorf("multidb: %s: %w", path, err)
	}
	return c, nil
}

func parseDocument(doc []byte) (Config, error) {
	if !utf8.Valid(doc) {
		return Config{}, errors.New("the document is not valid UTF-8")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(doc, &raw); err != nil {
		return Config{}, syntaxError(doc, err)
	}
	var c Config
	err := c.decode(value{json: raw})
	return c, err
}

// syntaxError says where the document stops being JSON, and not with which
// character, as encoding/json does: that may be one of a password.
func syntaxError(doc []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return errors.New("the document is not JSON")
	}
	before := doc[:syntax.Offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return fmt.Errorf("the document is not JSON: syntax error at line %d, byte %d", line, column)
}
