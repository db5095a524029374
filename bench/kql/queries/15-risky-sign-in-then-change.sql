-- ordered
-- about: Users 10%
SELECT OperationNameValue, count(*) AS Changes, approx_count_distinct(UserPrincipalName) AS Users
FROM SigninLogs AS signin
JOIN AzureActivity AS activity
  ON UserPrincipalName = Caller AND IPAddress = CallerIpAddress
 AND activity.TimeGenerated BETWEEN signin.TimeGenerated AND signin.TimeGenerated + INTERVAL 1 HOUR
WHERE RiskLevelDuringSignIn IN ('medium', 'high') AND ResultType = '0' AND ActivityStatusValue = 'Success'
GROUP BY OperationNameValue
ORDER BY Changes DESC, OperationNameValue
