//! Steps joined by links: of every record of the later step the start of the best chain that leads to it.
//!
//! In: the chain so far, the later step, a bound link. Out: common tables. Must not know: conditions of steps.
//!
//! Where a link asks for nothing but keys and a gap, no join is needed: both sides in one table, and the greatest start
//! in the window before each row. `DuckDB` has a sliding window for that; Spark would compute it anew for every row, so
//! there and in Trino rows lie in buckets as long as the gap, two of which cover it, and each is a running maximum.
//! Where it asks for more, of pairs, the pairs are joined.

use super::Sql;
use super::array::{self, Held};
use super::dialect;
use super::literal::{self, Frag, test, whole};
use super::predicate::ordered;
use super::step::{Counting, StepTable, Writer, field, in_one_case, in_words, shared, union};
use crate::backend::SqlDialect;
use crate::backend::bind::{AnyKey, BoundLink, BoundStep};
use crate::backend::print::Bind;
use crate::ir::{self, CompareOp, Field, Neighbour, Type};

/// The chain up to a step.
#[derive(Debug)]
pub(super) struct Chain {
    /// Its table.
    pub(super) name: Frag,
    /// Its start in a row of that.
    pub(super) start: Frag,
    /// Columns of the contract of all steps so far; its table has besides what the next link reads of its last step.
    pub(super) path: Vec<(Frag, Held)>,
}

/// A link with its two steps.
#[derive(Clone, Copy)]
pub(super) struct Joint<'j, 't> {
    pub(super) link: &'j BoundLink<'t, Sql>,
    pub(super) earlier: &'j BoundStep<'t, Sql>,
    pub(super) later: &'j BoundStep<'t, Sql>,
    /// The place of the later step, from 1.
    pub(super) number: usize,
    /// The total in microseconds, where it binds.
    pub(super) total: Option<u64>,
}

impl Chain {
    /// A chain of one step.
    pub(super) fn first(step: &StepTable) -> Self {
        Self { name: step.name.clone(), start: step.start.clone(), path: step.contract.clone() }
    }
}

