package multidb

import (
	"cmp"
	"time"
)

// What of the settings is a limit, or says what to do when an engine fails.

// setLimits reads the limits over all engines.
func (s *settings) setLimits(c Config) error {
	for _, limit := range []struct {
		key   string
		value int
	}{
		{"max_databases", c.MaxDatabases},
		{"max_open_total", c.MaxOpenTotal},
		{"max_open_per_host", c.MaxOpenPerHost},
	} {
		if limit.value < 0 {
			return keyError(limit.key, "must not be negative")
		}
	}
	s.maxDatabases = cmp.Or(c.MaxDatabases, defaultMaxDatabases)
	s.maxOpenTotal, s.maxOpenPerHost = c.MaxOpenTotal, c.MaxOpenPerHost
	return nil
}

// setCluster reads what is to be done when engines fail.
func (s *settings) setCluster(c Config) error {
	for _, limit := range []struct {
		key   string
		value Duration
	}{
		{"connect_timeout", c.ConnectTimeout},
		{"failover_timeout", c.FailoverTimeout},
	} {
		if limit.value < 0 {
			return keyError(limit.key, "must not be negative")
		}
	}
	switch c.Fallback {
	case "", Primary:
	case "error":
		s.fallbackError = true
	default:
		return keyError("fallback", `%s is neither "primary" nor "error"`, show(c.Fallback))
	}
	s.balance = c.Balance
	s.connectTimeout = cmp.Or(time.Duration(c.ConnectTimeout), defaultConnectTimeout)
	s.discover = c.Discover
	s.failoverTimeout = time.Duration(c.FailoverTimeout)
	if s.discover && s.failoverTimeout == 0 {
		s.failoverTimeout = defaultFailoverTimeout
	}
	return nil
}

func newPoolConfig(path string, e Engine) (poolConfig, error) {
	for _, limit := range []struct {
		key   string
		value int64
	}{
		{"max_open", int64(e.MaxOpen)},
		{"max_idle", int64(e.MaxIdle)},
		{"max_lifetime", int64(e.MaxLifetime)},
		{"max_idle_time", int64(e.MaxIdleTime)},
	} {
		if limit.value < 0 {
			return poolConfig{}, keyError(keyPath(path, limit.key), "must not be negative")
		}
	}
	if e.MaxOpen > 0 && e.MaxIdle > e.MaxOpen {
		return poolConfig{}, keyError(keyPath(path, "max_idle"), "%d is more than max_open, %d", e.MaxIdle, e.MaxOpen)
	}
	maxIdle := defaultMaxIdle
	if e.MaxOpen > 0 {
		maxIdle = min(maxIdle, e.MaxOpen)
	}
	return poolConfig{
		maxOpen:     e.MaxOpen,
		maxIdle:     cmp.Or(e.MaxIdle, maxIdle),
		maxLifetime: cmp.Or(time.Duration(e.MaxLifetime), defaultMaxLifetime),
		maxIdleTime: cmp.Or(time.Duration(e.MaxIdleTime), defaultMaxIdleTime),
	}, nil
}
