-- ordered
WITH files AS (
    SELECT SHA256, FileName, count(*) AS Runs, approx_count_distinct(DeviceId) AS Devices, min(TimeGenerated) AS FirstSeen
    FROM DeviceProcessEvents
    WHERE FolderPath ILIKE 'c:\windows\%' OR FolderPath ILIKE 'c:\program files%'
    GROUP BY ALL
    HAVING Runs = 1 AND Devices = 1
)
SELECT FileName, count(*) AS Files, min(FirstSeen) AS FirstSeen, max(FirstSeen) AS LastSeen
FROM files
GROUP BY FileName
ORDER BY FileName
