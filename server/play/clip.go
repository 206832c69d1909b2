package play

import _ "embed"

// demoClip is the file of a stream that names none; clip/README.md says how it was made.
//
//go:embed clip/demo.asf
var demoClip []byte
