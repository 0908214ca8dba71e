package sqlscan

import "math/bits"

// wordTable finds words in letters of any case, without folding or copying them:
// an open hash table that is made once and only read. Most words that are
// looked up are in none of the tables; they meet an empty slot and are done.
type wordTable struct {
	slots []wordSlot
	words []string
	mask  uint32
}

type wordSlot struct {
	tag   uint16 // of the hash, so that few spellings are compared
	index uint16 // of the word, 1 for the first; 0 is an empty slot
}

// newWordTable makes a table of different words in lower case.
func newWordTable(words []string) *wordTable {
	t := &wordTable{words: words}
	t.slots = make([]wordSlot, 4<<bits.Len(uint(len(words))))
	t.mask = uint32(len(t.slots) - 1)
	for i, w := range words {
		h := hashWord(w)
		n := h & t.mask
		for t.slots[n].index != 0 {
			n = (n + 1) & t.mask
		}
		t.slots[n] = wordSlot{uint16(h >> 16), uint16(i + 1)}
	}
	return t
}

// find returns the number of the word that s spells, or -1.
func (t *wordTable) find(s string) int {
	if len(s) == 0 {
		return -1
	}
	h := hashWord(s)
	for n := h & t.mask; ; n = (n + 1) & t.mask {
		switch slot := t.slots[n]; {
		case slot.index == 0:
			return -1
		case slot.tag == uint16(h>>16) && equalFold(s, t.words[slot.index-1]):
			return int(slot.index) - 1
		}
	}
}

// hashWord hashes the length and the outer bytes of s, up to eight on each side,
// as if all letters were small. s is not empty.
func hashWord(s string) uint32 {
	const small = 0x2020202020202020
	var first, last uint64
	switch n := len(s); {
	case n >= 8:
		first, last = load8(s), load8(s[n-8:])
	case n >= 4:
		first, last = load4(s), load4(s[n-4:])
	default:
		first = uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
	}
	h := (first|small)*0x9e3779b97f4a7c15 ^ bits.RotateLeft64(last|small, 23)*0xd6e8feb86659fd93
	return uint32((h + uint64(len(s))*0xff51afd7ed558ccd) >> 32)
}

func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load4(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// equalFold compares s, in ASCII letters of any case, to the lower-case word lower.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
