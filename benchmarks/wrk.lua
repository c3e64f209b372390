-- Posts the bodies of a file, one a line, in turns; prints what was measured as one line of JSON.
-- Run as: wrk [options] -s wrk.lua URL -- FILE

local requests, turn = {}, 0

function init(arguments)
   wrk.headers["Content-Type"] = "application/json"
   for line in io.lines(arguments[1]) do
      table.insert(requests, wrk.format("POST", nil, nil, line))
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d, "broken": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
      errors.connect + errors.read + errors.write + errors.timeout
   ))
end
