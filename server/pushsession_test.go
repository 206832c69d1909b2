package server

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// strangerAt is an address of the i-th /64.
func strangerAt(i uint32) netip.Addr {
	b := binary.BigEndian.AppendUint32(netip.MustParseAddr("2001:db8::").AsSlice()[:4], i)
	a, _ := netip.AddrFromSlice(append(b, 0, 0, 0, 0, 0, 0, 0, 1))
	return a
}

// However many setups come from however many networks, none costs a push-id of another stream, nor one that has sent
// something, nor one of a network that has few.
func TestSetupsEvictNobodyElse(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	a, b := r.reg.Streams()[0], r.reg.Streams()[1]
	elsewhere := r.loop.node.access.open(b, testClient, r.at, r.at.Add(time.Minute))
	e := startedPush(r)
	e.push(1)
	e.hangUp() // its session has less to live than the setups that come
	for i := range uint32(1100) {
		r.loop.node.access.open(a, strangerAt(i), r.at, r.at.Add(2*time.Minute))
	}
	if n := len(*r.loop.node.access.sessionsOf(a)); n > maxPushes {
		t.Errorf("%d push-ids of one stream, limit %d", n, maxPushes)
	}
	if _, ok := r.loop.node.access.know(elsewhere, b, testClient, r.at); !ok {
		t.Error("the push-id of another stream has made room")
	}
	if _, ok := r.loop.node.access.know(e.id, a, testClient, r.at); !ok {
		t.Error("the push-id of the encoder that was lost has made room")
	}
}

func TestNetworksHaveAQuotaOfPushIDs(t *testing.T) {
	r := newRig(t, nil, "a")
	st := r.reg.Streams()[0]
	mine := r.loop.node.access.open(st, testClient, r.at, r.at.Add(time.Second))
	for i := range uint64(1000) {
		b := binary.BigEndian.AppendUint64(netip.MustParseAddr("2001:db8::").AsSlice()[:8], i)
		from, _ := netip.AddrFromSlice(b)
		r.loop.node.access.open(st, from, r.at, r.at.Add(time.Minute))
	}
	if n := len(*r.loop.node.access.sessionsOf(st)); n != maxNetworkPushes+1 {
		t.Errorf("%d push-ids, want %d of the /64 and one of another network", n, maxNetworkPushes)
	}
	for i := range uint32(10 * maxNetworkPushes) { // four networks fill the stream
		r.loop.node.access.open(st, strangerAt(i%4), r.at, r.at.Add(time.Minute))
	}
	if _, ok := r.loop.node.access.know(mine, st, testClient, r.at); !ok {
		t.Error("the only push-id of a network has made room for those of one that has many")
	}
	r.pass(2 * time.Minute)
	r.loop.node.access.open(st, testClient, r.at, r.at.Add(time.Minute))
	if n := len(*r.loop.node.access.sessionsOf(st)); n != 1 {
		t.Errorf("%d push-ids after all but one have ended", n)
	}
}

// A start that is refused does not make its push-id last.
func TestRefusedStartProlongsNothing(t *testing.T) {
	r := newRig(t, nil, "a")
	lurker := r.encoderAt("192.0.2.66")
	lurker.setUp()
	startedPush(r).push(1)
	again := r.encoderAt("192.0.2.66")
	again.post(startType, lurker.id, endless, "")
	s := r.loop.node.access.sessionsOf(r.reg.Streams()[0]).find(lurker.id)
	if s == nil || s.ends > r.at.Add(3*time.Minute) {
		t.Errorf("session %+v after %q", s, again.status())
	}
}