impl<'t> Writer<'_, 't> {
    /// The chain with one step more.
    pub(super) fn link(&mut self, chain: Chain, step: &StepTable, joint: Joint<'_, 't>) -> Chain {
        let name = literal::own(&format!("chain_{}", joint.number));
        let (chain, step) = &self.spread(chain, step, joint);
        let is_plain =
            joint.link.comparisons.is_empty() && joint.link.absences.is_empty() && step.counted.is_none();
        if is_plain {
            self.windows(chain, step, joint, &name);
        } else {
            self.pairs(chain, step, joint, &name);
        }
        let path = chain.path.iter().cloned().chain(step.contract.iter().cloned()).collect();
        Chain { name, start: literal::own("_start"), path }
    }

    /// The chain and the later step with a row for each value of the fields with several by which the link joins them.
    fn spread(&mut self, chain: Chain, step: &StepTable, joint: Joint<'_, 't>) -> (Chain, StepTable) {
        let Joint { link, earlier, later, number, .. } = joint;
        let (mut chain, mut step) = (chain, step.clone());
        for (place, AnyKey { left, right, of, folded: _ }) in (1..).zip(&link.any) {
            let sides = [
                (of.left, earlier, *left, &mut chain.name, "each_earlier"),
                (of.right, later, *right, &mut step.name, "each_later"),
            ];
            for (_, of, several, table, word) in sides.into_iter().filter(|(any, ..)| *any) {
                let name = literal::own(&format!("{word}_{number}_{place}"));
                let rows =
                    array::spread(self.dialect, table, &field(of, &several.name), &spread(of, several));
                let comment = format!("`{}` with a row for each value of {}", of.name.node, several.name);
                self.statement.table(&comment, &name, &rows);
                *table = name;
            }
        }
        (chain, step)
    }

    /// The greatest start in the window before each row.
    fn windows(&mut self, chain: &Chain, step: &StepTable, joint: Joint<'_, 't>, name: &Frag) {
        let Joint { link, number, .. } = joint;
        let gap = link.gap.seconds;
        let buckets = self.dialect != SqlDialect::DuckDb && gap > 0;
        let both = literal::own(&format!("link_{number}"));
        let union = Union { dialect: self.dialect, chain, step, joint, buckets };
        if step.is_near {
            self.statement.keep(&step.name);
        }
        self.statement.table(&joint.in_words(), &both, &union.print());
        let start = literal::own("_path._start");
        let keys = literal::list(&union.key_names());
        let mut candidates = Vec::new();
        let mut columns = vec![literal::own("*")];
        let mut add = |name: &str, value: Frag| {
            columns.push(whole("{} AS {}", &[&value, &literal::own(name)]));
            candidates.push(literal::own(name));
        };
        let end = if link.shared { "1 PRECEDING" } else { "CURRENT ROW" };
        let end = literal::own(end);
        if buckets {
            add(
                "_own",
                whole(
                    "max_by(_path, CASE WHEN _is_copy = 0 THEN {} END) OVER (PARTITION BY {}, _bucket ORDER BY _place RANGE \
                 BETWEEN UNBOUNDED PRECEDING AND {})",
                    &[&start, &keys, &end],
                ),
            );
            add(
                "_copied",
                whole(
                    "max_by(_path, CASE WHEN _is_copy = 1 THEN {} END) OVER (PARTITION BY {}, _bucket ORDER BY _place DESC \
                 RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
                    &[&start, &keys],
                ),
            );
        } else if gap > 0 || !link.shared {
            add(
                "_before",
                whole(
                    "max_by(_path, {}) OVER (PARTITION BY {} ORDER BY _at RANGE BETWEEN {} PRECEDING AND {})",
                    &[&start, &keys, &literal::micros(gap), &end],
                ),
            );
        }
        let mut from = both;
        if link.shared {
            let instant = match (buckets, self.dialect) {
                (true, _) => whole("PARTITION BY {}, _bucket, _place, _is_copy", &[&keys]),
                // Sorted as for the window before each row.
                (false, SqlDialect::DuckDb) => {
                    whole("PARTITION BY {} ORDER BY _at RANGE BETWEEN CURRENT ROW AND CURRENT ROW", &[&keys])
                }
                (false, SqlDialect::Spark | SqlDialect::Trino) => whole("PARTITION BY {}, _at", &[&keys]),
            };
            from = self.ties(&from, &instant, number, &mut columns, &mut candidates);
        }
        let best = literal::own(&format!("best_{number}"));
        let text = whole("SELECT {}\n  FROM {}", &[&literal::lines(&columns, ",", 4), &from]);
        self.statement.table("", &best, &text);
        self.take(chain, step, joint, (&best, &greatest(&candidates)), name);
    }

    /// Of the records of one instant those of other events: the best of all, or else the best of those whose event is
    /// not that of the best.
    fn ties(
        &mut self,
        from: &Frag,
        instant: &Frag,
        number: usize,
        columns: &mut Vec<Frag>,
        candidates: &mut Vec<Frag>,
    ) -> Frag {
        let tied = literal::own(&format!("tied_{number}"));
        columns.push(whole("max_by(_path, _path._start) OVER ({}) AS _tie", &[instant]));
        let text = whole("SELECT {}\n  FROM {}", &[&literal::lines(columns, ",", 4), from]);
        self.statement.table("", &tied, &text);
        let other = whole(
            "CASE WHEN _tie._event <> _event THEN _tie ELSE max_by(_path, CASE WHEN _event <> _tie._event THEN \
             _path._start END) OVER ({}) END AS _at_once",
            &[instant],
        );
        *columns = vec![literal::own("*"), other];
        candidates.push(literal::own("_at_once"));
        tied
    }

    /// The rows of the later step to which a chain leads.
    fn take(
        &mut self,
        chain: &Chain,
        step: &StepTable,
        joint: Joint<'_, 't>,
        (from, best): (&Frag, &Frag),
        name: &Frag,
    ) {
        let mut inner = whole("SELECT *, {} AS _best FROM {} WHERE _is_later = 1", &[best, from]);
        let mut tests = vec![literal::own("_best._start IS NOT NULL")];
        // A record has a row for each of its values, of which the best counts. Of the last step the answer takes it.
        if !joint.link.any.is_empty() && !joint.later.last {
            inner = whole(
                "SELECT *, row_number() OVER (PARTITION BY _record, _at ORDER BY _best._start DESC NULLS LAST) AS _rank \
                 FROM ({}) AS each_value",
                &[&inner],
            );
            tests.push(literal::own("_rank = 1"));
        }
        let mut columns: Vec<_> = ["_at", "_event", "_record"].map(literal::own).to_vec();
        columns.push(literal::own("_best._start AS _start"));
        columns.extend(chain.path.iter().map(|(name, _)| whole("_best.{} AS {}", &[name, name])));
        columns.extend(step.names().cloned());
        tests.extend(joint.total.map(|total| test("_at - _best._start <= {}", &[&literal::micros(total)])));
        let text = whole(
            "SELECT {}\n  FROM ({}) AS found\n  WHERE {}",
            &[&literal::lines(&columns, ",", 4), &inner, &Frag::join(tests, " AND ", Bind::And)],
        );
        self.statement.table("", name, &text);
    }

    /// What a pair must satisfy beside its keys and the gap.
    fn pair_tests(&mut self, step: &StepTable, joint: Joint<'_, 't>, start: &Frag) -> Vec<Frag> {
        let Joint { link, earlier, later, total, .. } = joint;
        let absent: Vec<_> =
            link.absences.iter().map(|absence| (absence, self.absent(absence, &later.name.node))).collect();
        let mut tests = Vec::new();
        if link.shared {
            tests.push(literal::own("a._event <> b._event"));
        }
        for comparison in link.comparisons {
            let [left, right] = [("a", earlier, &comparison.left), ("b", later, &comparison.right)]
                .map(|(alias, step, of)| whole("{}.{}", &[&literal::own(alias), &field(step, &of.name)]));
            tests.push(match comparison.op {
                CompareOp::NotEqual => test("{} <> {}", &[&left, &right]),
                CompareOp::Order(op) => ordered(op, &left, &right),
            });
        }
        for (absence, table) in absent {
            let mut shares = shared(absence, |key| match key.of {
                Neighbour::Earlier => (literal::own("a"), field(earlier, &key.left.name)),
                Neighbour::Later => (literal::own("b"), field(later, &key.left.name)),
            });
            shares.push(literal::own("u._at > a._at AND u._at < b._at"));
            let shares = Frag::join(shares, " AND ", Bind::Or);
            tests.push(whole("NOT EXISTS (SELECT 1 FROM {} u WHERE {})", &[&table, &shares]));
        }
        tests.extend(total.map(|total| test("b._at - {} <= {}", &[start, &literal::micros(total)])));
        if step.counted.is_some() {
            // What came before the burst came before its first event. Where one event could be in both, its own records
            // do not count, and the rest must still suffice: `recounted` asks that.
            if !link.shared {
                let first = field(later, ir::FIRST_TIME);
                tests.push(test("a._at <= b.{}", &[&first]));
            }
        }
        tests
    }

    /// The pairs that a link joins, of each later record the one with the latest start.
    fn pairs(&mut self, chain: &Chain, step: &StepTable, joint: Joint<'_, 't>, name: &Frag) {
        let Joint { link, later, number, .. } = joint;
        let start = whole("a.{}", &[&chain.start]);
        let tests = self.pair_tests(step, joint, &start);
        let mut on = joint.key_tests("a", "b");
        on.push(test("a._at BETWEEN b._at - {} AND b._at", &[&literal::micros(link.gap.seconds)]));
        let mut columns: Vec<_> =
            ["b._at", "b._event", "b._record", "a._event AS _earlier_event", "a._at AS _earlier_at"]
                .map(literal::own)
                .to_vec();
        columns.push(whole("{} AS _start", &[&start]));
        columns.extend(chain.path.iter().map(|(name, _)| whole("a.{}", &[name])));
        columns.extend(step.names().map(|name| whole("b.{}", &[name])));
        let where_all =
            if tests.is_empty() { literal::truth(true) } else { Frag::join(tests, " AND ", Bind::And) };
        let text = whole(
            "SELECT {}\n  FROM {} a JOIN {} b ON {}\n  WHERE {}",
            &[
                &literal::lines(&columns, ",", 4),
                &chain.name,
                &step.name,
                &Frag::join(on, " AND ", Bind::And),
                &where_all,
            ],
        );
        let mut pairs = literal::own(&format!("pairs_{number}"));
        self.statement.table(&joint.in_words(), &pairs, &text);
        if let (Some(counted), true) = (&step.counted, link.shared) {
            pairs = self.recounted(later, counted, &pairs, number);
        }
        let mut columns: Vec<_> = ["_at", "_event", "_record", "_start"].map(literal::own).to_vec();
        columns.extend(chain.path.iter().map(|(name, _)| name).chain(step.names()).cloned());
        let text = whole(
            "SELECT {}\n  FROM (SELECT *, row_number() OVER (PARTITION BY _record, _at ORDER BY _start DESC) AS _rank FROM \
             {}) AS ranked\n  WHERE _rank = 1",
            &[&literal::lines(&columns, ",", 4), &pairs],
        );
        self.statement.table("", name, &text);
    }

    /// The pairs for which enough is left without the event of the earlier record, since that record.
    fn recounted(&mut self, later: &BoundStep<'t, Sql>, counted: &Frag, pairs: &Frag, number: usize) -> Frag {
        let name = literal::own(&format!("recounted_{number}"));
        let Some(repetition) = later.repetition else { return pairs.clone() };
        let Counting { value, same, is_there } = self.counting(later, repetition, ["p", "c"]);
        let window = literal::micros(repetition.window.seconds);
        let enough = literal::own(&format!("enough_{number}"));
        let text = whole(
            "SELECT p._record, p._at, p._earlier_event, p._earlier_at\n  FROM {} p JOIN {} c ON {} AND c._event <> \
             p._earlier_event AND c._at BETWEEN GREATEST(p._earlier_at, p._at - {}) AND p._at\n  WHERE {}\n  GROUP BY \
             p._record, p._at, p._earlier_event, p._earlier_at\n  HAVING count(DISTINCT {}) >= {}",
            &[
                pairs,
                counted,
                &same,
                &window,
                &is_there,
                &value,
                &literal::number(i64::from(repetition.least)),
            ],
        );
        self.statement.table("", &enough, &text);
        let text = whole(
            "SELECT p.*\n  FROM {} p JOIN {} e ON p._record = e._record AND p._at = e._at AND p._earlier_event = \
             e._earlier_event AND p._earlier_at = e._earlier_at",
            &[pairs, &enough],
        );
        self.statement.table("", &name, &text);
        name
    }
}

