-- ordered
-- about: MostAddresses 10%
WITH hours AS (
    SELECT UserPrincipalName, time_bucket(INTERVAL 1 HOUR, TimeGenerated) AS Slot,
           count(DISTINCT Location) AS Countries, count(DISTINCT IPAddress) AS Addresses,
           min(TimeGenerated) AS FirstSeen
    FROM SigninLogs
    WHERE ResultType = '0'
    GROUP BY ALL
    HAVING Countries >= 3
)
SELECT UserPrincipalName, count(*) AS Times, max(Addresses) AS MostAddresses, min(FirstSeen) AS FirstSeen
FROM hours
GROUP BY UserPrincipalName
ORDER BY Times DESC, UserPrincipalName
LIMIT 100
