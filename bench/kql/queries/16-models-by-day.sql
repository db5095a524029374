-- ordered
-- about: Median 3%
-- about: Slow 3%
SELECT time_bucket(INTERVAL 24 HOUR, TimeGenerated) AS Day, Model, count(*) AS Requests, sum(TotalTokens) AS Tokens,
       sum(CostUsd) AS Cost, quantile_disc(LatencyMs, 0.5) AS Median, quantile_disc(LatencyMs, 0.95) AS Slow,
       count(*) FILTER (Status >= 400) AS Failed
FROM GatewayLogs
GROUP BY ALL
ORDER BY Day, Model
