-- ordered
-- about: Users 10%
SELECT policy.displayName AS Policy, AppDisplayName, count(*) AS Failures,
       approx_count_distinct(UserPrincipalName) AS Users
FROM (
    SELECT UserPrincipalName, AppDisplayName,
           unnest(from_json(ConditionalAccessPolicies, '[{"displayName": "VARCHAR", "result": "VARCHAR"}]')) AS policy
    FROM SigninLogs
    WHERE TimeGenerated >= TIMESTAMPTZ '2026-11-10 00:00:00+00'
)
WHERE policy.result = 'failure'
GROUP BY ALL
ORDER BY Policy, AppDisplayName
