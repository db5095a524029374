//! A category as a file: a mark, a version, a digest of the rest, and the rest.

use serde::{Deserialize, Serialize};

use super::category::{Category, CategoryError, HeldOut};
use super::examples::Examples;
use crate::model::bytes::WeightsError;

const MARK: &[u8; 8] = b"castcate";
/// Grows whenever features are hashed in another way, or the form changes.
const VERSION: u8 = 1;
const DIGEST: usize = 32;
/// Most characters of a name.
const MOST_NAME: usize = 64;
/// Most characters of a definition.
const MOST_DEFINITION: usize = 4_000;

/// A category with its name and what it means to people.
///
/// ```
/// use castellan_shield::harm::{Examples, NamedCategory};
///
/// let lines: String = (0..40)
///     .map(|n| match n % 2 {
///         0 => format!("{{\"text\": \"please refund order {n}\", \"isPositive\": true}}\n"),
///         _ => format!("{{\"text\": \"the weather on day {n}\", \"isPositive\": false}}\n"),
///     })
///     .collect();
/// let examples = Examples::read(&lines).unwrap();
/// let refunds = NamedCategory::train("refunds", "Asks for money back.", &examples).unwrap();
/// let again = NamedCategory::from_bytes(&refunds.to_bytes().unwrap()).unwrap();
/// assert!(again.category().has("please refund my order"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NamedCategory {
    name: String,
    definition: String,
    category: Category,
}

/// Why there is no category.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NamedCategoryError {
    /// Its name cannot be one.
    #[error(
        "`{0}` is no name: use up to {MOST_NAME} letters, digits and hyphens, with no hyphen at either end"
    )]
    Name(String),
    /// Its definition is too long.
    #[error("the definition has more than {MOST_DEFINITION} characters: shorten it")]
    Definition,
    /// It cannot be trained.
    #[error(transparent)]
    Training(#[from] CategoryError),
    /// Bytes are not those of a category.
    #[error("these bytes are not a category: {0}")]
    Bytes(&'static str),
    /// Its weights are refused.
    #[error("these bytes are not a category: {0}")]
    Weights(#[from] WeightsError),
}

#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    definition: String,
    held_out: HeldOut,
    weights: Vec<u8>,
}

impl NamedCategory {
    /// Trains a category.
    ///
    /// # Errors
    /// When the name or the definition is refused, or there are too few or too many examples.
    pub fn train(
        name: &str,
        definition: &str,
        examples: &Examples,
    ) -> Result<NamedCategory, NamedCategoryError> {
        check(name, definition)?;
        let category = Category::train(&examples.positive, &examples.negative)?;
        Ok(NamedCategory { name: name.to_owned(), definition: definition.to_owned(), category })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it means to people.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    /// What judges texts.
    pub fn category(&self) -> &Category {
        &self.category
    }

    /// The category as bytes, the same for the same examples in the same order.
    ///
    /// # Errors
    /// When the weights cannot be written, which their sizes rule out.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NamedCategoryError> {
        let kept = Kept {
            name: self.name.clone(),
            definition: self.definition.clone(),
            held_out: self.category.held_out(),
            weights: self.category.weights()?,
        };
        let body =
            postcard::to_allocvec(&kept).map_err(|_| NamedCategoryError::Bytes("they cannot be written"))?;
        let mut bytes = MARK.to_vec();
        bytes.push(VERSION);
        bytes.extend_from_slice(blake3::hash(&body).as_bytes());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// The category that [`NamedCategory::to_bytes`] gave. What is allocated is bounded by the length of `bytes`.
    ///
    /// # Errors
    /// When the bytes were changed, or are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<NamedCategory, NamedCategoryError> {
        let fault = NamedCategoryError::Bytes;
        let rest = bytes.strip_prefix(MARK).ok_or(fault("the mark is missing"))?;
        let (&version, rest) = rest.split_first().ok_or(fault("the version is missing"))?;
        if version != VERSION {
            return Err(fault("they are of another version: train the category anew"));
        }
        let (digest, body) = rest.split_first_chunk::<DIGEST>().ok_or(fault("the digest is missing"))?;
        if blake3::hash(body) != *digest {
            return Err(fault("they were changed"));
        }
        let kept: Kept = postcard::from_bytes(body).map_err(|_| fault("they cannot be read"))?;
        check(&kept.name, &kept.definition)?;
        let category = Category::of_weights(&kept.weights, kept.held_out)?;
        Ok(NamedCategory { name: kept.name, definition: kept.definition, category })
    }
}

/// Whether something may be called so: the rule of Azure's custom categories and incidents.
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.is_empty()
        && name.len() <= MOST_NAME
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn check(name: &str, definition: &str) -> Result<(), NamedCategoryError> {
    if !is_name(name) {
        return Err(NamedCategoryError::Name(name.chars().take(MOST_NAME).collect()));
    }
    match definition.chars().nth(MOST_DEFINITION) {
        Some(_) => Err(NamedCategoryError::Definition),
        None => Ok(()),
    }
}
