//! Texts compressed by gzip or zlib, in base64.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::{MAX_SIZE, ScalarFunction, function, text_at};
use crate::value::Value;

fn encoded(compressed: std::io::Result<Vec<u8>>) -> Value {
    Value::string(compressed.map_or_else(|_| String::new(), |bytes| STANDARD.encode(bytes)))
}

fn gzip(arguments: &[Value]) -> Value {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoded(encoder.write_all(text_at(arguments, 0).as_bytes()).and_then(|()| encoder.finish()))
}

fn zlib(arguments: &[Value]) -> Value {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoded(encoder.write_all(text_at(arguments, 0).as_bytes()).and_then(|()| encoder.finish()))
}

/// The text that a decoder gives; the empty text when it fails, gives no UTF-8 or more than a value may have: a few
/// kilobytes can stand for gigabytes.
fn decompressed<R: Read>(arguments: &[Value], decoder: impl Fn(Vec<u8>) -> R) -> Value {
    let text = STANDARD.decode(text_at(arguments, 0)).ok().and_then(|bytes| {
        let mut plain = Vec::new();
        let limit = u64::try_from(MAX_SIZE).unwrap_or(u64::MAX);
        decoder(bytes).take(limit + 1).read_to_end(&mut plain).ok()?;
        String::from_utf8(plain).ok().filter(|text| text.len() <= MAX_SIZE)
    });
    Value::string(text.unwrap_or_default())
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("gzip_compress_to_base64_string", 1, 1, gzip),
    function("gzip_decompress_from_base64_string", 1, 1, |a| {
        decompressed(a, |bytes| MultiGzDecoder::new(std::io::Cursor::new(bytes)))
    }),
    function("zlib_compress_to_base64_string", 1, 1, zlib),
    function("zlib_decompress_from_base64_string", 1, 1, |a| {
        decompressed(a, |bytes| ZlibDecoder::new(std::io::Cursor::new(bytes)))
    }),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(name: &str, text: &str) -> String {
        crate::functions::find(name).unwrap().call(&[Value::string(text)]).unwrap().to_text()
    }

    proptest! {
        #[test]
        fn texts_come_back(text in any::<String>()) {
            for method in ["gzip", "zlib"] {
                let packed = call(&format!("{method}_compress_to_base64_string"), &text);
                prop_assert_eq!(&call(&format!("{method}_decompress_from_base64_string"), &packed), &text);
            }
        }

        #[test]
        fn garbage_is_the_empty_text_or_some_text(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            for method in ["gzip", "zlib"] {
                let name = format!("{method}_decompress_from_base64_string");
                call(&name, &text);
                call(&name, &STANDARD.encode(&bytes));
            }
        }
    }

    #[test]
    fn a_bomb_is_the_empty_text() {
        let bomb = call("zlib_compress_to_base64_string", &"0".repeat(MAX_SIZE + 1));
        assert!(bomb.len() < 100_000);
        assert_eq!(call("zlib_decompress_from_base64_string", &bomb), "");
    }
}
