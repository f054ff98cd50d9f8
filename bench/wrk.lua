-- SPDX-License-Identifier: ISC
-- Makes wrk end with one line of JSON on standard error. Only done() is hooked: request() and
-- response() would slow the load.
function done(summary, latency)
   local errors = summary.errors
   io.stderr:write(string.format(
      '{"requests": %d, "duration_us": %d, "bytes": %.0f, "errors": %d, ' ..
      '"latency_us": {"p50": %d, "p99": %d, "max": %d}}\n',
      summary.requests, summary.duration, summary.bytes,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50), latency:percentile(99), latency.max))
end
