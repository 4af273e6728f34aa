//! Circles among imports.
//!
//! In: for each file, the files that it imports. Out: for each file, the circle it is in. Must not know: paths, texts.

/// Numbers such that two files have the same one exactly if each imports the other, directly or not (Tarjan, 1972).
/// Takes time in proportion to files and imports; nothing calls itself, so that a long chain of imports does not end
/// the program.
pub(super) fn circles(imports: &[Vec<usize>]) -> Vec<usize> {
    let mut search = Search {
        imports,
        order: vec![None; imports.len()],
        low: vec![0; imports.len()],
        circle: vec![None; imports.len()],
        open: Vec::new(),
        visited: 0,
    };
    for file in 0..imports.len() {
        search.from(file);
    }
    search.circle.into_iter().map(Option::unwrap_or_default).collect()
}

struct Search<'a> {
    imports: &'a [Vec<usize>],
    /// When each file was visited first.
    order: Vec<Option<usize>>,
    /// The earliest visited file that each one is known to lead back to.
    low: Vec<usize>,
    circle: Vec<Option<usize>>,
    /// Visited files whose circle is not complete.
    open: Vec<usize>,
    visited: usize,
}

impl Search<'_> {
    fn from(&mut self, root: usize) {
        if self.order.get(root).is_none_or(Option::is_some) {
            return;
        }
        self.enter(root);
        let mut path = vec![(root, 0)];
        while let Some((file, at)) = path.last_mut() {
            let (file, next) = (*file, self.imports.get(*file).and_then(|imports| imports.get(*at)).copied());
            *at += 1;
            let Some(next) = next else {
                path.pop();
                self.leave(file, path.last().map(|(parent, _)| *parent));
                continue;
            };
            match self.order.get(next).copied().flatten() {
                None => {
                    self.enter(next);
                    path.push((next, 0));
                }
                // Only while its circle is open: a file whose circle is complete never leads back here.
                Some(order) if self.circle.get(next).is_some_and(Option::is_none) => self.lower(file, order),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, file: usize) {
        if let (Some(order), Some(low)) = (self.order.get_mut(file), self.low.get_mut(file)) {
            *order = Some(self.visited);
            *low = self.visited;
        }
        self.visited += 1;
        self.open.push(file);
    }

    fn lower(&mut self, file: usize, order: usize) {
        if let Some(low) = self.low.get_mut(file) {
            *low = order.min(*low);
        }
    }

    /// All imports of a file have been followed: it closes its circle, or its importer leads back as far as it does.
    fn leave(&mut self, file: usize, parent: Option<usize>) {
        let low = self.low.get(file).copied().unwrap_or_default();
        if let Some(parent) = parent {
            self.lower(parent, low);
        }
        if self.order.get(file).copied().flatten() != Some(low) {
            return;
        }
        while let Some(member) = self.open.pop() {
            if let Some(circle) = self.circle.get_mut(member) {
                *circle = Some(low);
            }
            if member == file {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each file reaches the other, asked of every pair.
    fn by_brute_force(imports: &[Vec<usize>]) -> Vec<Vec<bool>> {
        let count = imports.len();
        let mut reach = vec![vec![false; count]; count];
        for (from, row) in reach.iter_mut().enumerate() {
            let mut queue = vec![from];
            while let Some(file) = queue.pop() {
                if !std::mem::replace(&mut row[file], true) {
                    queue.extend(&imports[file]);
                }
            }
        }
        reach
    }

    #[test]
    fn files_of_one_circle_have_one_number() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let count = rng.usize(1..8);
            let imports: Vec<Vec<usize>> =
                (0..count).map(|_| (0..rng.usize(0..3)).map(|_| rng.usize(0..count)).collect()).collect();
            let (circle, reach) = (circles(&imports), by_brute_force(&imports));
            for (one, other) in (0..count).flat_map(|one| (0..count).map(move |other| (one, other))) {
                let together = reach[one][other] && reach[other][one];
                assert_eq!(circle[one] == circle[other], together, "{imports:?} {one} {other}");
            }
        }
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let imports: Vec<Vec<usize>> = (0..200_000).map(|file| vec![file + 1]).collect();
        assert_eq!(circles(&imports[..199_999]).len(), 199_999);
    }
}
