-- wrk's part: the same request over and over, and figures that a program can read.
local file = assert(io.open(os.getenv("LOAD_REQUEST"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "text/plain; charset=utf-8"
file:close()

local pause = tonumber(os.getenv("LOAD_PAUSE_MS") or "0")
if pause > 0 then
    -- Around the pause at random, so that connections do not come in step.
    function delay() return math.random(0, 2 * pause) end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format(
        "LOAD requests=%d us=%d failed=%d p50=%d p99=%d p999=%d\n",
        summary.requests, summary.duration, failed,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
