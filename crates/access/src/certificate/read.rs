//! Names in a certificate.

use castellan_base::Ticks;

use super::der::{Broken, Reader, string, tag};

/// The largest certificate, in bytes.
const LONGEST: usize = 64 << 10;
/// The most names of a certificate.
const MOST_NAMES: usize = 100;

/// What a certificate says of who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The SHA-256 of all of it, to which tokens can be bound (`x5t#S256`).
    pub thumbprint: [u8; 32],
    /// The serial number, in hexadecimal digits.
    pub serial: String,
    /// The subject's attributes, in their order: `("CN", "ann")`.
    pub subject: Vec<(String, String)>,
    /// The issuer's attributes.
    pub issuer: Vec<(String, String)>,
    /// From when on it counts.
    pub not_before: Ticks,
    /// Until when it counts, included.
    pub not_after: Ticks,
    /// DNS names, in lower case.
    pub dns: Vec<String>,
    /// URIs.
    pub uris: Vec<String>,
    /// True for an authority's certificate.
    pub is_authority: bool,
    /// False when it says what it is for, and clients of TLS are not among that.
    pub is_for_clients: bool,
}

impl ClientCertificate {
    /// Reads a certificate in DER. The signature is not looked at: TLS verified it.
    pub fn read(bytes: &[u8]) -> Result<ClientCertificate, &'static str> {
        if bytes.len() > LONGEST {
            return Err("it has more than 65536 bytes");
        }
        let mut outer = Reader::new(bytes);
        let mut certificate = Reader::new(outer.expect(tag::SEQUENCE)?);
        if !outer.is_empty() {
            return Err("something follows it");
        }
        let mut body = Reader::new(certificate.expect(tag::SEQUENCE)?);
        body.optional(0xa0)?; // version
        let serial = body.expect(tag::INTEGER)?;
        body.expect(tag::SEQUENCE)?; // algorithm
        let issuer = name(body.expect(tag::SEQUENCE)?)?;
        let mut validity = Reader::new(body.expect(tag::SEQUENCE)?);
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = name(body.expect(tag::SEQUENCE)?)?;
        body.expect(tag::SEQUENCE)?; // key
        body.optional(0x81)?;
        body.optional(0x82)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut read = ClientCertificate {
            thumbprint: digest.as_ref().try_into().map_err(|_| "it has no digest")?,
            serial: serial.iter().take(32).map(|byte| format!("{byte:02x}")).collect(),
            subject,
            issuer,
            not_before,
            not_after,
            dns: Vec::new(),
            uris: Vec::new(),
            is_authority: false,
            is_for_clients: true,
        };
        if let Some(extensions) = body.optional(0xa3)? {
            read.extensions(extensions)?;
        }
        Ok(read)
    }

    fn extensions(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let mut extensions = Reader::new(Reader::new(bytes).expect(tag::SEQUENCE)?);
        let mut seen: Vec<&[u8]> = Vec::new();
        while !extensions.is_empty() {
            let mut extension = Reader::new(extensions.expect(tag::SEQUENCE)?);
            let id = extension.expect(tag::OID)?;
            extension.optional(tag::BOOLEAN)?;
            let value = extension.expect(tag::OCTETS)?;
            // RFC 5280, 4.2: an extension comes once.
            if seen.contains(&id) || seen.len() == MOST_NAMES {
                return Err("it has an extension twice, or too many of them");
            }
            seen.push(id);
            match id {
                [0x55, 0x1d, 0x11] => self.alternative_names(value)?,
                [0x55, 0x1d, 0x13] => {
                    let mut constraints = Reader::new(Reader::new(value).expect(tag::SEQUENCE)?);
                    self.is_authority = constraints
                        .optional(tag::BOOLEAN)?
                        .is_some_and(|flag| flag.iter().any(|byte| *byte != 0));
                }
                [0x55, 0x1d, 0x25] => self.purposes(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn alternative_names(&mut self, value: &[u8]) -> Result<(), Broken> {
        let mut names = Reader::new(Reader::new(value).expect(tag::SEQUENCE)?);
        while !names.is_empty() {
            let (kind, content) = names.next()?;
            match kind {
                0x82 => self.dns.push(string(tag::IA5, content)?.to_ascii_lowercase()),
                0x86 => self.uris.push(string(tag::IA5, content)?),
                _ => {}
            }
            if self.dns.len() + self.uris.len() > MOST_NAMES {
                return Err("it has too many names");
            }
        }
        Ok(())
    }

    fn purposes(&mut self, value: &[u8]) -> Result<(), Broken> {
        let mut purposes = Reader::new(Reader::new(value).expect(tag::SEQUENCE)?);
        self.is_for_clients = false;
        while !purposes.is_empty() {
            let purpose = purposes.expect(tag::OID)?;
            // id-kp-clientAuth and anyExtendedKeyUsage.
            let client = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
            self.is_for_clients |= purpose == client || purpose == [0x55, 0x1d, 0x25, 0x00];
        }
        Ok(())
    }

    /// The subject as one text: `CN=ann,O=Example`, in the order of the certificate.
    pub fn subject_text(&self) -> String {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
        let parts = self.subject.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        parts.collect::<Vec<_>>().join(",")
    }
}

/// A name: attributes in sets in a sequence. Attributes without a usual short name are left out.
fn name(bytes: &[u8]) -> Result<Vec<(String, String)>, Broken> {
    let mut sets = Reader::new(bytes);
    let mut attributes = Vec::new();
    while !sets.is_empty() {
        let mut set = Reader::new(sets.expect(tag::SET)?);
        while !set.is_empty() {
            let mut attribute = Reader::new(set.expect(tag::SEQUENCE)?);
            let id = attribute.expect(tag::OID)?;
            let (kind, content) = attribute.next()?;
            if let Some(short) = short_name(id) {
                attributes.push((short.to_owned(), string(kind, content)?));
            }
            if attributes.len() > MOST_NAMES {
                return Err("it has too many names");
            }
        }
    }
    Ok(attributes)
}

fn short_name(id: &[u8]) -> Option<&'static str> {
    Some(match id {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x05] => "SERIALNUMBER",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        _ => return None,
    })
}

/// A time as RFC 5280, 4.1.2.5 has it: in UTC, with seconds, without fractions.
fn time(reader: &mut Reader<'_>) -> Result<Ticks, Broken> {
    let (kind, content) = reader.next()?;
    let text = std::str::from_utf8(content).map_err(|_| "a time is no time")?;
    let full = match kind {
        tag::UTC_TIME if text.len() == 13 => {
            let century = if text < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        tag::TIME if text.len() == 15 => text.to_owned(),
        _ => return Err("a time is no time"),
    };
    let digits = full.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.ok_or("a time is no time")?;
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let written = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    );
    // 9999-12-31T23:59:59Z means that there is no end (RFC 5280, 4.1.2.5).
    written.parse().or(if written.starts_with("9999-") { Ok(Ticks::MAX) } else { Err("a time is no time") })
}
