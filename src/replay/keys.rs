//! The keys by which later steps could find earlier ones, as far as a few bits remember them.
//!
//! In: records of all steps but the last, from many threads. Out: whether a record of a later step can have a predecessor at all.
//! Must not know: times, chains. The answer errs in one direction only: it may say yes where there is none.
//!
//! Most records that satisfy a late step follow nothing, so most need not be unpacked: their link key was never seen. Two bits stand
//! for a key, in a field of a fixed size.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

use crate::engine::predicate::Values;
use crate::engine::program::Program;

/// Words of the field of a link, if there are few links.
const WORDS: usize = 1 << 13;
/// Words of all fields together, at least one for each link.
const ALL_WORDS: usize = 1 << 20;

/// The keys of every link of every rule.
#[derive(Debug)]
pub(super) struct Keys {
    rules: Vec<Vec<OfLink>>,
}

#[derive(Debug)]
struct OfLink {
    left: Vec<usize>,
    right: Vec<usize>,
    words: Box<[AtomicU64]>,
}

impl Keys {
    pub(super) fn new(programs: &[Program]) -> Self {
        let links: usize = programs.iter().map(|program| program.links.len()).sum();
        let size = (ALL_WORDS / links.max(1)).clamp(1, WORDS);
        let of_link = |link: &crate::engine::program::Link| OfLink {
            left: link.left.clone(),
            right: link.right.clone(),
            words: (0..size).map(|_| AtomicU64::new(0)).collect(),
        };
        Self { rules: programs.iter().map(|program| program.links.iter().map(of_link).collect()).collect() }
    }

    fn link(&self, rule: u32, link: usize) -> Option<&OfLink> {
        self.rules.get(rule as usize)?.get(link)
    }

    /// Remembers the keys of a record towards the steps after those that it satisfies.
    pub(super) fn add(&self, steps: &[(u32, u16)], values: &Values<'_>) {
        for (rule, step) in steps {
            let Some(link) = self.link(*rule, usize::from(*step)) else { continue };
            for (word, bit) in link.places(&link.left, values).into_iter().flatten() {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether a record can be part of a chain as one of `steps`: a first step always, a later one if its key was seen.
    pub(super) fn any_can_follow(&self, steps: &[(u32, u16)], values: &Values<'_>) -> bool {
        steps.iter().any(|(rule, step)| {
            let Some(before) = usize::from(*step).checked_sub(1) else { return true };
            let Some(link) = self.link(*rule, before) else { return true };
            let seen = |places: [(&AtomicU64, u64); 2]| {
                places.iter().all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
            };
            link.places(&link.right, values).is_some_and(seen)
        })
    }
}

impl OfLink {
    /// The bits of the key at these places of a record; `None` if a part of it is missing.
    fn places(&self, key: &[usize], values: &Values<'_>) -> Option<[(&AtomicU64, u64); 2]> {
        let mut hasher = FixedState::with_seed(1318).build_hasher();
        for place in key {
            values.get(*place)?.as_ref()?.hash_as_key(&mut hasher);
        }
        let hash = hasher.finish();
        let bit = |hash: u64| {
            let word = usize::try_from(hash >> 6).unwrap_or_default() % self.words.len().max(1);
            Some((self.words.get(word)?, 1 << (hash & 63)))
        };
        Some([bit(hash)?, bit(hash.rotate_left(29) ^ 0x9e37_79b9_7f4a_7c15)?])
    }
}
