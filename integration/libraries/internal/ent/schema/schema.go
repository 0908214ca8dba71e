// Package schema is the shop as ent sees it: customers, and their orders.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// Customer has a unique name and a JSON column.
type Customer struct{ ent.Schema }

// Fields of a customer.
func (Customer) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Unique().MaxLen(40),
		field.Int("visits").Default(0),
		field.JSON("likes", []string{}).Optional(),
		field.Time("since").Default(func() time.Time { return time.Now().UTC().Truncate(time.Second) }),
	}
}

// Edges of a customer.
func (Customer) Edges() []ent.Edge {
	return []ent.Edge{edge.To("orders", Order.Type)}
}

// Order belongs to a customer.
type Order struct{ ent.Schema }

// Fields of an order.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		field.String("item"),
		field.Int("amount").Positive(),
	}
}

// Edges of an order.
func (Order) Edges() []ent.Edge {
	return []ent.Edge{edge.From("customer", Customer.Type).Ref("orders").Unique().Required()}
}