/// The column of one value of a field with several.
fn spread(step: &BoundStep<'_, Sql>, several: &Field) -> Frag {
    literal::own(&format!("{}_each", step.column_name(&several.name)))
}

impl Joint<'_, '_> {
    fn in_words(&self) -> String {
        let keys = self.link.keys_in_words();
        let mut text = format!(
            "`{}` within {} after `{}` on {keys}",
            self.later.name.node,
            ir::duration(self.link.gap.seconds),
            self.earlier.name.node
        );
        for absence in &self.link.absences {
            text.push_str(", ");
            text.push_str(&in_words(absence));
        }
        text
    }

    /// The columns of the earlier and of the later step that each key compares; whether letter case does not count.
    pub(super) fn sides(&self) -> impl Iterator<Item = ([Frag; 2], bool)> {
        let Joint { link, earlier, later, .. } = *self;
        let of_one = link.keys.iter().zip(&link.folded);
        let of_one = of_one
            .map(|((left, right), folds)| ([field(earlier, &left.name), field(later, &right.name)], *folds));
        let any = link.any.iter().map(|AnyKey { left, right, of, folded }| {
            let side = |step, of: &Field, any| if any { spread(step, of) } else { field(step, &of.name) };
            ([side(earlier, left, of.left), side(later, right, of.right)], *folded)
        });
        of_one.chain(any)
    }

