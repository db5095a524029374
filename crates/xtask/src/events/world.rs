//! Who and what there is: users with their devices and places, offices, resources. The same for all tables of a seed, so
//! that joins find each other.

use crate::events::vocabulary::{FIRST_NAMES, LAST_NAMES, PLACES, RESOURCE_TYPES};
use crate::random::{Random, Skewed};

/// The domain of the made-up company.
pub(super) const DOMAIN: &str = "harbour-mutual.example";

const USERS: u64 = 20_000;
const OFFICES: u64 = 12;
const RESOURCES: u64 = 3_000;
const SUBSCRIPTIONS: u64 = 6;

/// A town: country code, state, town, latitude and longitude as JSON numbers.
pub(super) type Place = (&'static str, &'static str, &'static str, &'static str, &'static str);

pub(super) struct User {
    pub(super) principal: String,
    pub(super) display: String,
    pub(super) account: String,
    pub(super) id: String,
    pub(super) sid: String,
    pub(super) place: Place,
    pub(super) home_address: String,
    /// Where the user's laptop stands in the company's network.
    pub(super) inner_address: String,
    pub(super) device_name: String,
    pub(super) device_id: String,
    /// One of `vocabulary::SYSTEMS`, by its number.
    pub(super) system: usize,
}

pub(super) struct Resource {
    pub(super) subscription: String,
    pub(super) group: String,
    /// Provider and type, such as `Microsoft.Storage/storageAccounts`.
    pub(super) kind: &'static str,
    pub(super) id: String,
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) users: Skewed<User>,
    pub(super) offices: Skewed<String>,
    pub(super) resources: Skewed<Resource>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::stream(seed, 0);
        Self {
            seed,
            users: Skewed::new(USERS - 1, 50, |number| user(number, &mut random)),
            offices: Skewed::new(OFFICES - 1, 2, |number| {
                format!("194.71.{}.{}", 10 + number, 4 + 8 * number)
            }),
            resources: Skewed::new(RESOURCES - 1, 20, |number| resource(number, seed)),
        }
    }
}

fn user(number: u64, random: &mut Random) -> User {
    let (first, last) = (random.pick(FIRST_NAMES), random.pick(LAST_NAMES));
    let account = format!("{}.{}{number}", first.to_lowercase(), last.to_lowercase());
    User {
        principal: format!("{account}@{DOMAIN}"),
        display: format!("{first} {last}"),
        account,
        id: guid(random),
        sid: format!("S-1-5-21-1844237615-1708537768-725345543-{}", 10_000 + number),
        place: random.weighted(PLACES),
        home_address: address(random, 81, 12),
        inner_address: address(random, 10, 1),
        device_name: format!("lap-{:05}.corp.{DOMAIN}", (number * 7_919) % 100_000),
        device_id: hex(random, 40),
        system: usize::try_from(random.weighted(&[(60, 0), (22, 1), (12, 2), (6, 3)])).unwrap_or(0),
    }
}

fn resource(number: u64, seed: u64) -> Resource {
    let mut random = Random::stream(seed, 1_000_000 + number);
    let subscription = format!("6d3f8a10-41c2-4b7e-9d55-0000000000{:02}", random.below(SUBSCRIPTIONS));
    let area = random.pick(&["claims", "fraud", "lending", "web", "data", "platform", "assistants"]);
    let group = format!("rg-{area}-{}", random.weighted(&[(5, "prod"), (3, "test"), (2, "dev")]));
    let kind = random.weighted(RESOURCE_TYPES);
    let id =
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{area}{number:04}");
    Resource { subscription, group, kind, id }
}

/// An address whose first number is one of `count` from `first` on.
pub(super) fn address(random: &mut Random, first: u64, count: u64) -> String {
    let network = first + random.below(count);
    format!("{network}.{}.{}.{}", random.below(256), random.below(256), 1 + random.below(254))
}

/// Random hexadecimal digits.
pub(super) fn hex(random: &mut Random, digits: usize) -> String {
    let mut text = String::with_capacity(digits + 15);
    while text.len() < digits {
        text.push_str(&format!("{:015x}", random.wide() >> 2));
    }
    text.truncate(digits);
    text
}

/// A random GUID (version 4 in form).
pub(super) fn guid(random: &mut Random) -> String {
    let (high, low) = (random.wide(), random.wide());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high & 0xffff_ffff,
        (high >> 32) & 0xffff,
        high >> 50 & 0xfff,
        low & 0xfff,
        (low >> 12) & 0xffff_ffff_ffff
    )
}
