// Package handover is the way between a program that runs and the one that takes its place, which the first one starts:
// messages, with the descriptors of open files among them, over a pair of Unix sockets. It knows when each of the two
// is where, and nothing of what they have to tell each other.
//
//	the old program                                      the new one, its child
//	starting   ── exec, the socket is descriptor 3 ──▶   loading
//	greeting   ◀── Hello ──▶ Hello ── both say theirs    prepared
//	freezing, sending ── what there is ──────────────▶   taking
//	           ◀─ taken ──────────────────────────────   taken
//	committed  ── it is yours ───────────────────────▶   running
//	lingering
//
// Up to "committed" the old program can go on as if nothing had been, whatever becomes of the new one.
package handover
