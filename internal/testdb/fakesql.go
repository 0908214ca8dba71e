package testdb

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
)

// The language of a Fake, which is SQL enough for a classifier:
//
//	SELECT 1, 'a', 1.5, NULL, ?, server, conn   one row; server is the Fake's name, conn the connection's number
//	SELECT @@global.read_only                   1 if the Fake is a replica, else 0
//	SELECT 1 UNION ALL SELECT 2                 two rows
//	SELECT 1 FROM t WHERE ...                   the same: all from FROM on is for the reader
//	SELECT 1; SELECT 2                          two result sets
//	SHOW x, SET x = 1                           a setting of the session
//	PRAGMA ...                                  nothing
//	BEGIN, COMMIT, ROLLBACK                     a transaction by text
//	INSERT ... RETURNING 1                      a write that answers with a row
//	CALL ...                                    a write whose number of arguments nobody knows
//
// All else is a write.

type outArgument = sql.Out

func describeArgs(args []driver.NamedValue) string {
	if len(args) == 0 {
		return ""
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = fmt.Sprintf("%T %v", a.Value, a.Value)
		if out, ok := a.Value.(outArgument); ok {
			words[i] = fmt.Sprintf("Out %T", out.Dest)
		}
		if a.Name != "" {
			words[i] = a.Name + "=" + words[i]
		}
		if a.Ordinal != i+1 {
			words[i] += fmt.Sprintf(" at %d", a.Ordinal)
		}
	}
	return " [" + strings.Join(words, ", ") + "]"
}

func verb(query string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	return strings.ToUpper(word)
}

// numInput is how many arguments a text wants, -1 if nobody knows.
func numInput(query string) int {
	if verb(query) == "CALL" {
		return -1
	}
	return strings.Count(query, "?")
}

// wrongCount is the server's own complaint, where no driver counted.
func wrongCount(query string, args []driver.NamedValue) error {
	if want := numInput(query); want != -1 && want != len(args) {
		return fmt.Errorf("fake: %d placeholders, %d arguments", want, len(args))
	}
	return nil
}

// result holds its own values, as a driver.Result must.
type result struct{ id, rows int64 }

func (r result) LastInsertId() (int64, error) { return r.id, nil }
func (r result) RowsAffected() (int64, error) { return r.rows, nil }

// effect runs a text for its effect. It is called inside of a call.
func (c *fakeConn) effect(query string, args []driver.NamedValue) (driver.Result, error) {
	if err := wrongCount(query, args); err != nil {
		return nil, err
	}
	var r result
	for text := range strings.SplitSeq(query, ";") {
		var err error
		if r, err = c.run(strings.TrimSpace(text)); err != nil {
			return nil, err
		}
	}
	fillOut(args)
	return r, nil
}

// fillOut answers output arguments, of which one may tell something, too.
func fillOut(args []driver.NamedValue) {
	for _, a := range args {
		out, ok := a.Value.(outArgument)
		if !ok {
			continue
		}
		text := out.Dest.(*string)
		if out.In {
			*text = "out for " + *text
		} else {
			*text = "out"
		}
	}
}

// answer runs a text for its rows. It is called inside of a call.
func (c *fakeConn) answer(query string, args []driver.NamedValue, stmt *fakeStmt) (*fakeRows, error) {
	if err := wrongCount(query, args); err != nil {
		return nil, err
	}
	fillOut(args)
	var sets []resultSet
	for text := range strings.SplitSeq(query, ";") {
		text = strings.TrimSpace(text)
		if _, err := c.run(text); err != nil {
			return nil, err
		}
		var set resultSet
		set, args = c.resultOf(text, args)
		sets = append(sets, set)
	}
	return c.newRows(sets, stmt), nil
}

// run has the effect of one statement.
func (c *fakeConn) run(text string) (result, error) {
	_, rest, _ := strings.Cut(text, " ")
	switch verb(text) {
	case "SELECT", "SHOW", "PRAGMA":
		return result{}, nil
	case "SET":
		name, value, _ := strings.Cut(rest, "=")
		if c.settings == nil {
			c.settings = make(map[string]string)
		}
		c.settings[strings.TrimSpace(name)] = strings.TrimSpace(value)
		return result{}, nil
	case "BEGIN":
		c.tx = true
		return result{}, nil
	case "COMMIT", "ROLLBACK":
		c.tx, c.readOnly = false, false
		return result{}, nil
	}
	return c.write(text)
}

func (c *fakeConn) write(text string) (result, error) {
	f := c.server
	if c.readOnly {
		return result{}, fmt.Errorf("fake: cannot write in a read-only transaction")
	}
	if f.isReplica() {
		f.violate(c, "a write reached a replica: %s", text)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes = append(f.writes, text)
	f.lastID++
	return result{id: f.lastID, rows: 1}, nil
}

// resultOf returns the rows of one statement and the arguments that are left for
// the next.
func (c *fakeConn) resultOf(text string, args []driver.NamedValue) (resultSet, []driver.NamedValue) {
	switch verb(text) {
	case "SHOW":
		_, name, _ := strings.Cut(text, " ")
		return resultSet{columns: []string{name}, rows: [][]driver.Value{{[]byte(c.settings[name])}}}, args
	case "SELECT":
		return c.selectList(text[len("SELECT"):], args)
	}
	if _, list, ok := strings.Cut(text, "RETURNING"); ok {
		return c.selectList(list, args)
	}
	return resultSet{}, args
}

func (c *fakeConn) selectList(list string, args []driver.NamedValue) (resultSet, []driver.NamedValue) {
	var set resultSet
	for one := range strings.SplitSeq(list, "UNION ALL SELECT") {
		one, where, _ := strings.Cut(one, "FROM")
		var row []driver.Value
		set.columns = nil
		for expression := range strings.SplitSeq(one, ",") {
			expression = strings.TrimSpace(expression)
			set.columns = append(set.columns, strings.Trim(expression, "'"))
			if expression == "?" && len(args) > 0 {
				row = append(row, args[0].Value)
				args = args[1:]
				continue
			}
			row = append(row, c.value(expression))
		}
		args = args[min(len(args), strings.Count(where, "?")):]
		set.rows = append(set.rows, row)
	}
	return set, args
}

func (c *fakeConn) value(expression string) driver.Value {
	switch expression {
	case "NULL":
		return nil
	case "server":
		return []byte(c.server.name)
	case "conn":
		return int64(c.number)
	case "@@global.read_only":
		if c.server.isReplica() {
			return int64(1)
		}
		return int64(0)
	}
	if n, err := strconv.ParseInt(expression, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseFloat(expression, 64); err == nil {
		return n
	}
	return []byte(strings.Trim(expression, "'"))
}
