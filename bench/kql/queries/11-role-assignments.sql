-- ordered
-- about: Targets 10%
WITH roles(RoleId, RoleName) AS (
    VALUES ('8e3af657-a8ff-443c-a75c-2fe8c4bcb635', 'Owner'),
           ('18d7d88d-d35e-4fb5-a5c3-7773c20a72d9', 'User Access Administrator'),
           ('b24988ac-6180-42a0-ab88-20f7382dd24c', 'Contributor')
), requests AS (
    SELECT Caller, Properties_d->>'$.requestbody' AS Request
    FROM AzureActivity
    WHERE lower(OperationNameValue) = 'microsoft.authorization/roleassignments/write' AND ActivityStatusValue = 'Success'
), assignments AS (
    SELECT Caller, Request->>'$.Properties.PrincipalId' AS Target,
           regexp_extract(Request->>'$.Properties.RoleDefinitionId', 'roleDefinitions/([0-9a-f-]{36})', 1) AS RoleId
    FROM requests
)
SELECT Caller, RoleName, count(*) AS Assignments, approx_count_distinct(Target) AS Targets
FROM assignments
JOIN roles USING (RoleId)
GROUP BY ALL
ORDER BY Assignments DESC, Caller, RoleName
LIMIT 50
