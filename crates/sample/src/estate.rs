//! The files of the estate.

use std::borrow::Cow;

use rust_embed::RustEmbed;

/// What the folder of the estate is called.
pub const ESTATE: &str = "harbour-mutual";

#[derive(RustEmbed)]
#[folder = "../../examples/harbour-mutual"]
struct Files;

/// The files of the example estate by their paths in its folder, in the order of these.
pub fn estate() -> impl Iterator<Item = (Cow<'static, str>, Cow<'static, [u8]>)> {
    let mut names: Vec<Cow<'static, str>> = Files::iter().collect();
    names.sort();
    names.into_iter().filter_map(|name| Some((name.clone(), Files::get(&name)?.data)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_estate_is_here() {
        let names: Vec<String> = super::estate().map(|(name, _)| name.into_owned()).collect();
        assert!(names.iter().any(|name| name == "infra/assistant.json"), "{names:?}");
        assert!(names.iter().any(|name| name == "exemptions.yaml"), "{names:?}");
    }
}
