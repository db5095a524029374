-- ordered
-- about: Resources 10%
-- set: Types
SELECT Caller, time_bucket(INTERVAL 10 MINUTE, TimeGenerated) AS Slot, count(*) AS Deletions,
       approx_count_distinct(_ResourceId) AS Resources,
       list(DISTINCT regexp_extract(OperationNameValue, '^([^/]+/[^/]+)', 1)) AS Types
FROM AzureActivity
WHERE OperationNameValue ILIKE '%/delete' AND lower(ActivityStatusValue) IN ('success', 'start') AND contains(Caller, '@')
GROUP BY ALL
HAVING Deletions >= 10
ORDER BY Slot, Caller
