// Package schema is what ent makes its code from.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Order is something that somebody wants to have.
type Order struct{ ent.Schema }

// Fields of an order.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		field.String("item"),
		field.Bool("paid").Default(false),
	}
}
