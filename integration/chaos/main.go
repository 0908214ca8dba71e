// Command chaos is ../../chaos on MariaDB servers, through go-sql-driver/mysql.
package main

import (
	"io"
	"log"

	"github.com/go-sql-driver/mysql"

	"github.com/multidb-go/multidb/internal/chaos"
)

func main() {
	mysql.SetLogger(log.New(io.Discard, "", 0)) // it has a line for each connection that ends
	chaos.Main(chaos.MariaDB)
}
