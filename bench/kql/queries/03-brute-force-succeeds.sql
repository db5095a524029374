-- ordered
WITH failures AS (
    SELECT UserPrincipalName, IPAddress, time_bucket(INTERVAL 1 HOUR, TimeGenerated) AS Hour,
           count(*) AS Failures, min(TimeGenerated) AS FirstFailure
    FROM SigninLogs
    WHERE ResultType = '50126'
    GROUP BY ALL
    HAVING Failures >= 10
)
SELECT UserPrincipalName, IPAddress, min(success.TimeGenerated) AS Success, max(Failures) AS Failures
FROM SigninLogs AS success
JOIN failures USING (UserPrincipalName, IPAddress)
WHERE ResultType = '0' AND success.TimeGenerated BETWEEN FirstFailure AND FirstFailure + INTERVAL 2 HOUR
GROUP BY UserPrincipalName, IPAddress
ORDER BY Failures DESC, UserPrincipalName, IPAddress
LIMIT 50
