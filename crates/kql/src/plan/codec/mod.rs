//! Plans as bytes: to be kept, or sent and run elsewhere.
//!
//! What travels is the typed plan and not what an engine makes of it: it is small, it does not change when an engine is
//! replaced by a newer one, and whoever gets it lowers it to the tables that it has itself.
//!
//! ```
//! use castellan_kql::bind::{Options, Tables, bind};
//! use castellan_kql::plan::codec;
//!
//! let script = castellan_kql::parse("range x from 1 to 3 step 1 | where x > 1").script;
//! let results = bind(&script, &Tables::default(), &Options::default()).unwrap().results;
//! let bytes = codec::encode(&results).unwrap();
//! assert_eq!(codec::decode(&bytes).unwrap(), results);
//! assert!(codec::decode(&bytes[1..]).is_err());
//! ```
//!
//! # The form
//!
//! `KQLP`, the version, the plans, the results, and a checksum of all that (xxHash64, little-endian). Whole numbers have
//! seven bits a byte, the lowest first; texts and lists begin with their length. Plans stand in a list in which each
//! refers to earlier ones by position, and the parts of a value stand behind their operands, so that neither writing nor
//! reading goes deep, and what a query names twice is there once. Functions and plugins go by name.
//!
//! # What comes from elsewhere
//!
//! The checksum finds accidents. Bytes that were made to do harm meet bounds on size, number and height, every name has to
//! be known, and every plan has to be sound: the columns that it says are those that its step gives, and values read only
//! columns that are there. No allocation is larger than the bytes that ask for it.

mod form;
mod graph;
mod scalar;
mod sound;
mod step;
mod value;

use std::collections::HashMap;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use super::extent::{Extent, in_order};
use super::{NamedPlan, Plan};
use form::{Form, Reader, Writer};

/// The version of the form. A reader refuses others.
pub const VERSION: u64 = 1;

/// The most bytes of a plan.
pub const MAX_BYTES: usize = 64 << 20;

/// The most steps above each other, and the most operators of a value inside each other. The parser's bounds stay below.
pub const MAX_HEIGHT: usize = 1_000;

/// The most steps, each counted as often as it is reached ([`Extent::steps`]).
pub const MAX_STEPS: u64 = 200_000;

const MAGIC: &[u8] = b"KQLP";
const CHECKSUM: usize = size_of::<u64>();

/// Why bytes are no plan, or a plan cannot become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(&'static str);

impl Refusal {
    const fn new(reason: &'static str) -> Refusal {
        Refusal(reason)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refusal {}

type Result<T> = std::result::Result<T, Refusal>;

/// The results of a query as bytes.
///
/// Errors: plans beyond [`MAX_BYTES`], [`MAX_HEIGHT`] or [`MAX_STEPS`].
pub fn encode(results: &[NamedPlan]) -> Result<Vec<u8>> {
    let plans = in_order(results);
    let mut out = Writer::new(MAGIC);
    VERSION.write(&mut out);
    plans.len().write(&mut out);
    let mut known = HashMap::new();
    for plan in &plans {
        known.insert(Arc::as_ptr(plan), extent(plan, &known)?);
        plan.step.write(&mut out);
        plan.columns.write(&mut out);
        plan.is_open.write(&mut out);
        out.place(plan);
    }
    results.to_vec().write(&mut out);
    let mut bytes = out.finish()?;
    if bytes.len() + CHECKSUM > MAX_BYTES {
        return Err(Refusal::new("the plan is too large"));
    }
    bytes.extend(checksum(&bytes).to_le_bytes());
    Ok(bytes)
}

/// The results that bytes hold.
///
/// Errors: anything that [`encode`] does not give.
pub fn decode(bytes: &[u8]) -> Result<Vec<NamedPlan>> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::new("the plan is too large"));
    }
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Refusal::new("the bytes are too few"))?;
    let rest = body.strip_prefix(MAGIC).ok_or(Refusal::new("this is no plan"))?;
    let mut input = Reader::new(rest);
    if u64::read(&mut input)? != VERSION {
        return Err(Refusal::new("the plan has another version"));
    }
    if checksum(body) != u64::from_le_bytes(*sum) {
        return Err(Refusal::new("the plan was changed on its way"));
    }
    let mut known = HashMap::new();
    for _ in 0..input.length()? {
        let (step, columns, is_open) =
            (Form::read(&mut input)?, Form::read(&mut input)?, bool::read(&mut input)?);
        let plan = Arc::new(Plan { step, columns, is_open });
        known.insert(Arc::as_ptr(&plan), extent(&plan, &known)?);
        sound::check(&plan)?;
        input.place(plan);
    }
    let results = Form::read(&mut input)?;
    input.end()?;
    Ok(results)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = twox_hash::XxHash64::with_seed(VERSION);
    hasher.write(bytes);
    hasher.finish()
}

fn extent(plan: &Plan, known: &HashMap<*const Plan, Extent>) -> Result<Extent> {
    let extent = Extent::over(plan, known);
    let extent = extent.ok_or(Refusal::new("the plan refers to one that is not there"))?;
    if extent.height > MAX_HEIGHT {
        return Err(Refusal::new("the plan has too many steps above each other"));
    }
    if extent.steps > MAX_STEPS {
        return Err(Refusal::new("the plan has too many steps"));
    }
    Ok(extent)
}
