-- ordered
-- about: Users 10%
WITH known AS (
    SELECT DISTINCT UserPrincipalName, Location
    FROM SigninLogs
    WHERE TimeGenerated >= TIMESTAMPTZ '2026-11-05 00:00:00+00'
      AND TimeGenerated < TIMESTAMPTZ '2026-11-19 00:00:00+00' AND ResultType = '0'
)
SELECT Location, count(*) AS SignIns, approx_count_distinct(UserPrincipalName) AS Users
FROM SigninLogs
ANTI JOIN known USING (UserPrincipalName, Location)
WHERE TimeGenerated >= TIMESTAMPTZ '2026-11-19 00:00:00+00' AND ResultType = '0'
GROUP BY Location
ORDER BY Location
