//! Numbers from one unit into another.
//!
//! A unit is a name and how many base units it has; a decimal prefix may stand before most of them, `Kilo` before
//! `Joule` as `Kilojoule`. Factors are the exact ones where a unit is defined by others.

use super::{ScalarFunction, function, real_at};
use crate::value::Value;

/// A name and how many base units it has.
type Unit = (&'static str, f64);

const PREFIXES: [Unit; 13] = [
    ("Pico", 1e-12),
    ("Nano", 1e-9),
    ("Micro", 1e-6),
    ("Milli", 1e-3),
    ("Centi", 1e-2),
    ("Deci", 1e-1),
    ("Deca", 1e1),
    ("Hecto", 1e2),
    ("Kilo", 1e3),
    ("Mega", 1e6),
    ("Giga", 1e9),
    ("Tera", 1e12),
    ("Peta", 1e15),
];

/// Radians.
const ANGLES: &[Unit] = &[
    ("Arcminute", std::f64::consts::PI / 10_800.0),
    ("Arcsecond", std::f64::consts::PI / 648_000.0),
    ("Degree", std::f64::consts::PI / 180.0),
    ("Gradian", std::f64::consts::PI / 200.0),
    ("NatoMil", std::f64::consts::PI / 3_200.0),
    ("Radian", 1.0),
    ("Revolution", std::f64::consts::TAU),
];

/// Joules.
const ENERGIES: &[Unit] = &[
    ("BritishThermalUnit", 1_055.055_852_62),
    ("Calorie", 4.184),
    ("ElectronVolt", 1.602_176_634e-19),
    ("Erg", 1e-7),
    ("FootPound", 1.355_817_948_331_400_4),
    ("HorsepowerHour", 2_684_519.537_696_173),
    ("Joule", 1.0),
    ("ThermEc", 105_505_585.262),
    ("ThermImperial", 105_505_585.257_348),
    ("ThermUs", 105_480_400.0),
    ("WattDay", 86_400.0),
    ("WattHour", 3_600.0),
];

/// Newtons.
const FORCES: &[Unit] = &[
    ("Dyn", 1e-5),
    ("KiloPond", 9.806_65),
    ("KilogramForce", 9.806_65),
    ("Newton", 1.0),
    ("OunceForce", 0.278_013_850_953_781_2),
    ("PoundForce", 4.448_221_615_260_5),
    ("Poundal", 0.138_254_954_376),
    ("ShortTonForce", 8_896.443_230_521),
    ("TonneForce", 9_806.65),
];

/// Metres.
const LENGTHS: &[Unit] = &[
    ("Angstrom", 1e-10),
    ("AstronomicalUnit", 149_597_870_700.0),
    ("Chain", 20.116_8),
    ("DataMile", 1_828.8),
    ("DtpPica", 0.025_4 / 6.0),
    ("DtpPoint", 0.025_4 / 72.0),
    ("Fathom", 1.828_8),
    ("Foot", 0.304_8),
    ("Hand", 0.101_6),
    ("Inch", 0.025_4),
    ("LightYear", 9_460_730_472_580_800.0),
    ("Meter", 1.0),
    ("Mil", 2.54e-5),
    ("Mile", 1_609.344),
    ("NauticalMile", 1_852.0),
    ("Parsec", 3.085_677_581_491_367e16),
    ("PrinterPica", 0.025_4 * 12.0 / 72.27),
    ("PrinterPoint", 0.025_4 / 72.27),
    ("Shackle", 27.432),
    ("SolarRadius", 695_700_000.0),
    ("Twip", 0.025_4 / 1_440.0),
    ("UsSurveyFoot", 1_200.0 / 3_937.0),
    ("Yard", 0.914_4),
];

/// Grams.
const MASSES: &[Unit] = &[
    ("EarthMass", 5.972_2e27),
    ("Grain", 0.064_798_91),
    ("Gram", 1.0),
    ("LongHundredweight", 50_802.345_44),
    ("LongTon", 1_016_046.908_8),
    ("Ounce", 28.349_523_125),
    ("Pound", 453.592_37),
    ("ShortHundredweight", 45_359.237),
    ("ShortTon", 907_184.74),
    ("Slug", 14_593.902_937_206_364),
    ("SolarMass", 1.988_41e33),
    ("Stone", 6_350.293_18),
    ("Tonne", 1e6),
];

/// Cubic metres.
const VOLUMES: &[Unit] = &[
    ("AcreFoot", 1_233.481_837_547_52),
    ("AuTablespoon", 2e-5),
    ("BoardFoot", 0.002_359_737_216),
    ("CubicCentimeter", 1e-6),
    ("CubicDecimeter", 1e-3),
    ("CubicFoot", 0.028_316_846_592),
    ("CubicHectometer", 1e6),
    ("CubicInch", 1.638_706_4e-5),
    ("CubicKilometer", 1e9),
    ("CubicMeter", 1.0),
    ("CubicMicrometer", 1e-18),
    ("CubicMile", 4_168_181_825.440_579_6),
    ("CubicMillimeter", 1e-9),
    ("CubicYard", 0.764_554_857_984),
    ("ImperialBeerBarrel", 0.163_659_24),
    ("ImperialGallon", 0.004_546_09),
    ("ImperialOunce", 2.841_306_25e-5),
    ("ImperialPint", 5.682_612_5e-4),
    ("Liter", 1e-3),
    ("MetricCup", 2.5e-4),
    ("MetricTeaspoon", 5e-6),
    ("OilBarrel", 0.158_987_294_928),
    ("UkTablespoon", 1.5e-5),
    ("UsBeerBarrel", 0.117_347_765_304),
    ("UsCustomaryCup", 2.365_882_365e-4),
    ("UsGallon", 0.003_785_411_784),
    ("UsLegalCup", 2.4e-4),
    ("UsOunce", 2.957_352_956_25e-5),
    ("UsPint", 4.731_764_73e-4),
    ("UsQuart", 9.463_529_46e-4),
    ("UsTablespoon", 1.478_676_478_125e-5),
    ("UsTeaspoon", 4.928_921_593_75e-6),
];

/// How many base units a name has, with a prefix or without.
fn factor(units: &[Unit], name: &str) -> Option<f64> {
    let plain = |name: &str| units.iter().find(|(known, _)| *known == name).map(|(_, factor)| *factor);
    if let Some(factor) = plain(name) {
        return Some(factor);
    }
    PREFIXES.iter().find_map(|(prefix, scale)| {
        let rest = name.strip_prefix(prefix)?;
        let first = rest.chars().next().filter(char::is_ascii_lowercase)?;
        let capital: String =
            std::iter::once(first.to_ascii_uppercase()).chain(rest.chars().skip(1)).collect();
        Some(scale * plain(&capital)?)
    })
}

/// Metres a second: a length, `Per` and a time, or knots.
fn speed(name: &str) -> Option<f64> {
    if name == "Knot" {
        return Some(1_852.0 / 3_600.0);
    }
    let (length, time) = name.rsplit_once("Per")?;
    let seconds = match time {
        "Second" => 1.0,
        "Minute" => 60.0,
        "Hour" => 3_600.0,
        _ => return None,
    };
    Some(factor(LENGTHS, length)? / seconds)
}

/// A temperature's unit: kelvins in a degree, and where its zero is in kelvins.
fn temperature(name: &str) -> Option<(f64, f64)> {
    const ICE: f64 = 273.15;
    Some(match name {
        "Kelvin" => (1.0, 0.0),
        "DegreeCelsius" => (1.0, ICE),
        "MillidegreeCelsius" => (1e-3, ICE),
        "DegreeFahrenheit" => (5.0 / 9.0, 459.67 * 5.0 / 9.0),
        "DegreeRankine" => (5.0 / 9.0, 0.0),
        "DegreeDelisle" => (-2.0 / 3.0, 373.15),
        "DegreeNewton" => (100.0 / 33.0, ICE),
        "DegreeReaumur" => (1.25, ICE),
        "DegreeRoemer" => (40.0 / 21.0, ICE - 7.5 * 40.0 / 21.0),
        "SolarTemperature" => (5_778.0, 0.0),
        _ => return None,
    })
}

/// The value and the names of its unit and of the wanted one.
fn parts(arguments: &[Value]) -> Option<(f64, &str, &str)> {
    Some((real_at(arguments, 0)?, arguments.get(1)?.as_str()?, arguments.get(2)?.as_str()?))
}

fn scaled(arguments: &[Value], find: impl Fn(&str) -> Option<f64>) -> Value {
    let converted = parts(arguments).and_then(|(value, from, to)| Some(value * (find(from)? / find(to)?)));
    converted.map_or(Value::Null, Value::Real)
}

/// `Tilt` is the sine of the angle, every other unit a multiple of it.
fn angle(arguments: &[Value]) -> Option<Value> {
    let (value, from, to) = parts(arguments)?;
    let radians = if from == "Tilt" { value.asin() } else { value * factor(ANGLES, from)? };
    Some(Value::Real(if to == "Tilt" { radians.sin() } else { radians / factor(ANGLES, to)? }))
}

fn degrees(arguments: &[Value]) -> Option<Value> {
    let (value, from, to) = parts(arguments)?;
    let ((from, from_zero), (to, to_zero)) = (temperature(from)?, temperature(to)?);
    Some(Value::Real((value * from + from_zero - to_zero) / to))
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("convert_angle", 3, 3, |a| angle(a).unwrap_or_default()),
    function("convert_energy", 3, 3, |a| scaled(a, |name| factor(ENERGIES, name))),
    function("convert_force", 3, 3, |a| scaled(a, |name| factor(FORCES, name))),
    function("convert_length", 3, 3, |a| scaled(a, |name| factor(LENGTHS, name))),
    function("convert_mass", 3, 3, |a| scaled(a, |name| factor(MASSES, name))),
    function("convert_speed", 3, 3, |a| scaled(a, speed)),
    function("convert_temperature", 3, 3, |a| degrees(a).unwrap_or_default()),
    function("convert_volume", 3, 3, |a| scaled(a, |name| factor(VOLUMES, name))),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(name: &str, value: f64, from: &str, to: &str) -> Option<f64> {
        let arguments = [Value::Real(value), Value::string(from), Value::string(to)];
        crate::functions::find(name).unwrap().call(&arguments).unwrap().to_f64()
    }

    #[test]
    fn units_of_all_kinds_convert() {
        let cases = [
            ("convert_angle", 0.5, "Tilt", "Degree", 30.0),
            ("convert_angle", 1.0, "Revolution", "Millidegree", 360_000.0),
            ("convert_energy", 1.0, "GigawattDay", "KilowattHour", 24e6),
            ("convert_force", 1.0, "KilopoundForce", "Newton", 4_448.221_615_260_5),
            ("convert_length", 1.0, "KilolightYear", "Kiloparsec", 0.306_601_394),
            ("convert_mass", 1.0, "Stone", "Pound", 14.0),
            ("convert_speed", 1.0, "UsSurveyFootPerMinute", "KilometerPerHour", 0.018_288_036_6),
            ("convert_temperature", 98.6, "DegreeFahrenheit", "DegreeCelsius", 37.0),
            ("convert_temperature", 100.0, "DegreeDelisle", "DegreeRoemer", 25.0),
            ("convert_volume", 1.0, "KiloimperialGallon", "HectousGallon", 12.009_499_255),
        ];
        for (name, value, from, to, expected) in cases {
            let found = convert(name, value, from, to).unwrap();
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{name} {from} {to}: {found}");
        }
    }

    #[test]
    fn other_names_are_null() {
        assert_eq!(convert("convert_mass", 1.0, "Stein", "Pound"), None);
        assert_eq!(convert("convert_mass", 1.0, "KiloPound", "Pound"), None);
        assert_eq!(convert("convert_speed", 1.0, "MeterPerDay", "Knot"), None);
    }
}
