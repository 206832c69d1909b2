package stream

import (
	"fmt"
	"strings"
)

// headerLimits are the largest ASF headers that players take, bytes (asf.md §9). What is larger than asf.MaxHeader
// nobody gets: it is refused from whoever sends it.
var headerLimits = []struct {
	player string
	most   int
}{
	{"xine", 8192},
	{"libmms", 16384},
	{"VLC", 65524},
	{"FFmpeg", 65524}, // does not put fragments of a $H together
}

// refusers names the players that fail on a header of n bytes, with their limits.
func refusers(n int) string {
	var list []string
	for _, l := range headerLimits {
		if n > l.most {
			list = append(list, fmt.Sprintf("%s (%d)", l.player, l.most))
		}
	}
	return strings.Join(list, ", ")
}
