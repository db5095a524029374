-- ordered
-- set: Models
WITH people AS (
    SELECT UserPrincipalName, any_value(UserDisplayName) AS Name, count(*) AS SignIns
    FROM SigninLogs
    GROUP BY UserPrincipalName
), costs AS (
    SELECT UserPrincipalName, sum(CostUsd) AS Cost, count(*) AS Requests, list(DISTINCT Model) AS Models
    FROM GatewayLogs
    GROUP BY UserPrincipalName
    ORDER BY Cost DESC
    LIMIT 25
)
SELECT Name, UserPrincipalName, SignIns, Requests, Models, Cost
FROM costs
LEFT JOIN people USING (UserPrincipalName)
ORDER BY Cost DESC
