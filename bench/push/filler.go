package push

// A push body must end exactly at its Content-Length. What a frame leaves over is used up by $F frames, and a frame is
// at least its own 4 bytes, so 1 to 3 bytes must never be left.
const (
	frameHead   = 4
	maxFillBody = 65531 // push.md §4
)

// fits says whether a frame of n bytes, head included, may be sent when the body has left bytes to go.
func fits(left int64, n int) bool {
	rest := left - int64(n)
	return rest == 0 || rest >= frameHead
}

// fillers gives the content sizes of $F frames that use up left bytes to the last one. left is 0 or at least frameHead.
func fillers(left int64) []int {
	var sizes []int
	for left > 0 {
		size := min(left-frameHead, maxFillBody)
		if rest := left - frameHead - size; rest > 0 && rest < frameHead {
			size -= frameHead // leave room for one more
		}
		sizes = append(sizes, int(size))
		left -= frameHead + size
	}
	return sizes
}
