package multidb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// value is a JSON value that is known to be well formed, and where it stands.
// encoding/json cannot decode a Config by itself: it takes keys in any case, the
// last one of two that are equal, and null for anything, and it does not say
// where an error is.
type value struct {
	path string // "replicas[1].max_open"; "" is the document
	json json.RawMessage
}

// member is a key of an object, with its value.
type member struct {
	key string
	value
}

// field is a key that an object may have, and what to do with its value.
type field struct {
	key    string
	decode func(value) error
}

func (v value) errorf(format string, args ...any) error {
	return keyError(v.path, format, args...)
}

// keyError is an error about the value at a path.
func keyError(path, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if path == "" {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %s", path, text)
}

// keyPath is the path of a key of the object at path.
func keyPath(path, key string) string {
	if path == "" {
		return key
	}
	if !engineName.MatchString(key) {
		return path + "[" + show(key) + "]"
	}
	return path + "." + key
}

func (v value) object(fields ...field) error {
	members, err := v.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		i := 0
		for i < len(fields) && fields[i].key != m.key {
			i++
		}
		if i == len(fields) {
			return v.errorf("unknown key %s (have %s)", show(m.key), keyList(fields))
		}
		if err := fields[i].decode(m.value); err != nil {
			return err
		}
	}
	return nil
}

func keyList(fields []field) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return strings.Join(keys, ", ")
}

func (v value) members() ([]member, error) {
	if v.json[0] != '{' {
		return nil, v.errorf("must be an object")
	}
	dec := json.NewDecoder(bytes.NewReader(v.json))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var members []member
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: token.(string)} // the decoder takes nothing else for a key
		if seen[m.key] {
			return nil, v.errorf("key %s is given twice", show(m.key))
		}
		seen[m.key] = true
		m.path = keyPath(v.path, m.key)
		if err := dec.Decode(&m.json); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

func decodeList[T any](v value, into *[]T, decode func(*T, value) error) error {
	if v.json[0] != '[' {
		return v.errorf("must be a list")
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(v.json, &elements); err != nil {
		return err
	}
	for i, element := range elements {
		var t T
		if err := decode(&t, value{path: fmt.Sprintf("%s[%d]", v.path, i), json: element}); err != nil {
			return err
		}
		*into = append(*into, t)
	}
	return nil
}

func decodeEngines(into *[]Engine) func(value) error {
	return func(v value) error { return decodeList(v, into, (*Engine).decode) }
}

func decodeTexts(into *[]string) func(value) error {
	return func(v value) error {
		return decodeList(v, into, func(s *string, v value) error { return decodeText(s)(v) })
	}
}

func decodeText(into *string) func(value) error {
	return func(v value) error {
		if v.json[0] != '"' {
			return v.errorf("must be a string")
		}
		return json.Unmarshal(v.json, into)
	}
}

func decodeBool(into *bool) func(value) error {
	return func(v value) error {
		switch string(v.json) {
		case "true", "false":
			return json.Unmarshal(v.json, into)
		}
		return v.errorf("must be true or false")
	}
}

func decodeInt(into *int) func(value) error {
	return func(v value) error {
		if string(v.json) == "null" || json.Unmarshal(v.json, into) != nil {
			return v.errorf("must be a whole number")
		}
		return nil
	}
}

func decodeDuration(into *Duration) func(value) error {
	return func(v value) error {
		var text string
		if v.json[0] != '"' {
			return v.errorf(`must be a string with a unit, such as "250ms" or "1h30m"`)
		}
		if err := json.Unmarshal(v.json, &text); err != nil {
			return err
		}
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return v.errorf(`not a duration; write one such as "250ms" or "1h30m"`)
		}
		return nil
	}
}
