//! A Bloom filter of the link keys of the records stored so far, one for each link.
//!
//! In: records of all steps but the last, from many threads. Out: whether a record of a later step can have a
//! predecessor at all. Must not know: times, chains. There are false positives and no false negatives: it may say yes
//! where there is no predecessor.
//!
//! Most records that satisfy a late step follow nothing, so most need not be stored: their link key was never seen.
//! Each key sets two bits of a bitmap of fixed size.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use foldhash::fast::FixedState;

use super::packed::StepId;
use crate::engine::predicate::Values;
use crate::engine::program::Program;
use crate::engine::value::Value;

/// Words of the bitmap of a link, if there are few links.
// 64 KiB. With two bits a key, about one in 700 other keys passes when 10,000 were seen.
const WORDS: usize = 1 << 13;
/// Words of all bitmaps together, at least one for each link.
const ALL_WORDS: usize = 1 << 20;

/// The keys of every link of every rule.
#[derive(Debug)]
pub(crate) struct SeenKeys {
    rules: Vec<Vec<OfLink>>,
    /// The records of all phases before this one were added.
    phase: AtomicUsize,
    /// Whether records that can be part of no chain are counted.
    pub(crate) counts: bool,
}

/// A link of a rule: the one behind the step of the same number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) rule: u32,
    pub(crate) link: usize,
}

#[derive(Debug)]
struct OfLink {
    left: Vec<usize>,
    right: Vec<usize>,
    words: Box<[AtomicU64]>,
}

impl SeenKeys {
    /// The links of `programs`, with no key seen yet.
    pub(crate) fn new(programs: &[Program], counts: bool) -> Self {
        let links: usize = programs.iter().map(|program| program.links.len()).sum();
        // A filter too small for its keys lets more records pass, and is as exact.
        let size = (ALL_WORDS / links.max(1)).clamp(1, WORDS);
        let of_link = |link: &crate::engine::program::Link| OfLink {
            left: link.left.clone(),
            right: link.right.clone(),
            words: (0..size).map(|_| AtomicU64::new(0)).collect(),
        };
        let rules = programs.iter().map(|program| program.links.iter().map(of_link).collect()).collect();
        Self { rules, phase: AtomicUsize::new(0), counts }
    }

    /// Says that every record of the phases before `phase` was added.
    pub(crate) fn begin(&self, phase: usize) {
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// Whether a record of `phase` that can follow nothing now never will, and need not be counted.
    pub(crate) fn are_complete_for(&self, phase: usize) -> bool {
        phase > 0 && !self.counts && self.phase.load(Ordering::Relaxed) >= phase
    }

    fn link(&self, Link { rule, link }: Link) -> Option<&OfLink> {
        self.rules.get(rule as usize)?.get(link)
    }

    /// Remembers the keys of a record towards the steps after those that it satisfies.
    pub(crate) fn add(&self, steps: &[StepId], values: &Values<'_>) {
        for (rule, step) in steps {
            let link = self.link(Link { rule: *rule, link: usize::from(*step) });
            let Some((link, key)) = link.and_then(|link| Some((link, hash(at(&link.left, values))?))) else {
                continue;
            };
            for (word, bit) in link.places(key).into_iter().flatten() {
                // Relaxed is enough: the threads of a phase are waited for before the next one begins, and that orders
                // what they wrote before what is read there.
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether a record can be part of a chain as one of `steps`: a first step always, a later one if its key was seen.
    pub(crate) fn any_can_follow(&self, steps: &[StepId], values: &Values<'_>) -> bool {
        steps.iter().any(|(rule, step)| {
            let Some(before) = usize::from(*step).checked_sub(1) else { return true };
            let link = Link { rule: *rule, link: before };
            let key = self.link(link).and_then(|of_link| hash(at(&of_link.right, values)));
            key.is_some_and(|key| self.has_seen(link, key))
        })
    }

    /// Whether a record whose key has this hash was seen before the link.
    pub(crate) fn has_seen(&self, link: Link, key: u64) -> bool {
        self.link(link)
            .and_then(|of_link| of_link.places(key))
            .is_some_and(|places| places.iter().all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0))
    }
}

/// The values at these places.
fn at<'a, 'v>(places: &'a [usize], values: &'a Values<'v>) -> impl Iterator<Item = Option<&'a Value<'v>>> {
    places.iter().map(|place| values.get(*place)?.as_ref())
}

/// The hash of the values of a key; `None` if one is missing.
pub(crate) fn hash<'v>(key: impl Iterator<Item = Option<impl Borrow<Value<'v>>>>) -> Option<u64> {
    // One seed for all: the key filter hashes what stands in the text of an event and looks for it here.
    let mut hasher = FixedState::with_seed(1318).build_hasher();
    for value in key {
        value?.borrow().hash_as_key(&mut hasher);
    }
    Some(hasher.finish())
}

impl OfLink {
    /// The bits of a key.
    fn places(&self, key: u64) -> Option<[(&AtomicU64, u64); 2]> {
        let bit = |hash: u64| {
            let word = usize::try_from(hash >> 6).unwrap_or_default() % self.words.len().max(1);
            Some((self.words.get(word)?, 1 << (hash & 63)))
        };
        Some([bit(key)?, bit(key.rotate_left(29) ^ 0x9e37_79b9_7f4a_7c15)?])
    }
}
