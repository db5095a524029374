//! How often somebody may try to sign in.
//!
//! Attempts that fail are counted by address, and all together. A right token is never refused for what its own address did
//! not do, so that nobody is kept out by others unless they come from the same address. *Invariant (bounded):* at most so many
//! addresses are remembered; where there is no room, those that were seen longest ago are forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use castellan_base::Ticks;

/// Failed attempts of one address in a window, and how long that is.
const MOST: u32 = 10;
const WINDOW: i64 = 60 * Ticks::PER_SECOND;
/// Addresses that are remembered: some 400 KB.
const ADDRESSES: usize = 4_096;

/// Where somebody comes from: an address of IPv4, or the first 64 bits of one of IPv6, which are one network's.
type From = u64;

/// Failed attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    known: Mutex<HashMap<From, Failed>>,
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    since: Ticks,
    count: u32,
}

impl Failed {
    fn is_over(&self, now: Ticks) -> bool {
        now.get().saturating_sub(self.since.get()) >= WINDOW || now < self.since
    }
}

impl Attempts {
    /// Whether an address may try; otherwise after how many seconds.
    pub(super) fn may(&self, address: IpAddr, now: Ticks) -> Result<(), u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&from(address)) {
            Some(failed) if failed.count >= MOST && !failed.is_over(now) => {
                let left = WINDOW - (now.get() - failed.since.get());
                Err(u64::try_from(left / Ticks::PER_SECOND + 1).unwrap_or(1))
            }
            _ => Ok(()),
        }
    }

    /// An attempt failed.
    pub(super) fn failed(&self, address: IpAddr, now: Ticks) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES && !known.contains_key(&from(address)) {
            known.retain(|_, failed| !failed.is_over(now));
            let oldest = known.iter().min_by_key(|(_, failed)| failed.since).map(|(key, _)| *key);
            if let Some(oldest) = oldest.filter(|_| known.len() >= ADDRESSES) {
                known.remove(&oldest);
            }
        }
        let failed = known.entry(from(address)).or_insert(Failed { since: now, count: 0 });
        if failed.is_over(now) {
            *failed = Failed { since: now, count: 0 };
        }
        failed.count = failed.count.saturating_add(1);
    }
}

fn from(address: IpAddr) -> From {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use castellan_base::Ticks;

    use super::{ADDRESSES, Attempts, MOST, WINDOW};

    fn at(ticks: i64) -> Ticks {
        Ticks::new(1_000_000_000_000 + ticks).unwrap()
    }

    #[test]
    fn an_address_waits_and_others_do_not() {
        let attempts = Attempts::default();
        let (one, other): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "203.0.113.9".parse().unwrap());
        let same: IpAddr = "2001:db8::ffff:1".parse().unwrap();
        for number in 0..MOST {
            assert_eq!(attempts.may(one, at(i64::from(number))), Ok(()));
            attempts.failed(one, at(i64::from(number)));
        }
        assert_eq!(attempts.may(same, at(0)), Err(61));
        assert_eq!(attempts.may(same, at(WINDOW - 1)), Err(1));
        assert_eq!((attempts.may(other, at(0)), attempts.may(one, at(WINDOW))), (Ok(()), Ok(())));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..2 * u32::try_from(ADDRESSES).unwrap() {
            attempts.failed(IpAddr::V4(number.into()), at(i64::from(number)));
        }
        assert_eq!(attempts.known.lock().unwrap().len(), ADDRESSES);
    }
}
