//! The form of weights on disk: numbers in little endian, lists with their length before them.
//!
//! A file is eight bytes of magic, a version, the length of the rest, the BLAKE3 hash of the rest, and the rest. What
//! does not fit is refused before anything is allocated for it.

use super::calibration::{OperatingPoints, Platt};
use super::dense::{Dense, Shape};
use super::language::{Language, SIZES, Salad, WINDOWS};
use super::linear::Linear;

/// What a file begins with.
const MAGIC: &[u8; 8] = b"CSTLSHLD";
/// Changes whenever older programs could not read a file, or features or signals mean something else.
pub const VERSION: u32 = 2;
/// Largest file, in bytes.
pub const LARGEST: usize = 12 << 20;
/// Most numbers in a list of single numbers.
const MOST_NUMBERS: usize = 4096;
const HEADER: usize = 8 + 4 + 4 + 32;

/// Why weights were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// It is no file of weights.
    #[error("these are no weights of the shield")]
    Magic,
    /// It is of another version.
    #[error("the weights have version {0}, and this program reads version {VERSION}; train them anew")]
    Version(u32),
    /// It is larger than weights may be.
    #[error("the weights are larger than {LARGEST} bytes")]
    Size,
    /// The checksum differs.
    #[error("the weights are damaged: their checksum differs")]
    Checksum,
    /// A part is missing, too long or not a number.
    #[error("the weights are damaged at byte {0} of their content")]
    Content(usize),
}

/// Writes content.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The finished file.
    pub fn file(self) -> Result<Vec<u8>, WeightsError> {
        let length = u32::try_from(self.bytes.len()).map_err(|_| WeightsError::Size)?;
        if self.bytes.len() + HEADER > LARGEST {
            return Err(WeightsError::Size);
        }
        let mut file = Vec::with_capacity(self.bytes.len() + HEADER);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(blake3::hash(&self.bytes).as_bytes());
        file.extend_from_slice(&self.bytes);
        Ok(file)
    }

    /// A number.
    pub fn number(&mut self, number: usize) {
        self.bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }

    /// A fraction.
    pub fn fraction(&mut self, fraction: f32) {
        self.bytes.extend_from_slice(&fraction.to_le_bytes());
    }

    /// A list of fractions.
    pub fn fractions(&mut self, list: &[f32]) {
        self.number(list.len());
        list.iter().for_each(|fraction| self.fraction(*fraction));
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A linear model.
    pub fn linear<const HEADS: usize>(&mut self, linear: &Linear<HEADS>) {
        let (bits, rows, scales, biases) = linear.parts();
        self.number(HEADS);
        self.number(usize::try_from(bits).unwrap_or(0));
        self.fractions(scales);
        self.fractions(biases);
        self.bytes.extend(rows.iter().flatten().map(|weight| weight.to_le_bytes()[0]));
    }

    /// A combination.
    pub fn dense(&mut self, dense: &Dense) {
        self.number(usize::from(dense.shape == Shape::Products));
        self.fractions(&dense.means);
        self.fractions(&dense.deviations);
        self.fractions(&dense.weights);
        self.fraction(dense.bias);
    }

    /// A calibration.
    pub fn platt(&mut self, platt: &Platt) {
        self.fraction(platt.slope);
        self.fraction(platt.offset);
    }

    /// Thresholds.
    pub fn points(&mut self, points: &OperatingPoints) {
        self.fraction(points.released);
        self.fraction(points.percent);
        self.fraction(points.half_percent);
        self.fraction(points.tenth_percent);
    }

    /// The language model.
    pub fn language(&mut self, language: &Language) {
        language.parts().into_iter().for_each(|part| self.raw(part));
    }

    /// The judge of salads.
    pub fn salad(&mut self, salad: &Salad) {
        salad.by_size.iter().for_each(|dense| self.dense(dense));
    }
}

