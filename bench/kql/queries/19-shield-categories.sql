-- ordered
WITH categories AS (
    SELECT Decision,
           unnest(from_json(Properties->'$.shield.categories', '[{"name": "VARCHAR", "score": "DOUBLE"}]')) AS category
    FROM GatewayLogs
    WHERE TimeGenerated >= TIMESTAMPTZ '2026-11-05 00:00:00+00'
)
SELECT category.name AS Name, Decision, count(*) AS Hits, count(*) FILTER (category.score >= 0.7) AS High,
       avg(category.score) AS Mean, max(category.score) AS Highest
FROM categories
GROUP BY ALL
ORDER BY Name, Decision
