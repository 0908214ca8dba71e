// Package ent is what ent generates from its schema folder; TestEnt uses it.
package ent

//go:generate go tool ent generate --feature sql/upsert,sql/lock,sql/execquery ./schema
