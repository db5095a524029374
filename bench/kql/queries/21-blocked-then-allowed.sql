-- ordered
-- about: Sessions 10%
-- about: Users 10%
WITH blocked AS (
    SELECT SessionId, min(TimeGenerated) AS BlockedTime
    FROM GatewayLogs
    WHERE Decision = 'blocked'
    GROUP BY SessionId
)
SELECT Model, count(*) AS Retries, approx_count_distinct(SessionId) AS Sessions,
       approx_count_distinct(UserPrincipalName) AS Users
FROM GatewayLogs
JOIN blocked USING (SessionId)
WHERE Decision = 'allowed' AND Status = 200 AND TimeGenerated > BlockedTime
GROUP BY Model
ORDER BY Model
