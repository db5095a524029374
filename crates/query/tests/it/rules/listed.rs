//! Rules that cannot be run here, or have no one answer, each with the reason.

pub(super) const LISTED: [(&str, &str); 35] = [
    (
        "Detections__ASimNetworkSession__PossibleBeaconingActivity",
        "gives a timespan where the function wants a time",
    ),
    ("Detections__ASimWebSession__PossibleDGAContacts", "reads `externaldata`"),
    ("Detections__AuditLogs__MaliciousOAuthApp_PwnAuth", "reads `externaldata`"),
    (
        "Detections__AuditLogs__ServicePrincipalAssignedAppRoleWithSensitiveAccess",
        "reads a column that it has dropped before",
    ),
    ("Detections__AuditLogs__SuspiciousOAuthApp_OfflineAccess", "reads `externaldata`"),
    ("Detections__AzureActivity__Granting_Permissions_To_Account_detection", "reads `externaldata`"),
    (
        "Detections__DeviceEvents__SolarWinds_TEARDROP_Process-IOCs",
        "has no query: the file says where the rule went",
    ),
    (
        "Detections__DeviceFileEvents__SolarWinds_SUNBURST___SUPERNOVA_File-IOCs",
        "has no query: the file says where the rule went",
    ),
    ("Detections__MultipleDataSources__ChiaCryptoMining", "reads `externaldata`"),
    ("Detections__MultipleDataSources__Dev-0530_July2022", "reads `externaldata`"),
    ("Detections__MultipleDataSources__Dev-0586_Jan2022_IOC", "reads `externaldata`"),
    ("Detections__MultipleDataSources__Log4J_IPIOC_Dec112021", "reads `externaldata`"),
    ("Detections__MultipleDataSources__NOBELIUM_IOCsMay2021", "reads `externaldata`"),
    ("Detections__MultipleDataSources__Nobelium_FoggyWeb", "reads `externaldata`"),
    (
        "Detections__MultipleDataSources__PotentialBuildProcessCompromiseMDE",
        "has no query: the file says where the rule went",
    ),
    ("Detections__MultipleDataSources__SOURGUM_IOC", "reads `externaldata`"),
    ("Detections__MultipleDataSources__SUNSPOTHashes", "has no query: the file says where the rule went"),
    ("Detections__MultipleDataSources__TarraskHashIoC", "reads `externaldata`"),
    ("Detections__SecurityAlert__AVTarrask", "has no query: the file says where the rule went"),
    (
        "Detections__SecurityAlert__AVdetectionsrelatedtoUkrainebasedthreats",
        "has no query: the file says where the rule went",
    ),
    ("Detections__SecurityAlert__ActiniumAVHits", "reads `externaldata`"),
    (
        "Detections__SecurityEvent__ADFSRemoteHTTPNetworkConnection",
        "reads a column that the published table does not have",
    ),
    ("Detections__SecurityEvent__ScheduleTaskHide", "reads a column that the published table does not have"),
    (
        "Detections__SecurityEvent__StartStopHealthService",
        "reads a column that the published table does not have",
    ),
    ("Detections__SecurityEvent__WindowsBinariesExecutedfromNon-DefaultDirectory", "reads `externaldata`"),
    ("Detections__SecurityEvent__WindowsBinariesLolbinsRenamed", "reads `externaldata`"),
    ("Detections__SecurityEvent__malware_in_recyclebin", "reads `externaldata`"),
    ("Detections__SigninLogs__AzurePortalSigninfromanotherAzureTenant", "reads `externaldata`"),
    (
        "Detections__SigninLogs__PrivilegedUserLogonfromnewASN",
        "reads `IpAddress`, and the column is `IPAddress`",
    ),
    (
        "Detections__ThreatIntelligenceIndicator__FileHashEntity_Covid19_CommonSecurityLog",
        "reads `externaldata`",
    ),
    ("Detections__W3CIISLog__ProxyShellPwn2Own", "reads a column that the table does not have"),
    ("Detections__WindowsEvent__ChiaCryptoMining_WindowsEvent", "reads `externaldata`"),
    ("Detections__WindowsEvent__SOURGUM_IOC_WindowsEvent", "reads `externaldata`"),
    (
        "Solutions__MicrosoftPurviewInsiderRiskManagement__Analytic_Rules__InsiderRiskSensitiveDataAccessOutsideOrgGeo",
        "takes 25 of more rows with the same count, which may be any",
    ),
    ("Solutions__VMWareESXi__Analytic_Rules__ESXiDormantVMStarted", "`datetime(now)` is no time"),
];
