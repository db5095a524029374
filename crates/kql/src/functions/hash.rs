//! Digests. The cryptographic ones are taken over what `tostring()` writes, xxHash over the bytes of the value.

use md5::Md5;
use sha1_smol::Sha1;
use sha2::{Digest, Sha256};
use twox_hash::XxHash64;

use super::{MANY, ScalarFunction, at, function, long_at, or_null, text_at};
use crate::value::Value;

fn hexadecimal(bytes: &[u8]) -> Value {
    Value::string(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The bytes of a value: texts as UTF-8, numbers and times with their low byte first.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Bool(flag) => vec![u8::from(*flag)],
        Value::Int(number) => number.to_le_bytes().to_vec(),
        Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => {
            number.to_le_bytes().to_vec()
        }
        Value::Real(number) => number.to_le_bytes().to_vec(),
        Value::Guid(guid) => uuid::Uuid::from_u128(*guid).to_bytes_le().to_vec(),
        other => other.to_text().into_bytes(),
    }
}

fn hash_of(value: &Value) -> i64 {
    XxHash64::oneshot(0, &bytes(value)).cast_signed()
}

/// One hash from several, which depends on their order. The language does not say how; here it is the hash of the
/// hashes, so the number differs from Kusto's.
fn combined(hashes: impl Iterator<Item = Option<i64>>) -> Value {
    let bytes: Option<Vec<[u8; 8]>> = hashes.map(|hash| hash.map(i64::to_le_bytes)).collect();
    or_null(bytes, |bytes| Value::Long(XxHash64::oneshot(0, bytes.as_flattened()).cast_signed()))
}

fn hash_combine(arguments: &[Value]) -> Value {
    combined(arguments.iter().map(Value::to_i64))
}

/// `hash_combine` of the hashes; null counts as a value.
fn hash_many(arguments: &[Value]) -> Value {
    combined(arguments.iter().map(|value| Some(hash_of(&value.unwrapped()))))
}

/// xxHash64 with seed 0, as a signed number; with a second argument its remainder.
fn xxhash(arguments: &[Value]) -> Value {
    let value = at(arguments, 0).unwrapped();
    if value.is_null() {
        return Value::Null;
    }
    let hash = hash_of(&value);
    match long_at(arguments, 1) {
        Some(modulus) if modulus > 0 => Value::Long(hash.rem_euclid(modulus)),
        _ => Value::Long(hash),
    }
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("hash", 1, 2, xxhash),
    function("hash_xxhash64", 1, 2, xxhash),
    function("hash_combine", 2, MANY, hash_combine),
    function("hash_many", 2, MANY, hash_many),
    function("hash_md5", 1, 1, |a| hexadecimal(&Md5::digest(text_at(a, 0).as_bytes()))),
    function("hash_sha1", 1, 1, |a| hexadecimal(&Sha1::from(text_at(a, 0).as_bytes()).digest().bytes())),
    function("hash_sha256", 1, 1, |a| hexadecimal(&Sha256::digest(text_at(a, 0).as_bytes()))),
];
