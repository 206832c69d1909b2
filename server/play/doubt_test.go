package play

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/config"
	"pumpd/server/stream/streamtest"
)

// A file with damaged times plays at its own pace, lap after lap, in one generation.
func TestFileWithDamagedTimes(t *testing.T) {
	for _, c := range asftest.Damages {
		if strings.Contains(c.Name, "zeros") || len(c.Lost) == 0 {
			continue // see file_test.go; what is believed is waited for
		}
		checkDamagedFile(t, c.Name, c.Done, len(c.Lost))
	}
	for name, first := range map[string]func([]byte){
		"the first sent ahead": asftest.SentOff(20 * time.Minute), "the first ahead": asftest.OffBy(20 * time.Minute),
		"the first back": asftest.OffBy(-20 * time.Minute)} {
		checkDamagedFile(t, name, asftest.Damage{0: first}, 1)
	}
}

func checkDamagedFile(t *testing.T, name string, done asftest.Damage, lost int) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := asftest.File(60, 40)
			for n, do := range done {
				do(b[len(asftest.Header(200, 320))+int(n)*200:])
			}
			file := filepath.Join(t.TempDir(), "damaged.asf")
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			st, _ := streamtest.New(t, config.Stream{Path: "x", Type: config.TypeFile, File: file}, streamtest.Options{})
			ctx, cancel := context.WithCancel(t.Context())
			go RunFile(ctx, st, nil, nil)
			time.Sleep(3 * 60 * 40 * time.Millisecond)
			synctest.Wait()
			most, n := uint64(3*60), st.Stats().PacketsIn.Load()
			if st.Stats().Generations.Load() != 1 || n > most+10 || n < most-uint64(3*lost)-10 {
				t.Errorf("%d packets in %d generations, %d bad; want about %d in 1", n, st.Stats().Generations.Load(),
					st.Stats().BadPackets.Load(), most-uint64(3*lost))
			}
			cancel()
			synctest.Wait()
		})
	})
}
