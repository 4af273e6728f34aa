//! The nearest of earlier entries that is good enough.
//!
//! In: entries, each nearer than those before it, with a quality. Out: the nearest one of at least a wanted quality.
//! Must not know: records, chains, what near and good mean.
//!
//! An entry that is both farther and no better than another is never the answer, so the entries kept get better from
//! near to far: constant amortised work to add one, a binary search to ask.

/// The entries that can still be an answer, farthest and best first.
#[derive(Debug)]
pub(super) struct Nearest<T> {
    kept: Vec<(i64, T)>,
}

impl<T> Default for Nearest<T> {
    fn default() -> Self {
        Self { kept: Vec::new() }
    }
}

impl<T: Copy> Nearest<T> {
    /// Adds an entry at least as near as all before it.
    pub(super) fn add(&mut self, quality: i64, entry: T) {
        while self.kept.last().is_some_and(|(other, _)| *other <= quality) {
            self.kept.pop();
        }
        self.kept.push((quality, entry));
    }

    /// The nearest entry whose quality is at least `wanted`.
    pub(super) fn find(&self, wanted: i64) -> Option<T> {
        let good = self.kept.partition_point(|(quality, _)| *quality >= wanted);
        self.kept.get(good.checked_sub(1)?).map(|(_, entry)| *entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_good_one() {
        let mut nearest = Nearest::default();
        for (entry, quality) in [5, 9, 3, 3, 7, 2].into_iter().enumerate() {
            nearest.add(quality, entry);
        }
        let found: Vec<_> = [1, 2, 3, 7, 8, 10].into_iter().map(|wanted| nearest.find(wanted)).collect();
        assert_eq!(found, [Some(5), Some(5), Some(4), Some(4), Some(1), None]);
    }
}
