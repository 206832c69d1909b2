package stream

// A Position is the place where a chain ended at some moment. The zero value is none.
type Position uint64

func (c *chain) position() Position {
	if c.last == nil {
		return 1
	}
	return Position(c.last.order + 2)
}

// Position is where the stream's chain ends.
func (s *Source) Position() Position { return s.stream.chain.position() }

// Unmoved says that nothing has been added to the stream's chain since it ended at p. None is no place, so false.
func (s *Source) Unmoved(p Position) bool { return s.Position() == p }
