-- ordered
-- about: Hours 10%
WITH events AS (
    SELECT TimeGenerated, 'sign-in' AS Source FROM SigninLogs WHERE UserPrincipalName ILIKE 'elin.m%'
    UNION ALL
    SELECT TimeGenerated, 'change' FROM AzureActivity WHERE Caller ILIKE 'elin.m%'
    UNION ALL
    SELECT TimeGenerated, 'prompt' FROM GatewayLogs WHERE UserPrincipalName ILIKE 'elin.m%'
    UNION ALL
    SELECT TimeGenerated, 'process' FROM DeviceProcessEvents WHERE AccountUpn ILIKE 'elin.m%'
)
SELECT time_bucket(INTERVAL 24 HOUR, TimeGenerated) AS Day, Source, count(*) AS Events,
       approx_count_distinct(time_bucket(INTERVAL 1 HOUR, TimeGenerated)) AS Hours
FROM events
GROUP BY ALL
ORDER BY Day, Source