/// Reads content, and refuses what does not fit.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    content: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    /// Opens a file: checks magic, version, length and checksum.
    pub fn open(file: &'a [u8]) -> Result<Reader<'a>, WeightsError> {
        if file.len() > LARGEST {
            return Err(WeightsError::Size);
        }
        let mut header = Reader { content: file, place: 0 };
        if header.take(8).ok() != Some(MAGIC.as_slice()) {
            return Err(WeightsError::Magic);
        }
        let version = header.word()?;
        if version != VERSION {
            return Err(WeightsError::Version(version));
        }
        let length = header.number()?;
        let hash = header.take(32)?;
        let content = file.get(HEADER..).unwrap_or_default();
        if content.len() != length || blake3::hash(content).as_bytes() != hash {
            return Err(WeightsError::Checksum);
        }
        Ok(Reader { content, place: 0 })
    }

    /// Says whether everything was read.
    pub fn end(&self) -> Result<(), WeightsError> {
        if self.place == self.content.len() { Ok(()) } else { Err(self.fault()) }
    }

    fn fault(&self) -> WeightsError {
        WeightsError::Content(self.place)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WeightsError> {
        let bytes = self.place.checked_add(length).and_then(|end| self.content.get(self.place..end));
        let bytes = bytes.ok_or_else(|| self.fault())?;
        self.place += length;
        Ok(bytes)
    }

    fn word(&mut self) -> Result<u32, WeightsError> {
        let bytes = self.take(4)?;
        bytes.try_into().map(u32::from_le_bytes).map_err(|_| self.fault())
    }

    /// A number.
    pub fn number(&mut self) -> Result<usize, WeightsError> {
        let word = self.word()?;
        usize::try_from(word).map_err(|_| self.fault())
    }

    /// A finite fraction.
    pub fn fraction(&mut self) -> Result<f32, WeightsError> {
        let fraction = f32::from_bits(self.word()?);
        if fraction.is_finite() { Ok(fraction) } else { Err(self.fault()) }
    }

    /// A list of fractions.
    pub fn fractions(&mut self) -> Result<Vec<f32>, WeightsError> {
        let length = self.number()?;
        if length > MOST_NUMBERS {
            return Err(self.fault());
        }
        (0..length).map(|_| self.fraction()).collect()
    }

    /// A linear model.
    pub fn linear<const HEADS: usize>(&mut self) -> Result<Linear<HEADS>, WeightsError> {
        let (heads, bits) = (self.number()?, self.number()?);
        let scales: Result<[f32; HEADS], _> = self.fractions()?.try_into();
        let biases: Result<[f32; HEADS], _> = self.fractions()?.try_into();
        let (Ok(scales), Ok(biases), true, true) = (scales, biases, heads == HEADS, (1..=24).contains(&bits))
        else {
            return Err(self.fault());
        };
        let bytes = self.take(HEADS << bits)?;
        let row = |bytes: &[u8]| {
            let mut row = [0_i8; HEADS];
            row.iter_mut().zip(bytes).for_each(|(weight, byte)| *weight = i8::from_le_bytes([*byte]));
            row
        };
        let rows = bytes.chunks_exact(HEADS).map(row).collect();
        let bits = u32::try_from(bits).map_err(|_| self.fault())?;
        Linear::new(bits, rows, scales, biases).ok_or_else(|| self.fault())
    }

    /// A combination of `signals` signals.
    pub fn dense(&mut self, signals: usize) -> Result<Dense, WeightsError> {
        let shape = if self.number()? == 1 { Shape::Products } else { Shape::Plain };
        let (means, deviations, weights) = (self.fractions()?, self.fractions()?, self.fractions()?);
        let bias = self.fraction()?;
        let fits = means.len() == signals
            && deviations.len() == signals
            && weights.len() == Dense::count(shape, signals)
            && deviations.iter().all(|deviation| *deviation > 0.0);
        if fits { Ok(Dense { shape, means, deviations, weights, bias }) } else { Err(self.fault()) }
    }

    /// A calibration.
    pub fn platt(&mut self) -> Result<Platt, WeightsError> {
        Ok(Platt { slope: self.fraction()?, offset: self.fraction()? })
    }

    /// Thresholds.
    pub fn points(&mut self) -> Result<OperatingPoints, WeightsError> {
        Ok(OperatingPoints {
            released: self.fraction()?,
            percent: self.fraction()?,
            half_percent: self.fraction()?,
            tenth_percent: self.fraction()?,
        })
    }

    /// The language model.
    pub fn language(&mut self) -> Result<Language, WeightsError> {
        let mut parts: [Vec<u8>; SIZES.len()] = Default::default();
        for (part, size) in parts.iter_mut().zip(SIZES) {
            *part = self.take(size)?.to_vec();
        }
        Language::new(parts).ok_or_else(|| self.fault())
    }

    /// The judge of salads.
    pub fn salad(&mut self) -> Result<Salad, WeightsError> {
        let by_size =
            WINDOWS.iter().map(|_| self.dense(super::language::MEASURES)).collect::<Result<_, _>>()?;
        Ok(Salad { by_size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let weights: Vec<[f32; 2]> = (0..16_u8).map(|slot| [f32::from(slot), -1.0]).collect();
        let mut writer = Writer::default();
        writer.linear(&Linear::quantise(4, &weights, [0.5, 0.0]).unwrap());
        writer.platt(&Platt { slope: 1.5, offset: -0.25 });
        writer.file().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let file = file();
        let mut reader = Reader::open(&file).unwrap();
        let linear: Linear<2> = reader.linear().unwrap();
        assert_eq!(linear.parts().3, &[0.5, 0.0]);
        assert_eq!(reader.platt().unwrap(), Platt { slope: 1.5, offset: -0.25 });
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn damaged_files_are_refused() {
        let file = file();
        assert_eq!(Reader::open(b"nonsense").unwrap_err(), WeightsError::Magic);
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 1;
            assert!(Reader::open(&damaged).is_err(), "byte {place}");
            assert!(Reader::open(&file[..place]).is_err(), "cut at {place}");
        }
        let mut reader = Reader::open(&file).unwrap();
        assert!(reader.linear::<3>().is_err());
    }
}
