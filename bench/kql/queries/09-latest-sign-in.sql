-- ordered
SELECT UserPrincipalName, max(TimeGenerated) AS TimeGenerated, arg_max(IPAddress, TimeGenerated) AS IPAddress,
       arg_max(Location, TimeGenerated) AS Location, arg_max(AppDisplayName, TimeGenerated) AS AppDisplayName
FROM SigninLogs
WHERE ResultType = '0'
GROUP BY UserPrincipalName
ORDER BY TimeGenerated
LIMIT 100
