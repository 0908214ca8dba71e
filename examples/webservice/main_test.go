package main

import (
	"bytes"
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const want = `
The service begins
   create    -> primary    write (CREATE)

POST /orders item=tea
   insert    -> primary    write (INSERT)
   200 {"id":1,"item":"tea","paid":false}

GET /orders/1 (Cache-Control: no-cache)
   select    -> primary    chosen by context
   200 {"id":1,"item":"tea","paid":false}

POST /orders/1/payment
   begin     -> primary    begin
   select    -> primary    in transaction
   update    -> primary    in transaction
   commit    -> primary    in transaction
   200 {"id":1,"item":"tea","paid":true}

GET /orders
   select    -> replica1   read
   200 [{"id":1,"item":"tea","paid":true}]

GET /orders/7
   select    -> replica1   read
   404 no such order
`

func TestDemonstration(t *testing.T) {
	var out bytes.Buffer
	testdb.Need(t, "PostgreSQL", demonstrate(t.Context(), &out))
	if out.String() != want {
		t.Errorf("printed:\n%s\nwant:\n%s", out.String(), want)
	}
}