    /// The two sides of each key, as they are compared.
    fn keys(&self) -> impl Iterator<Item = [Frag; 2]> {
        self.sides().map(|(sides, folds)| sides.map(|column| in_one_case(column, folds)))
    }

    fn key_tests(&self, earlier: &str, later: &str) -> Vec<Frag> {
        let [earlier, later] = [earlier, later].map(literal::own);
        let tests = self.sides().map(|([left, right], folds)| {
            let [left, right] = [(&earlier, left), (&later, right)]
                .map(|(alias, of)| in_one_case(whole("{}.{}", &[alias, &of]), folds));
            test("{} = {}", &[&left, &right])
        });
        tests.collect()
    }

    /// Whether both steps read one source, so that a filter by keys would read it once more.
    pub(super) fn is_of_one_source(&self) -> bool {
        let sources = |step: &BoundStep<'_, Sql>| -> Vec<String> {
            step.selections().map(|selection| selection.source.name.clone()).collect()
        };
        let later = sources(self.later);
        sources(self.earlier).iter().any(|source| later.contains(source))
    }
}

/// Both sides of a link in one table.
struct Union<'u, 't> {
    dialect: SqlDialect,
    chain: &'u Chain,
    step: &'u StepTable,
    joint: Joint<'u, 't>,
    buckets: bool,
}

impl Union<'_, '_> {
    fn key_names(&self) -> Vec<Frag> {
        (1..=self.joint.sides().count()).map(|number| literal::own(&format!("_key_{number}"))).collect()
    }

