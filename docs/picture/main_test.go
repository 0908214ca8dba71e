package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"testing"
)

func TestPicture(t *testing.T) {
	kept, err := os.ReadFile("../statement.svg")
	if err != nil {
		t.Fatal(err)
	}
	var now bytes.Buffer
	draw(&now)
	if !bytes.Equal(now.Bytes(), kept) {
		t.Error("docs/statement.svg is not what this program draws; run: go run ./docs/picture > docs/statement.svg")
	}
	for tokens := xml.NewDecoder(&now); ; {
		if _, err := tokens.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
