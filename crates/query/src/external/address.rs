//! Which addresses are those of public servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks that are not public, as the first address and the number of bits that count.
///
/// Source: IANA IPv4 Special-Purpose Address Registry; RFC 5771 (multicast); and the address under which Azure offers
/// its machines what is theirs alone.
const SPECIAL_4: [(Ipv4Addr, u32); 19] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The one block that is public at all, and those in it that are not: protocols, documentation, and addresses that hold
/// one of IPv4.
///
/// Source: IANA IPv6 Global Unicast Address Assignments, IANA IPv6 Special-Purpose Address Registry.
const GLOBAL_6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4F, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3FFF, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is that of a public server: not of this machine, its network or its cloud, and for nothing special.
///
/// ```
/// use castellan_query::external::is_public;
///
/// assert!(is_public("93.184.215.14".parse().unwrap()));
/// for special in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:8.8.8.8", "fe80::1", "fd00::1"] {
///     assert!(!is_public(special.parse().unwrap()), "{special}");
/// }
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_4.iter().any(|(block, bits)| {
            let shift = 32 - bits;
            address.to_bits().checked_shr(shift) == block.to_bits().checked_shr(shift)
        }),
        IpAddr::V6(address) => {
            let is_in = |(block, bits): &(Ipv6Addr, u32)| {
                let shift = 128 - bits;
                address.to_bits().checked_shr(shift) == block.to_bits().checked_shr(shift)
            };
            is_in(&GLOBAL_6) && !SPECIAL_6.iter().any(is_in)
        }
    }
}
