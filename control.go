package multidb

import (
	"context"
	"fmt"
	"time"
)

// EngineControl takes one engine out of service and puts it back, for planned
// work on its server.
type EngineControl struct {
	name   string
	engine *engine // nil if there is none of that name
}

// Engine returns the control of an engine. If there is none of that name, its
// methods say so, with [ErrUnknownEngine].
func (k *Connector) Engine(name string) EngineControl {
	for _, db := range k.open() {
		if e := k.engineNamed(db, name); e != nil {
			return EngineControl{name: name, engine: e}
		}
	}
	return EngineControl{name: name}
}

// Drain takes the engine out of service: nothing new is sent to it. What is under
// way goes on, transactions and sessions with state included, and Drain waits
// until the last of it has ended and all connections are closed, or until ctx
// ends; the engine stays out of service in both cases.
//
// Reads go to other engines. What needs this engine waits for it as for one that
// is down (Config.FailoverTimeout), and fails with [ErrDrained]. With
// Config.Discover another engine that has become the primary takes its place.
func (c EngineControl) Drain(ctx context.Context) error {
	e := c.engine
	if err := c.check(); err != nil {
		return err
	}
	e.drained.Store(true)
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

// Resume puts the engine back into service.
func (c EngineControl) Resume() error {
	if err := c.check(); err != nil {
		return err
	}
	c.engine.drained.Store(false)
	c.engine.database.refresh(nil)
	c.engine.database.doubt()
	return nil
}

func (c EngineControl) check() error {
	switch {
	case c.engine == nil:
		return fmt.Errorf("%w %q", ErrUnknownEngine, c.name)
	case c.engine.pool == nil:
		return fmt.Errorf("multidb: engine %q is the only one; close the sql.DB instead", c.name)
	}
	return nil
}
