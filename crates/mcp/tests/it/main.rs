//! What the crate promises, from outside.

#[cfg(test)]
mod arguments;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod headers;
#[cfg(test)]
#[path = "../../../../fuzz/mcp.rs"]
mod invariants;
#[cfg(test)]
mod jcs;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod names;
#[cfg(test)]
#[path = "../../../../fuzz/nearly.rs"]
mod nearly;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod pins;
#[cfg(test)]
mod poisoned;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod random;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod taint;
