//! `SigninLogs`: people sign in, forget passwords, travel - and some are not who they say.

use anyhow::Result;

use crate::events::attack::{BRUTE_FORCE, SPRAY, Strike, TRAVEL, under_way};
use crate::events::rows::{Cell, Rows};
use crate::events::vocabulary::{ABROAD, SYSTEMS};
use crate::events::world::{Place, User, World, address, guid};
use crate::random::Random;

/// Error code and description as Entra ID gives them.
type Outcome = (&'static str, &'static str);

const SUCCESS: Outcome = ("0", "");
const WRONG_PASSWORD: Outcome =
    ("50126", "Invalid username or password or Invalid on-premise username or password.");

const OUTCOMES: &[(u64, Outcome)] = &[
    (880, SUCCESS),
    (30, WRONG_PASSWORD),
    (28, ("50140", "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.")),
    (20, ("50074", "Strong Authentication is required.")),
    (16, ("50125", "Sign-in was interrupted due to a password reset or password registration entry.")),
    (12, ("53003", "Access has been blocked by Conditional Access policies.")),
    (8, ("65001", "The user or administrator has not consented to use the application.")),
    (
        4,
        (
            "50053",
            "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        ),
    ),
    (2, ("50057", "The user account is disabled.")),
];

/// Application with its id.
const APPLICATIONS: &[(u64, (&str, &str))] = &[
    (30, ("Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000")),
    (22, ("Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264")),
    (14, ("Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000")),
    (10, ("Azure Portal", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c")),
    (8, ("Claims Desk", "7a0f4a4e-6d5b-4a55-9a36-2d7f7c1f0a11")),
    (6, ("Microsoft Azure CLI", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")),
    (5, ("Assistant Studio", "b1d0c6f2-3a58-4d0f-8f43-9f3f4d1c7e22")),
    (5, ("Visual Studio Code", "aebc6443-996d-45c2-90f0-388ff96faa56")),
];

const CLIENTS: &[(u64, &str)] = &[
    (600, "Browser"),
    (360, "Mobile Apps and Desktop clients"),
    (14, "Exchange ActiveSync"),
    (8, "IMAP4"),
    (6, "Authenticated SMTP"),
    (4, "POP3"),
    (3, "Other clients"),
];

/// What distinguishes one sign-in from another.
struct SignIn<'a> {
    user: &'a User,
    address: String,
    place: Place,
    outcome: Outcome,
    client: &'static str,
    agent: &'static str,
    risk: &'static str,
}

pub(super) fn event(world: &World, random: &mut Random, at: i64, rows: &mut Rows) -> Result<()> {
    let sign_in = attack(world, random, at).unwrap_or_else(|| ordinary(world, random));
    push(&sign_in, random, at, rows)
}

fn ordinary<'a>(world: &'a World, random: &mut Random) -> SignIn<'a> {
    let user = world.users.pick(random);
    let (_, _, agent) = SYSTEMS.get(user.system).copied().unwrap_or_default();
    let is_travelling = random.chance(120);
    let address = match random.weighted(&[(70, 0), (26, 1), (4, 2)]) {
        0 if !is_travelling => world.offices.pick(random).clone(),
        1 if !is_travelling => user.home_address.clone(),
        _ => address(random, 81, 60),
    };
    let place = if is_travelling { random.pick(ABROAD) } else { user.place };
    let (outcome, client) = (random.weighted(OUTCOMES), random.weighted(CLIENTS));
    let risk = random.weighted(&[(970, "none"), (20, "low"), (8, "medium"), (2, "high")]);
    SignIn { user, address, place, outcome, client, agent, risk }
}

/// One of the attacks that are under way, if it is this event's turn.
fn attack<'a>(world: &'a World, random: &mut Random, at: i64) -> Option<SignIn<'a>> {
    match random.below(100) {
        0..20 => spray(world, random, at),
        20..30 => brute_force(world, random, at),
        30..32 => travel(world, random, at),
        _ => None,
    }
}

fn spray<'a>(world: &'a World, random: &mut Random, at: i64) -> Option<SignIn<'a>> {
    let Strike { address, place, .. } = under_way(&SPRAY, world, at)?;
    let outcome = if random.chance(400) { SUCCESS } else { WRONG_PASSWORD };
    let user = world.users.pick(random);
    let risk = random.pick(&["medium", "high"]);
    let client = "Authenticated SMTP";
    Some(SignIn { user, address, place, outcome, client, agent: "BAV2ROPC", risk })
}

fn brute_force<'a>(world: &'a World, random: &mut Random, at: i64) -> Option<SignIn<'a>> {
    let Strike { address, place, progress, random: mut chosen } = under_way(&BRUTE_FORCE, world, at)?;
    let user = world.users.pick(&mut chosen);
    let gets_in = progress >= 90 && random.flag();
    let outcome = if gets_in { SUCCESS } else { WRONG_PASSWORD };
    let (client, agent) = ("Browser", "python-requests/2.32.5");
    Some(SignIn { user, address, place, outcome, client, agent, risk: "high" })
}

fn travel<'a>(world: &'a World, random: &mut Random, at: i64) -> Option<SignIn<'a>> {
    let mut strike = under_way(&TRAVEL, world, at)?;
    let user = world.users.pick(&mut strike.random);
    let (_, _, agent) = SYSTEMS.get(user.system).copied().unwrap_or_default();
    let abroad = [user.place, strike.random.pick(ABROAD), strike.random.pick(ABROAD)];
    let place = random.pick(&abroad);
    let address = address(random, 81, 60);
    Some(SignIn { user, address, place, outcome: SUCCESS, client: "Browser", agent, risk: "medium" })
}

