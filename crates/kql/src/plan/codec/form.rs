//! What every form is made of.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Plan, Refusal, Result};

/// Something that is written as bytes and read from them.
pub(super) trait Form: Sized {
    fn write(&self, out: &mut Writer);

    /// Errors: bytes that this is not written as.
    fn read(input: &mut Reader<'_>) -> Result<Self>;
}

/// Bytes on their way out.
pub(super) struct Writer {
    bytes: Vec<u8>,
    places: HashMap<*const Plan, usize>,
    refusal: Option<Refusal>,
}

impl Writer {
    pub(super) fn new(start: &[u8]) -> Writer {
        Writer { bytes: start.to_vec(), places: HashMap::new(), refusal: None }
    }

    /// The next plan of the list, to which later ones may refer.
    pub(super) fn place(&mut self, plan: &Arc<Plan>) {
        let at = self.places.len();
        self.places.insert(Arc::as_ptr(plan), at);
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What is written cannot be read again.
    pub(super) fn refuse(&mut self, reason: &'static str) {
        self.refusal.get_or_insert(Refusal::new(reason));
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.refusal.map_or(Ok(self.bytes), Err)
    }
}

/// Bytes on their way in.
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    plans: Vec<Arc<Plan>>,
}

const SHORT: Refusal = Refusal::new("the plan ends too early");

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader { bytes, plans: Vec::new() }
    }

    pub(super) fn place(&mut self, plan: Arc<Plan>) {
        self.plans.push(plan);
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.bytes.split_first().ok_or(SHORT)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(SHORT)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// The length of a list. Every item takes a byte at least, so that a length beyond the bytes is wrong.
    pub(super) fn length(&mut self) -> Result<usize> {
        let length = usize::read(self)?;
        if length > self.bytes.len() { Err(SHORT) } else { Ok(length) }
    }

    /// Errors: bytes are left.
    pub(super) fn end(&self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Refusal::new("something stands behind the plan")) }
    }
}

impl Form for bool {
    fn write(&self, out: &mut Writer) {
        out.byte(u8::from(*self));
    }

    fn read(input: &mut Reader<'_>) -> Result<bool> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Refusal::new("a flag is neither true nor false")),
        }
    }
}

impl Form for u64 {
    fn write(&self, out: &mut Writer) {
        let mut left = *self;
        while left >= 0x80 {
            out.byte((left & 0x7F) as u8 | 0x80);
            left >>= 7;
        }
        out.byte(left as u8);
    }

    fn read(input: &mut Reader<'_>) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = input.byte()?;
            let bits = u64::from(byte & 0x7F);
            // A longer way to write the same number is none, so that equal plans have equal bytes.
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Refusal::new("a number is not written as numbers are"))
    }
}

impl Form for usize {
    fn write(&self, out: &mut Writer) {
        (*self as u64).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<usize> {
        usize::try_from(u64::read(input)?).map_err(|_| Refusal::new("a number is too large"))
    }
}

/// Small negative numbers are short too.
impl Form for i64 {
    fn write(&self, out: &mut Writer) {
        (((*self << 1) ^ (*self >> 63)) as u64).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<i64> {
        let folded = u64::read(input)?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }
}

impl Form for f64 {
    fn write(&self, out: &mut Writer) {
        out.bytes(&self.to_le_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<f64> {
        let bytes = <[u8; 8]>::try_from(input.take(8)?).map_err(|_| SHORT)?;
        Ok(f64::from_le_bytes(bytes))
    }
}

impl Form for u128 {
    fn write(&self, out: &mut Writer) {
        out.bytes(&self.to_be_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<u128> {
        let bytes = <[u8; 16]>::try_from(input.take(16)?).map_err(|_| SHORT)?;
        Ok(u128::from_be_bytes(bytes))
    }
}

/// Writes a text.
pub(super) fn write_text(text: &str, out: &mut Writer) {
    text.len().write(out);
    out.bytes(text.as_bytes());
}

/// Reads a text where it stands.
pub(super) fn read_text<'b>(input: &mut Reader<'b>) -> Result<&'b str> {
    let length = input.length()?;
    std::str::from_utf8(input.take(length)?).map_err(|_| Refusal::new("a text is not UTF-8"))
}

impl Form for Arc<str> {
    fn write(&self, out: &mut Writer) {
        write_text(self, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Arc<str>> {
        read_text(input).map(Arc::from)
    }
}

impl Form for String {
    fn write(&self, out: &mut Writer) {
        write_text(self, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<String> {
        read_text(input).map(str::to_owned)
    }
}

impl<T: Form> Form for Option<T> {
    fn write(&self, out: &mut Writer) {
        self.is_some().write(out);
        self.iter().for_each(|value| value.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Option<T>> {
        if bool::read(input)? { T::read(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Form> Form for Vec<T> {
    fn write(&self, out: &mut Writer) {
        self.len().write(out);
        self.iter().for_each(|item| item.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Vec<T>> {
        (0..input.length()?).map(|_| T::read(input)).collect()
    }
}

impl<T: Form> Form for Box<T> {
    fn write(&self, out: &mut Writer) {
        (**self).write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Box<T>> {
        T::read(input).map(Box::new)
    }
}

impl<A: Form, B: Form> Form for (A, B) {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<(A, B)> {
        Ok((A::read(input)?, B::read(input)?))
    }
}

/// A plan by its place in the list.
impl Form for Arc<Plan> {
    fn write(&self, out: &mut Writer) {
        match out.places.get(&Arc::as_ptr(self)).copied() {
            Some(at) => at.write(out),
            None => out.refuse("a step does not list all the plans that it works on"),
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Arc<Plan>> {
        let at = usize::read(input)?;
        input.plans.get(at).cloned().ok_or(Refusal::new("the plan refers to one that is not there"))
    }
}

/// The form of a struct: its fields in this order.
macro_rules! record {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::plan::codec::form::Form for $name {
            fn write(&self, out: &mut $crate::plan::codec::form::Writer) {
                $(self.$field.write(out);)+
            }

            fn read(
                input: &mut $crate::plan::codec::form::Reader<'_>,
            ) -> $crate::plan::codec::Result<$name> {
                Ok($name { $($field: $crate::plan::codec::form::Form::read(input)?),+ })
            }
        }
    };
}

/// The form of an enum: the number of the variant, then what it holds. Numbers are never given to another variant.
macro_rules! choice {
    ($name:ident { $($number:literal => $variant:ident $(($($item:ident),+))? $({ $($field:ident),+ })?),+ $(,)? }) => {
        impl $crate::plan::codec::form::Form for $name {
            fn write(&self, out: &mut $crate::plan::codec::form::Writer) {
                match self {
                    $($name::$variant $(($($item),+))? $({ $($field),+ })? => {
                        out.byte($number);
                        $($($item.write(out);)+)?
                        $($($field.write(out);)+)?
                    })+
                }
            }

            fn read(
                input: &mut $crate::plan::codec::form::Reader<'_>,
            ) -> $crate::plan::codec::Result<$name> {
                match input.byte()? {
                    $($number => {
                        $($(let $item = $crate::plan::codec::form::Form::read(input)?;)+)?
                        $($(let $field = $crate::plan::codec::form::Form::read(input)?;)+)?
                        Ok($name::$variant $(($($item),+))? $({ $($field),+ })?)
                    })+
                    _ => Err($crate::plan::codec::Refusal::new(concat!(
                        "there is no such ", stringify!($name)
                    ))),
                }
            }
        }
    };
}

pub(super) use {choice, record};
