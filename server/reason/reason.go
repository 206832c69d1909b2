// Package reason says why connections end: one closed list for logs, metrics and tests.
package reason

// A Reason says why a connection ended. The words are the same in the access log, the metrics and the tests; the list
// is closed, so that they can be a metric's label.
type Reason uint8

const (
	None           Reason = iota // it has not ended
	ClientClosed                 // the other side closed or hung up
	Answered                     // a reply was all it wanted
	SourceEnded                  // the stream is over
	HeaderChanged                // a new header that this client cannot take in the middle of a stream
	Stalled                      // took nothing for timeouts.stall
	WriteFailed                  // a send failed
	BadRequest                   // what it sent could not be understood
	TooLarge                     // what it sent was over a limit
	RequestTimeout               // no whole request in time
	SourceSilent                 // an encoder sent nothing for timeouts.source_idle
	Replaced                     // another encoder took the stream over
	Refused                      // over a limit, not authorised, or nothing there
	MMSTProbe                    // tried MMS over TCP on this port
	SessionOver                  // has watched for server.max_session
	Quota                        // as much has been sent as server.quota allows, and server.quota_hard is set
	Stopped                      // its own Stop request
	Uplink                       // the newest of more viewers than the line carries
	ShuttingDown                 // pumpd is stopping
	StreamRemoved                // the stream is not in the configuration any more
	Kicked                       // by the admin
	Banned                       // the admin has banned its network

	Count // of them all: None to Banned
)

// String is the reason's word.
func (r Reason) String() string {
	return [Count]string{
		"none", "client_closed", "answered", "source_ended", "header_changed", "stalled", "write_failed", "bad_request",
		"too_large", "request_timeout", "source_silent", "replaced", "refused", "mmst_probe", "session_over", "quota",
		"stopped", "uplink", "shutting_down", "stream_removed",
		"kicked", "banned",
	}[r]
}

// Of is the reason of a word; false: there is none.
func Of(word string) (Reason, bool) {
	for r := range Count {
		if r.String() == word {
			return r, true
		}
	}
	return None, false
}
