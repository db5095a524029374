-- A chat completion with a prompt of about 2 kB, the same every time.
local text = string.rep("Summarise the following paragraph about the delivery of parts to the warehouse in plain words. ", 21)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("GATE_KEY") or "sk-bench")
wrk.body = '{"model":"stub","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"' .. text .. '"}]}'

function done(summary, latency, requests)
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"errors":%d,"p50":%d,"p99":%d}\n', summary.requests,
    summary.duration / 1e6, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
    + summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
