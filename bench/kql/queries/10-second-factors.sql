-- ordered
WITH steps AS (
    SELECT json_extract_string(AuthenticationDetails, ['$[1].authenticationMethod', '$[1].succeeded']) AS step,
           time_bucket(INTERVAL 24 HOUR, TimeGenerated) AS Day
    FROM SigninLogs
    WHERE AuthenticationRequirement = 'multiFactorAuthentication'
)
SELECT step[1] AS Method, Day, count(*) AS Steps, count(*) FILTER (step[2] = 'false') AS Failed
FROM steps
WHERE step[1] <> ''
GROUP BY ALL
ORDER BY Day, Method
