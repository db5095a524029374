-- ordered
WITH categories AS (
    SELECT Decision, unnest(Properties->'$.shield.categories[*]') AS category
    FROM GatewayLogs
    WHERE TimeGenerated >= TIMESTAMPTZ '2026-11-05 00:00:00+00'
), scores AS (
    SELECT Decision, category->>'$.name' AS Name, (category->>'$.score')::DOUBLE AS Score
    FROM categories
)
SELECT Name, Decision, count(*) AS Hits, count(*) FILTER (Score >= 0.7) AS High, avg(Score) AS Mean, max(Score) AS Highest
FROM scores
GROUP BY ALL
ORDER BY Name, Decision
