// Command chaos runs a load through multidb while something happens to its
// PostgreSQL servers, and prints what became of every statement. It fails if a
// figure that must be zero is not. docs/chaos.md says what the rows mean.
//
//	go run ./chaos                       # all scenarios, in about ten minutes
//	go run ./chaos -only failover -errors
//	go run ./chaos -quick -by-hand=false
package main

import "github.com/multidb-go/multidb/internal/chaos"

func main() { chaos.Main(chaos.PostgreSQL) }
