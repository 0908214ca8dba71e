package multidb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// EngineControl takes one engine out of service and puts it back, for planned
// work on its server.
type EngineControl struct {
	connector *Connector
	name      string
}

// Engine returns the control of an engine. If there is none of that name when they
// are called, its methods say so, with [ErrUnknownEngine].
func (k *Connector) Engine(name string) EngineControl {
	return EngineControl{connector: k, name: name}
}

// Drain takes the engine out of service: nothing new is sent to it. What is under
// way goes on, transactions and sessions with state included, and Drain waits
// until the last of it has ended and all connections are closed, or until ctx
// ends; the engine stays out of service in both cases.
//
// Reads go to other engines. What needs this engine waits for it as for one that
// is down (Config.FailoverTimeout), and fails with [ErrDrained]. With
// Config.Discover another engine that has become the primary takes its place.
//
// The database of a tenant is opened for it, and kept open until Resume, whatever
// Config.MaxDatabases says. [Connector.Forget] ends it.
func (c EngineControl) Drain(ctx context.Context) error {
	e, err := c.takeOut(ctx)
	if err != nil {
		return err
	}
	e.database.refresh(nil)
	e.database.doubt()
	// Nothing tells of the last connection's end, and this is no path in a hurry.
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		e.pool.Renew()
		e.pool.TurnAway(ErrDrained, false) // who was let in just before
		if e.pool.Stats().Open == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takeOut says that nothing new may be sent to the engine.
func (c EngineControl) takeOut(ctx context.Context) (*engine, error) {
	ts := c.connector.tenants
	for {
		e, err := c.find(ctx)
		if err != nil {
			return nil, err
		}
		if !ts.has(e.database) {
			e.drained.Store(true)
			return e, nil
		}
		if ts.drain(e) {
			return e, nil
		}
	}
}

// Resume puts the engine back into service. That of a tenant that is not open is
// in service.
func (c EngineControl) Resume() error {
	e := c.open()
	switch {
	case e == nil && c.connector.tenants != nil && isDatabaseName(c.tenant()):
		return nil
	case e == nil:
		return c.unknown()
	case e.pool == nil:
		return c.single()
	}
	e.drained.Store(false)
	e.database.refresh(nil)
	e.database.doubt()
	return nil
}

// find returns the engine, for which it opens a tenant's database.
func (c EngineControl) find(ctx context.Context) (*engine, error) {
	k := c.connector
	e := c.open()
	if e == nil && k.tenants != nil {
		db, err := k.tenants.find(ctx, c.tenant())
		if err != nil && !errors.Is(err, ErrUnknownDatabase) {
			return nil, err
		}
		if err == nil {
			e = k.engineNamed(db, c.name)
		}
	}
	switch {
	case e == nil:
		return nil, c.unknown()
	case e.pool == nil:
		return nil, c.single()
	}
	return e, nil
}

// open returns the engine if its database is open.
func (c EngineControl) open() *engine {
	for _, db := range c.connector.open() {
		if e := c.connector.engineNamed(db, c.name); e != nil {
			return e
		}
	}
	return nil
}

// tenant is whose engine it is, if it is a tenant's that is not open.
func (c EngineControl) tenant() string {
	name, _, _ := strings.Cut(c.name, ".")
	return name
}

func (c EngineControl) unknown() error { return fmt.Errorf("%w %q", ErrUnknownEngine, c.name) }

func (c EngineControl) single() error {
	return fmt.Errorf("multidb: engine %q is the only one; close the sql.DB instead", c.name)
}
