package multidb

import (
	"testing"
	"time"
)

func TestDurationText(t *testing.T) {
	var d Duration
	if err := d.UnmarshalText([]byte("1h30m")); err != nil || d != Duration(90*time.Minute) {
		t.Errorf("got %v, %v", d, err)
	}
	if text, err := d.MarshalText(); err != nil || string(text) != "1h30m0s" {
		t.Errorf("got %s, %v", text, err)
	}
	if err := d.UnmarshalText([]byte("90")); err == nil {
		t.Error("a duration without a unit is taken")
	}
}
