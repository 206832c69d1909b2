package config

import "slices"

// Check is Load with a closer look, for an operator who waits for it. play looks at a media file to its
// end: flaw is what of it cannot be played, "" for nothing, err why none of it can. Each file is played once. Warnings
// are of what can run, though hardly as it was meant.
func Check(path string, play func(name string) (flaw string, err error)) (cfg *Config, warnings []string, err error) {
	data, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	f, cfg, err := parse(data, path)
	if err != nil {
		return nil, nil, err
	}
	warnings = slices.Concat(f.warnings, f.closer, f.checkMedia(cfg.Streams, play))
	if !slices.ContainsFunc(cfg.Streams, func(s Stream) bool { return s.Enabled }) {
		warnings = append(warnings, f.name+": no stream is enabled, there is nothing to watch")
	}
	return cfg, warnings, f.err()
}

// checkMedia plays the files and the slates of all streams to nobody.
func (f *document) checkMedia(streams []Stream, play func(name string) (string, error)) (warnings []string) {
	seen := map[string]bool{}
	look := func(key, name string) {
		if name == "" || name == SlateBuiltin || seen[name] || f.bad[key] {
			return
		}
		seen[name] = true
		switch flaw, err := play(name); {
		case err != nil:
			f.wrong(key, "%v", err)
		case flaw != "":
			warnings = append(warnings, f.about(key, "%s: %s", name, flaw))
		}
	}
	for i, s := range streams {
		look(Item("streams", i)+".file", s.File)
		look(Item("streams", i)+".slate", s.Slate)
	}
	return warnings
}
