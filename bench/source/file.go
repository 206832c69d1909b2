package source

import (
	"fmt"
	"os"
	"time"

	"pumpd/asf"
)

// A File plays an ASF file at the pace of its send times. Looped, the times go on where the last round ended.
type File struct {
	head    *asf.Header
	packets [][]byte
	times   []uint32 // send time of each packet in ms, from 0
	loop    bool

	next    int
	shift   uint32 // ms added to all times in this round
	scratch []byte
}

// maxFile bounds what OpenFile keeps in memory, in bytes.
const maxFile = 2 << 30

// OpenFile reads a whole ASF file of at most 2 GiB. It is an error if a packet does not parse. loop starts it again at
// its end.
func OpenFile(name string, loop bool) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, packets, err := asf.ReadFile(f, maxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &File{head: head, packets: packets, loop: loop}
	if err := s.readTimes(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// readTimes collects the send times; a packet that does not parse would stop a server, so it stops us here.
func (s *File) readTimes() error {
	if len(s.packets) == 0 {
		return fmt.Errorf("no packets")
	}
	s.times = make([]uint32, len(s.packets))
	var first uint32
	for i, b := range s.packets {
		p, err := s.head.ParsePacket(b)
		if err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
		if err := s.head.ShiftTimes(b, 0); s.loop && err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
		if i == 0 {
			first = p.SendTime
		}
		s.times[i] = p.SendTime - first
	}
	return nil
}

// period is the length of one round in ms: up to the last packet, and as long again as packets lie apart on average.
func (s *File) period() uint32 {
	n := uint32(len(s.times))
	last := s.times[n-1]
	if n == 1 || last == 0 {
		return max(last, 1000) // one packet, or times that stand still: one round a second
	}
	return last + max(last/(n-1), 1)
}

// Header is that of the file.
func (s *File) Header() *asf.Header { return s.head }

// Due follows the send times.
func (s *File) Due() (time.Duration, bool) {
	if s.next == len(s.packets) {
		if !s.loop {
			return 0, false
		}
		s.next, s.shift = 0, s.shift+s.period()
	}
	return time.Duration(uint64(s.shift)+uint64(s.times[s.next])) * time.Millisecond, true
}

// Take gives the next packet, in later rounds with its times moved on.
func (s *File) Take() []byte {
	b := s.packets[s.next]
	s.next++
	if s.shift == 0 {
		return b
	}
	s.scratch = append(s.scratch[:0], b...)
	if err := s.head.ShiftTimes(s.scratch, s.shift); err != nil {
		panic(err) // tried when the file was opened
	}
	return s.scratch
}
