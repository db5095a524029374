-- ordered
-- about: Sessions 10%
SELECT UserPrincipalName, count(*) AS Attempts, count(*) FILTER (Decision = 'allowed') AS LetThrough,
       approx_count_distinct(SessionId) AS Sessions, min(TimeGenerated) AS FirstSeen, max(TimeGenerated) AS LastSeen
FROM GatewayLogs
WHERE (Prompt ILIKE '%ignore%'
       AND regexp_matches(Prompt, '\bignore\b', 'i') AND regexp_matches(Prompt, '\binstructions\b', 'i'))
   OR Prompt ILIKE '%no restrictions%'
   OR regexp_matches(Prompt, 'pretend to be an? admin', 'i')
GROUP BY UserPrincipalName
ORDER BY Attempts DESC, UserPrincipalName
LIMIT 50
