package server

// A reason says why a connection ended. The words are the same in the access log, the metrics and the tests; the list
// is closed, so that they can be a metric's label.
type reason uint8

const (
	noReason       reason = iota // it has not ended
	clientClosed                 // the other side closed or hung up
	answered                     // a reply was all it wanted
	sourceEnded                  // the stream is over
	headerChanged                // a new header that this client cannot take in the middle of a stream
	stalled                      // took nothing for timeouts.stall
	writeFailed                  // a send failed
	badRequest                   // what it sent could not be understood
	tooLarge                     // what it sent was over a limit
	requestTimeout               // no whole request in time
	sourceSilent                 // an encoder sent nothing for timeouts.source_idle
	replaced                     // another encoder took the stream over
	refused                      // over a limit, not authorised, or nothing there
	mmstProbe                    // tried MMS over TCP on this port
	stopped                      // its own Stop request
	shuttingDown                 // pumpd is stopping
	reasons
)

func (r reason) String() string {
	return [reasons]string{
		"none", "client_closed", "answered", "source_ended", "header_changed", "stalled", "write_failed", "bad_request",
		"too_large", "request_timeout", "source_silent", "replaced", "refused", "mmst_probe", "stopped", "shutting_down",
	}[r]
}
