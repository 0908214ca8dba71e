package multidb

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"time"
)

// Config is the whole configuration of a multidb driver, as a Go value. Its
// JSON form, with snake_case keys, is one of the three forms of a DSN.
type Config struct {
	Driver         string
	Primary        Engine
	Replicas       []Engine
	Databases      map[string]Database
	Rules          []Rule
	Router         func(ctx context.Context, s Statement) (use string, err error)
	Reads          string
	ReadOnlyTx     string
	ReadFunctions  []string
	WriteFunctions []string
	Echo           bool
	Logger         *slog.Logger
}

type Database struct {
	Primary  Engine
	Replicas []Engine
}

type Engine struct {
	Name, Driver, DSN string
	Connector         driver.Connector
	Weight            int
	MaxOpen, MaxIdle  int
	MaxLifetime       Duration
	MaxIdleTime       Duration
}

type Rule struct {
	Verbs, Kinds, Tables []string
	Use                  string
}

type Duration time.Duration
