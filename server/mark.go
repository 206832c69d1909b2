package server

// A mark is the place where a chain ended at some moment. The zero value is none.
type mark uint64

func (c *chain) mark() mark {
	if c.last == nil {
		return 1
	}
	return mark(c.last.order + 2)
}

// Mark is where the stream's chain ends.
func (s *source) Mark() mark { return s.stream.chain.mark() }

// Unmoved says that nothing has been added to the stream's chain since it ended at m. None is no place, so false.
func (s *source) Unmoved(m mark) bool { return s.Mark() == m }
