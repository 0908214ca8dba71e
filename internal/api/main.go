// Api prints the exported names of the library with their signatures, one a line,
// in order. The file api.txt holds what it printed last: a change there is a
// change for those who use the library.
//
//	go run ./internal/api > api.txt
package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := write(os.Stdout, "."); err != nil {
		log.Fatal(err)
	}
}

// write reads the package in a folder. It goes by the syntax alone, so that it
// needs no dependency of the package.
func write(out io.Writer, folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	var s surface
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			s.add(decl)
		}
	}
	slices.Sort(s)
	_, err = fmt.Fprintln(out, strings.Join(s, "\n"))
	return err
}

// surface is the lines so far.
type surface []string

func (s *surface) line(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

func (s *surface) add(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		s.addFunc(d)
	case *ast.GenDecl:
		s.addValues(d)
	}
}

func (s *surface) addFunc(d *ast.FuncDecl) {
	signature := strings.TrimPrefix(types.ExprString(d.Type), "func")
	switch {
	case !d.Name.IsExported():
	case d.Recv == nil:
		s.line("func %s%s", d.Name, signature)
	case ast.IsExported(strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")):
		s.line("method (%s) %s%s", types.ExprString(d.Recv.List[0].Type), d.Name, signature)
	}
}

// addValues adds types, constants and variables. In a group of constants, one
// without a type and a value has those of the one before.
func (s *surface) addValues(d *ast.GenDecl) {
	var last *ast.ValueSpec
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.addType(spec)
		case *ast.ValueSpec:
			if spec.Type != nil || len(spec.Values) > 0 {
				last = spec
			}
			for i, name := range spec.Names {
				if name.IsExported() {
					s.line("%s %s%s%s", d.Tok, name, typeOf(cmp.Or(last, spec)), valueOf(d.Tok, spec, i))
				}
			}
		}
	}
}

func typeOf(spec *ast.ValueSpec) string {
	if spec.Type == nil {
		return ""
	}
	return " " + types.ExprString(spec.Type)
}

// valueOf shows the value of a constant, where it is written down, as programs
// may depend on it.
func valueOf(tok token.Token, spec *ast.ValueSpec, i int) string {
	if tok != token.CONST || i >= len(spec.Values) {
		return ""
	}
	return " = " + types.ExprString(spec.Values[i])
}

func (s *surface) addType(spec *ast.TypeSpec) {
	if !spec.Name.IsExported() {
		return
	}
	switch t := spec.Type.(type) {
	case *ast.StructType:
		s.line("type %s struct", spec.Name)
		s.addFields(spec.Name.Name, t.Fields)
	case *ast.InterfaceType:
		s.line("type %s interface", spec.Name)
		s.addFields(spec.Name.Name, t.Methods)
	default:
		s.line("type %s %s", spec.Name, types.ExprString(t))
	}
}

func (s *surface) addFields(owner string, fields *ast.FieldList) {
	for _, f := range fields.List {
		for _, name := range f.Names {
			if name.IsExported() {
				s.line("field %s.%s %s", owner, name, types.ExprString(f.Type))
			}
		}
		if len(f.Names) == 0 {
			s.line("field %s embeds %s", owner, types.ExprString(f.Type))
		}
	}
}
