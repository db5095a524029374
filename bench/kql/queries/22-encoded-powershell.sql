-- ordered
-- set: Parents
SELECT DeviceName, count(*) AS Runs,
       max(length(regexp_extract(ProcessCommandLine, '\s-enc\w*\s+([A-Za-z0-9+/=]+)', 1, 'i'))) AS Longest,
       list(DISTINCT InitiatingProcessFileName) AS Parents, min(TimeGenerated) AS FirstSeen
FROM DeviceProcessEvents
WHERE lower(FileName) IN ('powershell.exe', 'pwsh.exe')
  AND regexp_matches(ProcessCommandLine, '\b(enc|encodedcommand)\b', 'i')
GROUP BY DeviceName
ORDER BY Runs DESC, DeviceName
LIMIT 50
