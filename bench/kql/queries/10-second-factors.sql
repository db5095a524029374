-- ordered
SELECT AuthenticationDetails->>'$[1].authenticationMethod' AS Method,
       time_bucket(INTERVAL 1 DAY, TimeGenerated) AS Day, count(*) AS Steps,
       count(*) FILTER (AuthenticationDetails->>'$[1].succeeded' = 'false') AS Failed
FROM SigninLogs
WHERE AuthenticationRequirement = 'multiFactorAuthentication'
GROUP BY ALL
HAVING Method <> ''
ORDER BY Day, Method
