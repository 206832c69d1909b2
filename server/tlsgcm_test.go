package server

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"testing"
)

// BenchmarkBareGCM is what TLS cannot do without: each viewer's bytes are sealed with a key of its own, and nothing
// else. With many keys each is cold, as it is when a round goes from viewer to viewer. docs/performance.md has seconds
// for a GB: 1000 by MB/s.
func BenchmarkBareGCM(b *testing.B) {
	for _, viewers := range []int{1, 2000} {
		for _, record := range []int{1448, 4 << 10, 16 << 10} {
			b.Run(fmt.Sprintf("%d/%d", viewers, record), func(b *testing.B) {
				keys := make([]cipher.AEAD, viewers)
				for i := range keys {
					block, err := aes.NewCipher([]byte(fmt.Sprintf("%016d", i)))
					if err != nil {
						b.Fatal(err)
					}
					if keys[i], err = cipher.NewGCM(block); err != nil {
						b.Fatal(err)
					}
				}
				plain, out, nonce := make([]byte, record), make([]byte, 0, record+16), make([]byte, 12)
				b.SetBytes(int64(record))
				for i := 0; b.Loop(); i++ {
					keys[i%viewers].Seal(out, nonce, plain, nil)
				}
			})
		}
	}
}
