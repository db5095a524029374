//! What is known of a format, and what can be wrong with a text.

use std::fmt;

use super::text::LONGEST_INPUT;

/// What a check says.
pub(super) type Check = Result<(), Invalid>;

/// What is wrong with a text that is not a number of the format. When several things are wrong, any one may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invalid {
    /// It has a character that the format has not, or one in the wrong place.
    Format,
    /// It is too long or too short.
    Length,
    /// A part of it cannot be: a date, a region, an issuer.
    Component,
    /// The check digits do not fit.
    Checksum,
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Format => "a character is not of the format",
            Self::Length => "the length is not of the format",
            Self::Component => "a part is not possible",
            Self::Checksum => "the check digits do not fit",
        })
    }
}

impl std::error::Error for Invalid {}

/// No format has the name that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat {
    name: String,
}

impl UnknownFormat {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no number format is named `{}`; `all()` lists those that there are", self.name)
    }
}

impl std::error::Error for UnknownFormat {}

/// What a number identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person: national identity, personal code, social security.
    Person,
    /// A taxpayer, person or company.
    Tax,
    /// A taxable person for value added tax.
    Vat,
    /// A company, an association or an establishment.
    Company,
    /// A bank account, a bank or a payment.
    Bank,
    /// A payment card.
    Card,
    /// A patient, an insured person or a prescriber.
    Health,
    /// A document that a person carries: identity card, passport, driving licence.
    Document,
    /// A financial instrument.
    Security,
    /// A wallet of a cryptocurrency.
    Wallet,
    /// A device, a subscriber or a network interface.
    Telecom,
    /// A book, a recording or another work.
    Work,
    /// A thing that is made, sold or moved: an article, a container, a vehicle, a substance.
    Article,
    /// A place, a property or a point of delivery.
    Place,
    /// The invoice or the message that a payment refers to.
    Reference,
    /// A check digit algorithm itself.
    Algorithm,
}

/// A number format.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name, lower case: a country's code or a family, a dot, and what the country calls it.
    pub name: &'static str,
    /// What it is called in prose.
    pub title: &'static str,
    /// What it identifies.
    pub kind: Kind,
    /// The document that defines it, and how far it is followed when not to its end.
    pub source: &'static str,
    /// Whether check digits are verified.
    pub has_checksum: bool,
    /// Whether a date in it is verified.
    pub has_date: bool,
    check: fn(&str) -> Check,
}

impl Format {
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        check: fn(&str) -> Check,
        title: &'static str,
        source: &'static str,
    ) -> Self {
        Self { name, title, kind, source, has_checksum: false, has_date: false, check }
    }

    /// The same, with check digits.
    pub(super) const fn checked(mut self) -> Self {
        self.has_checksum = true;
        self
    }

    /// The same, with a date.
    pub(super) const fn dated(mut self) -> Self {
        self.has_date = true;
        self
    }

    /// Whether the text is a number of this format.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn check(&self, text: &str) -> Result<(), Invalid> {
        length(text.len() <= LONGEST_INPUT)?;
        (self.check)(text)
    }

    /// The ISO 3166 code of its country, lower case, or `eu`; nothing when the format is international.
    pub fn country(&self) -> Option<&'static str> {
        let (place, _) = self.name.split_once('.')?;
        let code = place.trim_end_matches('_');
        (code.len() == 2).then_some(code)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Format({})", self.name)
    }
}

/// Refuses a character or a place.
pub(super) fn shape(holds: bool) -> Check {
    if holds { Ok(()) } else { Err(Invalid::Format) }
}

/// Refuses a length.
pub(super) fn length(holds: bool) -> Check {
    if holds { Ok(()) } else { Err(Invalid::Length) }
}

/// Refuses a part.
pub(super) fn component(holds: bool) -> Check {
    if holds { Ok(()) } else { Err(Invalid::Component) }
}

/// Refuses the check digits.
pub(super) fn checksum(holds: bool) -> Check {
    if holds { Ok(()) } else { Err(Invalid::Checksum) }
}
