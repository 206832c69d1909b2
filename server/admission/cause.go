package admission

// A Cause is why a viewer is not let in. The list is closed, so that it can be a metric's label.
type Cause uint8

const (
	None            Cause = iota // it is let in
	Viewers                      // server.max_viewers
	Bandwidth                    // server.max_bandwidth
	Uplink                       // server.uplink, what is left of it or what is measured
	PerIP                        // server.max_per_ip
	Relays                       // server.relay_share: what is free is kept for them
	StreamViewers                // the stream's max_viewers
	StreamBandwidth              // the stream's max_bandwidth
	Line                         // the line is full, whatever was reckoned
	Quota                        // so much may not be sent
	Draining                     // the server is about to stop

	Causes // how many there are
)

// String is the cause's word in the log and in metrics.
func (c Cause) String() string {
	return [Causes]string{
		"none", "max_viewers", "max_bandwidth", "uplink", "max_per_ip", "relay_share", "stream_max_viewers",
		"stream_max_bandwidth", "line", "quota", "draining",
	}[c]
}

// Text says it in one line to whoever is refused.
func (c Cause) Text() string {
	return [Causes]string{
		"",
		"the server is full: it has as many viewers as it may have (max_viewers)",
		"the server is full: its viewers take all the bandwidth that they may (max_bandwidth)",
		"the server is full: its line carries no more viewers (uplink)",
		"too many viewers at your address (max_per_ip)",
		"the server is full: the places that are left are kept for other servers (relay_share)",
		"the stream is full: it has as many viewers as it may have (max_viewers of the stream)",
		"the stream is full: its viewers take all the bandwidth that they may (max_bandwidth of the stream)",
		"the server is full: its line is busy (line)",
		"the server has sent as much as it may for now (quota)",
		"the server is about to stop",
	}[c]
}

// Elsewhere says that another server may have the room that this one lacks.
func (c Cause) Elsewhere() bool { return c != None && c != PerIP }
