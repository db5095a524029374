//! How a client proves who it is: PLAIN and SCRAM.
//!
//! Sources: RFC 4616 (PLAIN), RFC 5802 and RFC 7677 (SCRAM). As Kafka has it, names and passwords are taken as they are,
//! without SASLprep, and there is no channel binding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Rounds of hashing that a broker may ask for: fewer make a password easy to guess for who overhears, more keep the
/// processor busy.
const ROUNDS: std::ops::RangeInclusive<u32> = 4_096..=1_000_000;

/// How to prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) enum Mechanism {
    /// The password itself, which only TLS protects. Event Hubs takes this one.
    #[serde(rename = "plain")]
    Plain,
    /// A proof by SHA-256 that one has the password.
    #[serde(rename = "scram-sha-256")]
    Scram256,
    /// The same by SHA-512.
    #[serde(rename = "scram-sha-512")]
    Scram512,
}

impl Mechanism {
    /// Its name in the registry of mechanisms.
    pub(super) fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Scram256 => "SCRAM-SHA-256",
            Mechanism::Scram512 => "SCRAM-SHA-512",
        }
    }
}

/// Who one is.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    pub(super) password: Zeroizing<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Login").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// The one message of PLAIN.
pub(super) fn plain(login: &Login) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(format!("\0{}\0{}", login.user, login.password.as_str()).into_bytes())
}

/// The first message of SCRAM; `nonce` is random and printable.
pub(super) fn first(login: &Login, nonce: &str) -> Vec<u8> {
    format!("n,,{}", bare(login, nonce)).into_bytes()
}

fn bare(login: &Login, nonce: &str) -> String {
    format!("n={},r={nonce}", login.user.replace('=', "=3D").replace(',', "=2C"))
}

/// The answer to the broker's first message, and what the broker has to show that it knows the password as well.
///
/// # Errors
/// What is wrong with the broker's message.
pub(super) fn last(login: &Login, nonce: &str, server: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let server = std::str::from_utf8(server).map_err(|_| "the broker's message is not UTF-8".to_owned())?;
    let part = |name: &str| {
        let found = server.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| format!("the broker's message has no `{name}`"))
    };
    let combined = part("r")?;
    if !combined.starts_with(nonce) || combined.len() == nonce.len() {
        return Err("the broker answered to somebody else".to_owned());
    }
    let salt = STANDARD.decode(part("s")?).map_err(|_| "the broker's salt is not Base64".to_owned())?;
    let rounds: u32 = part("i")?.parse().map_err(|_| "the broker's count of rounds is none".to_owned())?;
    if !ROUNDS.contains(&rounds) {
        return Err(format!(
            "the broker asks for {rounds} rounds of hashing; {} to {} are taken",
            ROUNDS.start(),
            ROUNDS.end()
        ));
    }
    let answer = format!("c=biws,r={combined}");
    let signed = format!("{},{server},{answer}", bare(login, nonce));
    let hash = match login.mechanism {
        Mechanism::Scram512 => Hash::Sha512,
        Mechanism::Plain | Mechanism::Scram256 => Hash::Sha256,
    };
    let salted = hash.stretched(login.password.as_bytes(), &salt, rounds);
    let client = hash.keyed(&salted, b"Client Key");
    let stored = hash.of(&client);
    let signature = hash.keyed(&stored, signed.as_bytes());
    let proof: Vec<u8> = client.iter().zip(signature.iter()).map(|(key, sign)| key ^ sign).collect();
    let expected = hash.keyed(&hash.keyed(&salted, b"Server Key"), signed.as_bytes());
    Ok((format!("{answer},p={}", STANDARD.encode(proof)).into_bytes(), expected.to_vec()))
}

/// Whether the broker's last message shows that it knows the password.
pub(super) fn is_known(server: &[u8], expected: &[u8]) -> bool {
    let shown =
        server.strip_prefix(b"v=").map(|text| text.split(|byte| *byte == b',').next().unwrap_or_default());
    let shown = shown.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    shown.ct_eq(expected).into()
}

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn of(self, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
            Hash::Sha512 => Sha512::digest(bytes).to_vec(),
        })
    }

    fn keyed(self, key: &[u8], bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        // A key of any length is taken, so that there always is a result.
        let made = match self {
            Hash::Sha256 => Hmac::<Sha256>::new_from_slice(key)
                .map(|mac| mac.chain_update(bytes).finalize().into_bytes().to_vec()),
            Hash::Sha512 => Hmac::<Sha512>::new_from_slice(key)
                .map(|mac| mac.chain_update(bytes).finalize().into_bytes().to_vec()),
        };
        Zeroizing::new(made.unwrap_or_default())
    }

    /// PBKDF2 with one block.
    fn stretched(self, password: &[u8], salt: &[u8], rounds: u32) -> Zeroizing<Vec<u8>> {
        let mut round = self.keyed(password, &[salt, &[0, 0, 0, 1]].concat());
        let mut result = round.clone();
        for _ in 1..rounds {
            round = self.keyed(password, &round);
            result.iter_mut().zip(round.iter()).for_each(|(byte, other)| *byte ^= other);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn login() -> Login {
        let password = Zeroizing::new("pencil".to_owned());
        Login { mechanism: Mechanism::Scram256, user: "user".to_owned(), password }
    }

    /// The exchange of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_standard_holds() {
        let nonce = "rOprNGfwEbeRWgbNEkqO";
        assert_eq!(first(&login(), nonce), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server =
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (answer, expected) = last(&login(), nonce, server).unwrap();
        let proof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(String::from_utf8(answer).unwrap(), proof);
        assert!(is_known(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", &expected));
        assert!(!is_known(b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", &expected));
        assert!(!is_known(b"e=other-error", &expected));
    }

    #[test]
    fn brokers_that_ask_for_odd_things_are_refused() {
        for (server, expected) in [
            (&b"r=abc,s=AAAA,i=4096"[..], "somebody else"),
            (b"r=abcd,s=AAAA,i=1", "rounds"),
            (b"r=abcd,s=AAAA,i=4000000000", "rounds"),
            (b"r=abcd,s=!,i=4096", "Base64"),
            (b"r=abcd,i=4096", "no `s`"),
            (b"\xff", "UTF-8"),
        ] {
            let reason = last(&login(), "abc", server).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
        let odd = Login { user: "a=b,c".to_owned(), ..login() };
        assert_eq!(first(&odd, "x"), b"n,,n=a=3Db=2Cc,r=x");
        assert!(!format!("{odd:?}").contains("pencil"));
        assert_eq!(plain(&login()).as_slice(), b"\0user\0pencil");
    }

    proptest! {
        #[test]
        fn anything_is_answered_or_refused(server in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (last(&login(), "", &server), is_known(&server, b"x"));
        }
    }
}