    fn print(&self) -> Frag {
        let copies: &[Option<bool>] = if self.buckets { &[Some(false), Some(true)] } else { &[None] };
        let earlier = copies.iter().map(|copy| self.earlier(*copy));
        union(earlier.chain([self.later()]).collect())
    }

    /// Where a row stands: in the bucket of its time, or, as a copy, in the next one, as much later.
    fn place(&self, alias: &'static str, copy: bool) -> Vec<Frag> {
        let gap = literal::micros(self.joint.link.gap.seconds);
        let at = literal::own(&format!("{alias}_at"));
        let [bucket, place] = if copy {
            [
                whole("{} - mod({}, {}) + {} AS _bucket", &[&at, &at, &gap, &gap]),
                whole("{} + {} AS _place", &[&at, &gap]),
            ]
        } else {
            [whole("{} - mod({}, {}) AS _bucket", &[&at, &at, &gap]), whole("{} AS _place", &[&at])]
        };
        vec![bucket, place, whole("{} AS _is_copy", &[&literal::number(i64::from(copy))])]
    }

    fn earlier(&self, copy: Option<bool>) -> Frag {
        let mut columns: Vec<_> = self
            .joint
            .keys()
            .zip(self.key_names())
            .map(|([left, _], name)| whole("{} AS {}", &[&left, &name]))
            .collect();
        columns.extend(copy.into_iter().flat_map(|copy| self.place("", copy)));
        columns.extend(["0 AS _is_later", "_at", "_event"].map(literal::own));
        let text = literal::type_name(self.dialect, Type::String);
        columns.push(whole("CAST(NULL AS {}) AS _record", &[&text]));
        columns.push(whole("{} AS _path", &[&dialect::pack(self.dialect, &self.packed())]));
        columns.extend(self.step.nothing(self.dialect));
        let (from, alias) = if self.chain.start == literal::own("_start") {
            (self.chain.name.clone(), self.chain.name.text())
        } else {
            let begun = "(SELECT *, {} AS _start FROM {}) AS begun";
            (whole(begun, &[&self.chain.start, &self.chain.name]), "begun")
        };
        let text = whole("SELECT {}\n  FROM {}", &[&literal::lines(&columns, ",", 4), &from]);
        if self.step.is_near && self.dialect == SqlDialect::DuckDb {
            // It changes nothing but how much is sorted.
            let same = Frag::join(self.joint.key_tests(alias, "b"), " AND ", Bind::Or);
            return whole(
                "{}\n  WHERE EXISTS (SELECT 1 FROM {} b WHERE {})",
                &[&text, &self.step.name, &same],
            );
        }
        text
    }

    fn packed(&self) -> Vec<(Frag, Held)> {
        let mut packed = vec![(literal::own("_start"), Held::one(Type::Time))];
        if self.joint.link.shared {
            // Whose path it is: a maximum of its own could name another one.
            packed.push((literal::own("_event"), Held::one(Type::String)));
        }
        packed.extend(self.chain.path.iter().cloned());
        packed
    }

    fn later(&self) -> Frag {
        let key = |([_, right], folds): ([Frag; 2], bool)| in_one_case(whole("b.{}", &[&right]), folds);
        let mut columns: Vec<_> = self.joint.sides().map(key).collect();
        if self.buckets {
            columns.extend(self.place("b.", false));
        }
        columns.extend(["1", "b._at", "b._event", "b._record"].map(literal::own));
        columns.push(whole("CAST(NULL AS {})", &[&dialect::struct_type(self.dialect, &self.packed())]));
        columns.extend(self.step.names().map(|name| whole("b.{}", &[name])));
        let text = whole("SELECT {}\n  FROM {} b", &[&literal::lines(&columns, ",", 4), &self.step.name]);
        if self.step.is_near || self.joint.is_of_one_source() {
            return text;
        }
        let same = Frag::join(self.joint.key_tests("a", "b"), " AND ", Bind::Or);
        whole("{}\n  WHERE EXISTS (SELECT 1 FROM {} a WHERE {})", &[&text, &self.chain.name, &same])
    }
}

/// Of several paths the one with the latest start.
fn greatest(candidates: &[Frag]) -> Frag {
    let mut candidates = candidates.iter();
    let Some(first) = candidates.next() else { return whole("NULL", &[]) };
    candidates.fold(first.clone(), |best, next| {
        literal::code(
            Bind::Or,
            "CASE WHEN {}._start IS NULL OR {()}._start >= {}._start THEN {} ELSE {} END",
            &[next, &best, next, &best, next],
        )
    })
}
