-- about: Users 10%
-- set: Countries
SELECT IPAddress, time_bucket(INTERVAL 1 HOUR, TimeGenerated) AS Slot, count(*) AS Attempts,
       approx_count_distinct(UserPrincipalName) AS Users, list(DISTINCT Location) AS Countries
FROM SigninLogs
WHERE TimeGenerated BETWEEN TIMESTAMPTZ '2026-11-01 00:00:00+00' AND TIMESTAMPTZ '2026-11-15 00:00:00+00'
  AND ResultType IN ('50126', '50053')
GROUP BY ALL
HAVING Attempts >= 80 AND Users >= 20