fn push(sign_in: &SignIn<'_>, random: &mut Random, at: i64, rows: &mut Rows) -> Result<()> {
    let SignIn { user, address, place, outcome, client, agent, risk } = sign_in;
    let (code, description) = *outcome;
    let (application, application_id) = random.weighted(APPLICATIONS);
    let needs_more = random.chance(62_000);
    let requirement = if needs_more { "multiFactorAuthentication" } else { "singleFactorAuthentication" };
    let policies = policies(code, needs_more, random);
    let access = match code {
        "53003" => "failure",
        _ if needs_more => "success",
        _ => "notApplied",
    };
    rows.push(&[
        ("TimeGenerated", Cell::Time(at)),
        ("CorrelationId", Cell::Text(&guid(random))),
        ("UserPrincipalName", Cell::Text(&user.principal)),
        ("UserDisplayName", Cell::Text(&user.display)),
        ("UserId", Cell::Text(&user.id)),
        ("IPAddress", Cell::Text(address)),
        ("AutonomousSystemNumber", Cell::Text(&system_number(address))),
        ("Location", Cell::Text(place.0)),
        ("LocationDetails", Cell::Dynamic(&location(*place))),
        ("ResultType", Cell::Text(code)),
        ("ResultDescription", Cell::Text(description)),
        ("Status", Cell::Dynamic(&status(*outcome))),
        ("AppDisplayName", Cell::Text(application)),
        ("AppId", Cell::Text(application_id)),
        ("ClientAppUsed", Cell::Text(client)),
        ("UserAgent", Cell::Text(agent)),
        ("DeviceDetail", Cell::Dynamic(&device(user, random))),
        ("AuthenticationRequirement", Cell::Text(requirement)),
        ("AuthenticationDetails", Cell::Text(&steps(code, needs_more, random))),
        ("ConditionalAccessStatus", Cell::Text(access)),
        ("ConditionalAccessPolicies", Cell::Dynamic(&policies)),
        ("RiskLevelDuringSignIn", Cell::Text(risk)),
        ("IsInteractive", Cell::Flag(random.chance(80_000))),
        ("DurationMs", Cell::Long(i64::try_from(40 + random.below(900)).unwrap_or(0))),
    ])
}

/// One number per network, as real ones are.
fn system_number(address: &str) -> String {
    let network = address.split('.').next().and_then(|first| first.parse::<u32>().ok()).unwrap_or(0);
    (1_000 + network * 37).to_string()
}

fn location((country, state, city, latitude, longitude): Place) -> String {
    format!(
        r#"{{"city":"{city}","state":"{state}","countryOrRegion":"{country}","geoCoordinates":{{"latitude":{latitude},"longitude":{longitude}}}}}"#
    )
}

fn status((code, description): Outcome) -> String {
    let details = if code == "0" { "MFA requirement satisfied by claim in the token" } else { "" };
    format!(r#"{{"errorCode":{code},"failureReason":"{description}","additionalDetails":"{details}"}}"#)
}

fn device(user: &User, random: &mut Random) -> String {
    let (system, browser, _) = SYSTEMS.get(user.system).copied().unwrap_or_default();
    let is_managed = random.chance(85_000);
    let trust = if is_managed { "Azure AD joined" } else { "" };
    format!(
        r#"{{"deviceId":"{}","displayName":"{}","operatingSystem":"{system}","browser":"{browser}","isCompliant":{},"isManaged":{is_managed},"trustType":"{trust}"}}"#,
        if is_managed { user.device_id.as_str() } else { "" },
        if is_managed { user.device_name.as_str() } else { "" },
        is_managed && random.chance(93_000),
    )
}

/// Each step of the sign-in: a JSON array inside a string column, as the service writes it.
fn steps(code: &str, needs_more: bool, random: &mut Random) -> String {
    let is_good = code != WRONG_PASSWORD.0;
    let result = if is_good { "First factor requirement satisfied" } else { "Invalid username or password" };
    let first = random.weighted(&[
        (70, "Password"),
        (20, "Windows Hello for Business"),
        (10, "Previously satisfied"),
    ]);
    let mut steps = format!(
        r#"[{{"authenticationMethod":"{first}","succeeded":{is_good},"authenticationStepResultDetail":"{result}"}}"#
    );
    if needs_more && is_good {
        let second = random.weighted(&[
            (60, "Mobile app notification"),
            (25, "Passkey"),
            (10, "OATH verification code"),
            (5, "Text message"),
        ]);
        let is_satisfied = code != "50074";
        steps.push_str(&format!(
            r#",{{"authenticationMethod":"{second}","succeeded":{is_satisfied},"authenticationStepResultDetail":"MFA completed in Azure AD"}}"#
        ));
    }
    steps.push(']');
    steps
}

/// The policies that were looked at with their results.
fn policies(code: &str, needs_more: bool, random: &mut Random) -> String {
    const POLICIES: [&str; 5] = [
        "Require MFA for all users",
        "Block legacy authentication",
        "Require compliant device",
        "Block sign-ins from high-risk countries",
        "Terms of use for guests",
    ];
    let blocking = if code == "53003" { random.below(4) } else { 5 };
    let mut out = String::from("[");
    for (number, name) in (0_u64..).zip(POLICIES) {
        let result = match number {
            _ if number == blocking => "failure",
            0 if needs_more => "success",
            2 => random.pick(&["success", "reportOnlySuccess", "reportOnlyFailure"]),
            _ => "notApplied",
        };
        let controls = if number == 0 { r#"["Mfa"]"# } else { r#"["Block"]"# };
        let comma = if number == 0 { "" } else { "," };
        out.push_str(&format!(
            r#"{comma}{{"id":"c0ffee00-0000-4000-8000-00000000000{number}","displayName":"{name}","result":"{result}","enforcedGrantControls":{controls}}}"#
        ));
    }
    out.push(']');
    out
}
