//! What must hold for any bytes: one function per kind of foreign text.
//!
//! In: bytes. Out: nothing; a promise that is broken panics.
//! Used twice: by the fuzz targets, which search for bytes that break a promise, and by the test suite, over the seeds.

mod environment;
mod files;
mod findings;
mod foreign;
mod logs;
mod packed;
mod plain;
mod rules;

/// A promise, and the name of its fuzz target, of its folder of seeds and of its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("parse", rules::parse),
    ("list", rules::list),
    ("cloudtrail", logs::cloudtrail),
    ("flow", logs::flow),
    ("canonical", logs::canonical),
    ("packed", packed::packed),
    ("plain", plain::plain),
    ("environment", environment::environment),
    ("source", environment::source),
    ("foreign", foreign::foreign),
];

/// Checks the promise of a target.
///
/// # Panics
/// When it is broken, and when there is no such target.
pub fn check(target: &str, bytes: &[u8]) {
    let known = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, promise) = known.unwrap_or_else(|| panic!("there is no target `{target}`"));
    promise(bytes);
}
