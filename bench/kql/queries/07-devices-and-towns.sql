-- ordered
-- about: Users 10%
SELECT DeviceDetail->>'$.operatingSystem' AS System, LocationDetails->>'$.city' AS Town,
       count(*) AS SignIns, approx_count_distinct(UserPrincipalName) AS Users
FROM SigninLogs
WHERE ResultType = '0' AND DeviceDetail->>'$.isManaged' = 'false'
GROUP BY ALL
ORDER BY System, Town
