//go:build !race

package server

// pooledAllocs is how often something may be made anew that crypto/tls takes from its pools, for two records.
const pooledAllocs = 0
