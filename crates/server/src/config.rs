//! Where to listen, who may ask, and how much.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::tls::Tls;

/// How the server is run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen: `127.0.0.1:8700` unless said otherwise. Port 0 takes a free one.
    pub address: SocketAddr,
    /// What a client has to show as `Authorization: Bearer TOKEN`. Needed for any address but loopback.
    pub token: Option<Token>,
    /// The certificate to show; connections are not encrypted where there is none.
    pub tls: Option<Tls>,
    /// Largest body of a request in bytes: 8 MiB.
    pub largest_body: usize,
    /// Most connections that are open at once: 1,024. Others wait to be accepted.
    pub connections: usize,
    /// Most requests whose bodies are held at once: 64. Others wait for `patience`.
    pub requests: usize,
    /// Most pieces of work that are done at once: as many as there are processors.
    pub workers: usize,
    /// How long the headers of a request may take, and how long a connection may stay idle: 15 seconds.
    pub header_time: Duration,
    /// How long the body of a request may take, and how long a client may read nothing of its answer: 30 seconds.
    pub body_time: Duration,
    /// How long a request waits for its turn before it is sent away: 30 seconds.
    pub patience: Duration,
    /// How long requests may take to end once the server is told to stop: 10 seconds.
    pub farewell: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8700)),
            token: None,
            tls: None,
            largest_body: 8 << 20,
            connections: 1_024,
            requests: 64,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            header_time: Duration::from_secs(15),
            body_time: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            farewell: Duration::from_secs(10),
        }
    }
}

/// A secret that clients share with the server, or what is kept of it.
#[derive(Clone)]
pub struct Token(Kept);

#[derive(Clone)]
enum Kept {
    Secret(Zeroizing<Vec<u8>>),
    /// BLAKE3 of a secret with so many random bits that nobody can try them all.
    Hash([u8; 32]),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(..)")
    }
}

impl Token {
    /// Least length in bytes.
    pub const SHORTEST: usize = 16;

    /// A token of at least 16 visible ASCII characters.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Token, &'static str> {
        if text.len() < Token::SHORTEST {
            return Err("the token has fewer than 16 characters; take 32 random ones");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token has characters that no header can hold; take letters and digits");
        }
        Ok(Token(Kept::Secret(Zeroizing::new(text.as_bytes().to_vec()))))
    }

    /// A token of which only the BLAKE3 hash is known, as 64 hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn hashed(digits: &str) -> Result<Token, &'static str> {
        let hash = blake3::Hash::from_hex(digits)
            .map_err(|_| "the hash of the token has not 64 hexadecimal digits")?;
        Ok(Token(Kept::Hash(*hash.as_bytes())))
    }

    /// Whether this is the token. How long that takes depends on the lengths alone.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        match &self.0 {
            Kept::Secret(secret) => secret.ct_eq(shown).into(),
            Kept::Hash(hash) => hash.ct_eq(blake3::hash(shown).as_bytes()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens() {
        let token = Token::new("0123456789abcdef").unwrap();
        assert!(token.is(b"0123456789abcdef") && !token.is(b"0123456789abcdeg") && !token.is(b""));
        assert!(Token::new("short").is_err() && Token::new("with a blank in it, and long").is_err());
        assert_eq!(format!("{token:?}"), "Token(..)");
        let kept = Token::hashed(blake3::hash(b"0123456789abcdef").to_hex().as_str()).unwrap();
        assert!(kept.is(b"0123456789abcdef") && !kept.is(b"0123456789abcdeg") && !kept.is(b""));
        assert!(Token::hashed("abc").is_err());
    }
}
