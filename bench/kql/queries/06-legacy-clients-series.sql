-- ordered
WITH counts AS (
    SELECT ClientAppUsed, time_bucket(INTERVAL 6 HOUR, TimeGenerated) AS Slot, count(*) AS SignIns
    FROM SigninLogs
    WHERE lower(ClientAppUsed) IN ('imap4', 'pop3', 'authenticated smtp', 'other clients')
      AND TimeGenerated >= TIMESTAMPTZ '2026-11-01 00:00:00+00' AND TimeGenerated < TIMESTAMPTZ '2026-11-15 00:00:00+00'
    GROUP BY ALL
), grid AS (
    SELECT ClientAppUsed, Slot
    FROM (SELECT DISTINCT ClientAppUsed FROM counts),
         range(TIMESTAMPTZ '2026-11-01 00:00:00+00', TIMESTAMPTZ '2026-11-15 00:00:00+00', INTERVAL 6 HOUR) AS slots(Slot)
)
SELECT ClientAppUsed, list(coalesce(SignIns, 0) ORDER BY Slot) AS SignIns
FROM grid
LEFT JOIN counts USING (ClientAppUsed, Slot)
GROUP BY ClientAppUsed
ORDER BY ClientAppUsed
