-- ordered
-- about: Keys 10%
-- about: Users 15%
SELECT Application, Decision, count(*) AS Prompts, approx_count_distinct(Key) AS Keys,
       approx_count_distinct(UserPrincipalName) AS Users
FROM (
    SELECT Application, Decision, UserPrincipalName, regexp_extract(Prompt, '\b(AKIA[A-Z2-7]{16})\b', 1) AS Key
    FROM GatewayLogs
    WHERE contains(Prompt, 'AKIA')
)
WHERE Key <> ''
GROUP BY ALL
ORDER BY Application, Decision
