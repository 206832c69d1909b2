package server

import (
	"pumpd/server/config"
	"pumpd/server/play"
)

// CheckConfig is config.Load with a closer look, for an operator who waits for it: media files and slates are read to
// their ends. What it warns of can run, though hardly as it was meant.
func CheckConfig(path string) (cfg *config.Config, warnings []string, err error) {
	return config.Check(path, play.Check)
}
