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
use crate::engine::program::{Fields, Program};
use crate::engine::value::Value;

/// Words of the bitmap of a link, if there are few links.
// 64 KiB. With two bits a key, about one in 700 other keys passes when 10,000 were seen.
const WORDS: usize = 1 << 13;
/// Words of all bitmaps together, at least one for each link.
const ALL_WORDS: usize = 1 << 20;

/// The keys of every link of every rule.
#[derive(Debug)]
pub(crate) struct SeenKeys {
    rules: Vec<OfRule>,
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
struct OfRule {
    links: Vec<OfLink>,
    /// For each role the link that leads on, and the key on its side.
    offers: Vec<Option<(usize, Fields)>>,
    /// For each role the link that leads to it, if its records matter only with a predecessor.
    needs: Vec<Option<(usize, Fields)>>,
}

#[derive(Debug)]
struct OfLink {
    words: Box<[AtomicU64]>,
}

impl SeenKeys {
    /// The links of `programs`, with no key seen yet.
    pub(crate) fn new(programs: &[Program], counts: bool) -> Self {
        let links: usize = programs.iter().map(|program| program.links.len()).sum();
        // A filter too small for its keys lets more records pass, and is as exact.
        let size = (ALL_WORDS / links.max(1)).clamp(1, WORDS);
        let of_link = |_: &_| OfLink { words: (0..size).map(|_| AtomicU64::new(0)).collect() };
        let owned = |(link, key): (usize, &Fields)| (link, key.clone());
        let of_rule = |program: &Program| OfRule {
            links: program.links.iter().map(of_link).collect(),
            offers: (0..program.roles.len()).map(|role| program.offers(role).map(owned)).collect(),
            needs: (0..program.roles.len()).map(|role| program.needs(role).map(owned)).collect(),
        };
        let rules = programs.iter().map(of_rule).collect();
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
        self.rules.get(rule as usize)?.links.get(link)
    }

    /// Remembers the keys of a record towards the steps after those that it satisfies.
    pub(crate) fn add(&self, steps: &[StepId], values: &Values<'_>) {
        for (rule, step) in steps {
            let offered = || {
                let of_rule = self.rules.get(*rule as usize)?;
                let (link, key) = of_rule.offers.get(usize::from(*step))?.as_ref()?;
                Some((of_rule.links.get(*link)?, hash(at(key, values))?))
            };
            let Some((link, key)) = offered() else { continue };
            for (word, bit) in link.places(key).into_iter().flatten() {
                // Relaxed is enough: the threads of a phase are waited for before the next one begins, and that orders
                // what they wrote before what is read there.
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether a record can be part of a chain in one of the roles `steps`: if it matters without a
    /// predecessor, or its key was seen.
    pub(crate) fn any_can_follow(&self, steps: &[StepId], values: &Values<'_>) -> bool {
        steps.iter().any(|(rule, step)| {
            let of_rule = self.rules.get(*rule as usize);
            let Some(Some((link, key))) = of_rule.and_then(|of_rule| of_rule.needs.get(usize::from(*step)))
            else {
                return true;
            };
            let link = Link { rule: *rule, link: *link };
            hash(at(key, values)).is_some_and(|key| self.has_seen(link, key))
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
fn at<'a, 'v>(key: &'a Fields, values: &'a Values<'v>) -> impl Iterator<Item = Option<&'a Value<'v>>> {
    key.iter().map(|(place, _)| values.get(*place)?.as_ref())
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
