-- ordered
-- about: Devices 10%
SELECT FileName, regexp_extract(ProcessCommandLine, '://([^/]*)/', 1) AS Host, count(*) AS Runs,
       approx_count_distinct(DeviceId) AS Devices, max(TimeGenerated) AS LastSeen
FROM DeviceProcessEvents
WHERE lower(FileName) IN ('certutil.exe', 'bitsadmin.exe', 'mshta.exe', 'curl.exe')
  AND regexp_matches(ProcessCommandLine, '\bhttp\b', 'i')
GROUP BY ALL
ORDER BY FileName, Host
