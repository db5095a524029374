-- ordered
WITH pairs AS (
    SELECT DISTINCT IPAddress, UserPrincipalName, ResultType = '0' AS Succeeded
    FROM SigninLogs
    WHERE IPAddress LIKE '203.0.113.%' OR IPAddress LIKE '198.51.100.%'
)
SELECT IPAddress, count(*) AS Users, count(*) FILTER (Succeeded) AS Lost
FROM pairs
GROUP BY IPAddress
ORDER BY Users DESC, IPAddress
LIMIT 50
