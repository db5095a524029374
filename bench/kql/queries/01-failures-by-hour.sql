-- ordered
SELECT time_bucket(INTERVAL 1 HOUR, TimeGenerated) AS Hour, count(*) AS Failures
FROM SigninLogs
WHERE ResultType = '50126'
GROUP BY Hour
ORDER BY Hour
