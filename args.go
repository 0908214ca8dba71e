package multidb

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// Arguments are checked by the child's own rules, and which child that is is
// known only after routing. So Conn accepts every value that database/sql
// offers, and the checks that database/sql would have run against the child
// are run here instead, with the same order and the same messages
// (driverArgsConnLocked in database/sql/convert.go).

// checkArgs converts the arguments of a call without a child statement in place,
// and returns what is left of them: a child may remove arguments that are options
// to itself.
func (ch *child) checkArgs(args []driver.NamedValue) ([]driver.NamedValue, error) {
	r := argRules{checker: ch.checker, want: -1}
	return r.checkEach(ch, args)
}

// checkArgs is the same for a call of a child statement, which lives on ch.
func (cs *childStmt) checkArgs(ch *child, args []driver.NamedValue) ([]driver.NamedValue, error) {
	want := cs.NumInput()
	if cs.checker == nil && cs.columns == nil && (want == -1 || want == len(args)) && areOrdinary(args) {
		return args, nil
	}
	r := argRules{checker: cs.checker, columns: cs.columns, want: want}
	return r.checkEach(ch, args)
}

// argRules are one child's rules for the arguments of one statement.
type argRules struct {
	checker driver.NamedValueChecker // of the child statement, else of its connection; may be nil
	//lint:ignore SA1019 a child from before NamedValueChecker may have only this
	columns driver.ColumnConverter // of the child statement; may be nil
	want    int                    // number of arguments; -1 if the child does not say
}

func (r *argRules) checkEach(ch *child, args []driver.NamedValue) ([]driver.NamedValue, error) {
	if r.mayChange() {
		ch.keepArgs(args)
	}
	n := 0
	for i := range args {
		nv := &args[n]
		if i > n {
			*nv = args[i]
			nv.Ordinal = n + 1
		}
		switch err := r.checkOne(nv); err {
		case nil:
			n++
		case driver.ErrRemoveArgument:
		default:
			return nil, fmt.Errorf("sql: converting argument %s type: %w", describe(nv), err)
		}
	}
	args = args[:n]
	if r.want != -1 && n != r.want {
		return nil, fmt.Errorf("sql: expected %d arguments, got %d", r.want, n)
	}
	return args, nil
}

// mayChange reports whether the rules are a driver's own, other than those of pgx,
// which change nothing.
func (r *argRules) mayChange() bool {
	_, pgx := r.checker.(*stdlib.Conn)
	return r.checker != nil && !pgx || r.columns != nil
}

// keepArgs keeps the arguments as the caller gave them, because the statement may
// go on elsewhere, and the rules of a child may do to their own results what they
// do to a caller's value.
func (ch *child) keepArgs(args []driver.NamedValue) {
	if ch.engine.pool != nil {
		ch.given = append(ch.given[:0], args...)
	}
}

// givenArgs returns what the caller gave, for another child: this one may have
// kept the slice that it was given.
func (ch *child) givenArgs(args []driver.NamedValue) []driver.NamedValue {
	if len(ch.given) == 0 {
		return args
	}
	args = slices.Clone(ch.given)
	ch.forgetArgs()
	return args
}

// manyArgs is of how many arguments a child keeps the room for the next call.
const manyArgs = 64

func (ch *child) forgetArgs() {
	clear(ch.given) // they are data
	if ch.given = ch.given[:0]; cap(ch.given) > manyArgs {
		ch.given = nil
	}
}

// checkOne asks the checker, then the column converter, then the default: each
// only if the one before answered ErrSkip or is not there.
func (r *argRules) checkOne(nv *driver.NamedValue) error {
	if r.checker != nil {
		if err := r.checker.CheckNamedValue(nv); err != driver.ErrSkip {
			return err
		}
	}
	if r.columns != nil {
		if err := r.convertColumn(nv); err != driver.ErrSkip {
			return err
		}
	}
	value, err := driver.DefaultParameterConverter.ConvertValue(nv.Value)
	nv.Value = value
	return err
}

// areOrdinary reports whether the arguments are of the usual types, and does for
// them what the default converter would find out by reflection.
func areOrdinary(args []driver.NamedValue) bool {
	for i := range args {
		value := args[i].Value
		if value == nil {
			continue
		}
		// One by one: a switch over more than three types loads what is to be known of
		// the type first.
		if n, ok := value.(int); ok {
			args[i].Value = int64(n)
			continue
		}
		if _, ok := value.(string); ok {
			continue
		}
		if _, ok := value.(int64); ok {
			continue
		}
		switch value.(type) {
		case float64, bool, []byte, time.Time:
		default:
			return false
		}
	}
	return true
}

// convertColumn is database/sql's way with the deprecated ColumnConverter.
func (r *argRules) convertColumn(nv *driver.NamedValue) error {
	index := nv.Ordinal - 1
	if r.want >= 0 && r.want <= index {
		return nil // one too many: left for the count
	}
	if valuer, ok := nv.Value.(driver.Valuer); ok {
		value, err := valueOf(valuer)
		if err != nil {
			return err
		}
		if !driver.IsValue(value) {
			return fmt.Errorf("non-subset type %T returned from Value", value)
		}
		nv.Value = value
	}
	given := nv.Value
	value, err := r.columns.ColumnConverter(index).ConvertValue(given)
	nv.Value = value
	if err != nil {
		return err
	}
	if !driver.IsValue(value) {
		return fmt.Errorf("driver ColumnConverter error converted %T to unsupported type %T", given, value)
	}
	return nil
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// valueOf calls v.Value, but takes a nil pointer whose Value method belongs to
// the type it points at for NULL: calling the method would panic.
func valueOf(v driver.Valuer) (driver.Value, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return nil, nil
	}
	return v.Value()
}

func describe(nv *driver.NamedValue) string {
	if nv.Name != "" {
		return fmt.Sprintf("with name %q", nv.Name)
	}
	return fmt.Sprintf("$%d", nv.Ordinal)
}

var errNamedArgs = errors.New("sql: driver does not support the use of Named Parameters")

// plainValues is for children from before named arguments.
func plainValues(args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		if arg.Name != "" {
			return nil, errNamedArgs
		}
		values[i] = arg.Value
	}
	return values, nil
}
