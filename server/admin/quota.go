package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Quota is what viewers may be sent in a day or a month, and what they were.
type Quota struct {
	Limit, Used uint64 // bytes
	Ends        time.Time
}

// A quotaReport is the same in /api/status.
type quotaReport struct {
	Limit uint64    `json:"limit"` // bytes
	Used  uint64    `json:"used"`  // bytes
	Ends  time.Time `json:"ends"`  // when the next period begins
}

func reportQuota(q *Quota) *quotaReport {
	if q == nil {
		return nil
	}
	return &quotaReport{Limit: q.Limit, Used: q.Used, Ends: q.Ends}
}

// The metrics of the quota are absent where there is none.
var (
	quotaDesc = prometheus.NewDesc("pumpd_quota_bytes", "Bytes that viewers may be sent in a day or a month.", nil, nil)

	quotaUsedDesc = prometheus.NewDesc("pumpd_quota_used_bytes", "Bytes that viewers were sent in it.", nil, nil)
	quotaEndDesc  = prometheus.NewDesc("pumpd_quota_end_timestamp_seconds", "When it is over and the next one begins.",
		nil, nil)
	quotaDescs = []*prometheus.Desc{quotaDesc, quotaUsedDesc, quotaEndDesc}
)

func collectQuota(out chan<- prometheus.Metric, q *Quota) {
	if q == nil {
		return
	}
	for _, m := range []struct {
		desc  *prometheus.Desc
		value float64
	}{{quotaDesc, float64(q.Limit)}, {quotaUsedDesc, float64(q.Used)}, {quotaEndDesc, float64(q.Ends.Unix())}} {
		out <- prometheus.MustNewConstMetric(m.desc, gauge, m.value)
	}
}
