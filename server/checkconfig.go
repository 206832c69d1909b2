package server

import (
	"context"
	"slices"
)

// CheckConfig is LoadConfig with a closer look, for an operator who waits for it: media files and slates are read to
// their ends. What it warns of can run, though hardly as it was meant.
func CheckConfig(path string) (warnings []string, err error) {
	data, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	f, cfg, err := parseConfig(data, path)
	if err != nil {
		return nil, err
	}
	warnings = f.checkMedia(cfg.Streams)
	if !slices.ContainsFunc(cfg.Streams, func(s StreamConfig) bool { return s.Enabled }) {
		warnings = append(warnings, f.name+": no stream is enabled, there is nothing to watch")
	}
	return warnings, f.err()
}

// checkMedia plays the files of all streams to nobody, each once.
func (f *configFile) checkMedia(streams []StreamConfig) (warnings []string) {
	seen := map[string]bool{}
	look := func(key, name string) {
		if name == "" || name == slateBuiltin || seen[name] || f.bad[key] {
			return
		}
		seen[name] = true
		l, err := openLoop(context.Background(), name, 0)
		if err != nil {
			f.wrong(key, "%v", err)
			return
		}
		defer l.close()
		if t := l.sample; t.bad > 0 {
			warnings = append(warnings, f.about(key, "%s: %d of %d packets are bad and will be left out, the first: %v",
				name, t.bad, t.good+t.bad, t.flaw))
		}
	}
	for i, s := range streams {
		look(elementName("streams", i)+".file", s.File)
		look(elementName("streams", i)+".slate", s.Slate)
	}
	return warnings
}
