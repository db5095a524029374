//! Attacks: each kind strikes once in every window of time, at a moment, from an address and at a user that depend on
//! the seed and the window alone, so that events of different tables belong to the same attack.

use crate::events::time::{HOUR, MINUTE, START, window};
use crate::events::vocabulary::ABROAD;
use crate::events::world::{Place, World};
use crate::random::Random;

/// A kind of attack: how often it strikes and how long it lasts, in microseconds.
pub(super) struct Kind {
    number: u64,
    every: i64,
    lasts: i64,
}

/// One address tries a few passwords on many users.
pub(super) const SPRAY: Kind = Kind { number: 1, every: 12 * HOUR, lasts: 2 * HOUR };
/// One address tries many passwords on one user, and gets in at last.
pub(super) const BRUTE_FORCE: Kind = Kind { number: 2, every: 6 * HOUR, lasts: 30 * MINUTE };
/// One user signs in from three countries within an hour.
pub(super) const TRAVEL: Kind = Kind { number: 3, every: 2 * HOUR, lasts: HOUR };
/// One user tries to talk the models out of their instructions.
pub(super) const JAILBREAK: Kind = Kind { number: 4, every: 8 * HOUR, lasts: HOUR };
/// One caller deletes what it can reach.
pub(super) const DELETION: Kind = Kind { number: 5, every: 48 * HOUR, lasts: 20 * MINUTE };

/// An attack that is under way.
pub(super) struct Strike {
    /// The attacker's address, out of networks that are set aside for documentation.
    pub(super) address: String,
    /// Where that address seems to be.
    pub(super) place: Place,
    /// Starts over for every event, so that all of an attack's events see the same numbers.
    pub(super) random: Random,
    /// How much of it is over, in percent.
    pub(super) progress: i64,
}

/// The attack of a kind that is under way at a time.
pub(super) fn under_way(kind: &Kind, world: &World, at: i64) -> Option<Strike> {
    let number = window(at, kind.every);
    let mut random = Random::stream(world.seed, (kind.number << 32) | number);
    let slots = u64::try_from((kind.every - kind.lasts) / MINUTE).unwrap_or(0);
    let offset = i64::try_from(random.below(slots)).unwrap_or(0) * MINUTE;
    let elapsed = (at - START) % kind.every - offset;
    if !(0..kind.lasts).contains(&elapsed) {
        return None;
    }
    let network = random.pick(&["203.0.113", "198.51.100"]);
    let address = format!("{network}.{}", 1 + random.below(254));
    let place = random.pick(ABROAD);
    Some(Strike { address, place, random, progress: 100 * elapsed / kind.lasts })
}
