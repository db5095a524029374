-- ordered
SELECT ResourceProviderValue,
       CASE WHEN OperationNameValue ILIKE '%/delete' THEN 'delete'
            WHEN OperationNameValue ILIKE '%/write' THEN 'write'
            WHEN regexp_matches(OperationNameValue, '\blistkeys\b', 'i') THEN 'keys'
            ELSE 'other' END AS Kind,
       CASE WHEN contains(Caller, '@') THEN 'person' ELSE 'pipeline' END AS Who,
       count(*) AS Operations, count(*) FILTER (ActivityStatusValue = 'Failure') AS Failed
FROM AzureActivity
GROUP BY ALL
ORDER BY ResourceProviderValue, Kind, Who
