package stream

// A Mark is the place where a chain ended at some moment. The zero value is none.
type Mark uint64

func (c *chain) mark() Mark {
	if c.last == nil {
		return 1
	}
	return Mark(c.last.order + 2)
}

// Mark is where the stream's chain ends.
func (s *Source) Mark() Mark { return s.stream.chain.mark() }

// Unmoved says that nothing has been added to the stream's chain since it ended at m. None is no place, so false.
func (s *Source) Unmoved(m Mark) bool { return s.Mark() == m }
