//go:build race

package server

// pooledAllocs is how often something may be made anew that crypto/tls takes from its pools, for two records: with the
// race detector pools drop some of what they are given.
const pooledAllocs = 2
