//! What the crate promises, from outside.

#[cfg(test)]
mod arguments;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod jcs;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod names;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod pins;
#[cfg(test)]
mod poisoned;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod taint;
