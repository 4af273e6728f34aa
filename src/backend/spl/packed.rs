//! The chain where windows overlap in several ways: one stream of rows in time order, running maxima for each link.
//!
//! In: a bound rule. Out: the commands between the branches and the table. Must not know: where columns come from.
//!
//! This is the recurrence of the design, S(e) = greatest S(e') over linked predecessors inside the gap. A row that
//! satisfies its step and is reached has `chain_s<i>`, the best start of a chain that ends in it. How a link finds the
//! best predecessor:
//!
//! * last link: a chain that ends in e' stays alive until D = min(t(e') + gap, S(e') + total); the row alerts if its
//!   time is not past the running maximum of D. Always exact.
//! * other links, newest: the newest predecessor has the best start, if predecessors that share this link's key also
//!   share the key of the link before (S never falls then), or if the total cannot bind. Running maxima are exact.
//! * any link, carried: else every predecessor of the key is carried along (`values`), and the row takes the best one
//!   inside the gap that passes whatever the link compares.
//!
//! If one event could match both steps, the maxima are taken in two opposite orders of the events of an instant, each
//! event's row of the later step before its row of the earlier one. So no row follows its own event, and every other
//! event of the instant stands before it in one of the two. The path of an alert travels as text; `max` over it
//! compares the fixed-width numbers at its start.

use super::absences::{self, Absent};
use super::check::all;
use super::literal::{self, Frag, spl};
use super::slots::{self, Slot};
use super::{Spl, eval, links, predicate, shown};
use crate::backend::bind::{Bound, BoundLink, BoundStep};
use crate::backend::print::Bind;
use crate::backend::{Effect, Report};
use crate::ir::{CompareOp, Comparison, GroupField, Type};

/// How a link finds the best predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Newest,
    Carried,
    Last,
}

/// The order in which the rows stand. At one time every link finds the earlier step first, in each of them, unless one
/// event could match both of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Steps in the order of the rule.
    Steps,
    /// Events by their ids, the later step of one event first.
    Events { descending: bool },
}

/// The commands between the branches and the table. `sorted` says whether the rows stand in the order of time, steps
/// first.
pub(super) fn commands(bound: &Bound<'_, Spl>, sorted: bool, report: &mut Report) -> Vec<Frag> {
    let mut tail = Tail { bound, out: Vec::new(), order: sorted.then_some(Order::Steps) };
    let repeats = bound.steps.first().filter(|step| step.repetition.is_some());
    let start = repeats.map_or_else(|| spl!("_time"), slots::first);
    tail.out.push(spl!("eval chain_s1=if(chain_step=1, {start}, null())", start));
    let hops = hops(bound);
    for hop in &hops {
        if hop.kind == Kind::Carried {
            let compares = !hop.link.comparisons.is_empty() || !hop.pairs.is_empty();
            report.note(Effect::Engine, hop.link.span, if compares { COMPARED } else { CARRIED });
        }
        tail.link(hop);
    }
    hops.last().into_iter().for_each(|last| tail.unpack(last));
    tail.out
}

const CARRIED: &str = "the key changes here inside a total that binds, so the query carries every earlier record of a key along; \
                       its memory grows with them";
const COMPARED: &str = "the records of the link are compared, so the query carries every earlier record of a key along; its memory \
                        grows with them";

/// One link, from step `n` to step `m`.
struct Hop<'b> {
    link: &'b BoundLink<'b, Spl>,
    earlier: &'b BoundStep<'b, Spl>,
    /// Where the burst of its later step starts, if that repeats.
    burst: Option<Frag>,
    kind: Kind,
    number: u64,
    /// What must not lie between its two records and shares something with the earlier one.
    pairs: Vec<Absent<'b, 'b>>,
    /// What its commands are filled with: `n`, `m`, the gap, and the columns of its key.
    gaps: [(&'static str, Frag); 4],
}

/// Every link, with the cheapest way that is exact for it.
fn hops<'b>(bound: &'b Bound<'b, Spl>) -> Vec<Hop<'b>> {
    let mut hops: Vec<Hop<'_>> = Vec::with_capacity(bound.links.len());
    // Whether S never falls along the predecessors that share a key. Before the first link it cannot, for there S is
    // their own time. A link that drops a field of the key before it ends that for good: maxima over starts that fall
    // can fall.
    let mut rising = true;
    let count = bound.links.len();
    for ((number, link), earlier) in (1..).zip(&bound.links).zip(&bound.steps) {
        rising &= keeps_rising(hops.last(), earlier, link);
        // Where the total cannot bind, no start is too early, and the newest predecessor is inside the gap if any is.
        // Where it binds and S may fall, the running maxima of time and of start can come from two predecessors and add
        // alerts: four steps, keys a, b and b, gaps of 12, 8 and 5 s, a total of 15 s.
        let single = rising || !links::total_binds(bound);
        let pairs = absences::of_pairs(bound, number + 1);
        let kind = if !link.comparisons.is_empty() || !pairs.is_empty() {
            Kind::Carried
        } else if hops.len() + 1 == count && link.absences.is_empty() {
            Kind::Last
        } else if single {
            Kind::Newest
        } else {
            Kind::Carried
        };
        let key = links::columns(link, number);
        let [n, m, gap] = [number, number + 1, link.gap.seconds].map(literal::number);
        let gaps = [("n", n), ("m", m), ("gap", gap), ("by", literal::list(&key))];
        hops.push(Hop { link, earlier, burst: links::burst(bound, number), kind, number, pairs, gaps });
    }
    hops
}

/// Whether the start never falls along the records of a step that share the key of the link after it, if it did not
/// along those before.
fn keeps_rising(before: Option<&Hop<'_>>, step: &BoundStep<'_, Spl>, link: &BoundLink<'_, Spl>) -> bool {
    let keys = || link.keys.iter().zip(&link.folded);
    // What shares a key that ignores case need not share one that does not.
    let holds =
        |name: &str, folded: bool| keys().any(|((left, _), folds)| left.name == name && (folded || !folds));
    let same_key = before.is_none_or(|hop| {
        let rights = hop.link.keys.iter().zip(&hop.link.folded);
        // Of several keys each has predecessors of its own.
        hop.link.any.is_empty()
            && hop.link.comparisons.is_empty()
            && hop.pairs.is_empty()
            && rights.into_iter().all(|((_, right), folded)| holds(&right.name, *folded))
    });
    // Of two groups the burst that ends later may have begun earlier.
    let is_in_key = |by: &GroupField| holds(&by.field.name, by.folds());
    same_key && step.repetition.is_none_or(|repetition| repetition.by.iter().all(is_in_key))
}

impl Hop<'_> {
    fn fill(&self, text: &'static str, more: &[(&'static str, &Frag)]) -> Frag {
        let gaps: Vec<_> =
            self.gaps.iter().map(|(name, gap)| (*name, gap)).chain(more.iter().copied()).collect();
        literal::fill(text, &gaps)
    }
}

struct Tail<'b> {
    bound: &'b Bound<'b, Spl>,
    out: Vec<Frag>,
    order: Option<Order>,
}

impl Tail<'_> {
    fn run(&mut self, hop: &Hop<'_>, text: &'static str) {
        self.out.push(hop.fill(text, &[]));
    }

    fn sort(&mut self, order: Order) {
        if self.order == Some(order) {
            return;
        }
        let groups = links::group(self.bound, 1).is_some();
        // Without the `0`, `sort` returns 10,000 rows.
        self.out.push(match (order, groups) {
            (Order::Steps, _) => spl!("sort 0 +_time, +chain_step"),
            (Order::Events { descending: false }, false) => spl!("sort 0 +_time, +chain_id, -chain_step"),
            (Order::Events { descending: true }, false) => spl!("sort 0 +_time, -chain_id, -chain_step"),
            (Order::Events { descending: false }, true) => {
                spl!("sort 0 +_time, +chain_group, +chain_id, -chain_step")
            }
            (Order::Events { descending: true }, true) => {
                spl!("sort 0 +_time, +chain_group, -chain_id, -chain_step")
            }
        });
        self.order = Some(order);
    }

    fn link(&mut self, hop: &Hop<'_>) {
        // First, for the path of the last link begins with it.
        if hop.kind == Kind::Last {
            self.deadline(hop);
        }
        let path = [("path", &path(hop))];
        self.out.push(hop.fill("eval chain_p{n}=if(isnum(chain_s{n}), {path}, null())", &path));
        match hop.kind {
            Kind::Newest => self.newest(hop),
            Kind::Carried => self.carried(hop),
            Kind::Last => self.last(hop),
        }
        if hop.kind != Kind::Last && hop.number == self.links() {
            self.within_total(hop);
        }
    }

    fn links(&self) -> u64 {
        u64::try_from(self.bound.links.len()).unwrap_or(u64::MAX)
    }

    /// Of the last step, the rows that are reached from a start inside the total.
    fn within_total(&mut self, hop: &Hop<'_>) {
        let total = literal::number(self.bound.total.seconds);
        let text = "where isnum(chain_s{m}) AND round(_time - chain_s{m}, 6) <= {total}";
        self.out.push(hop.fill(text, &[("total", &total)]));
    }

    /// Until when a chain that ends in step `n` can still become an alert.
    fn deadline(&mut self, hop: &Hop<'_>) {
        // In a chain of two steps S is the predecessor's own time.
        let total = self.bound.total.seconds;
        let window = links::window(self.bound, hop.link);
        let gaps = [("window", &literal::number(window)), ("total", &literal::number(total))];
        // `if` and not `min()`, which some readers of SPL evaluate over texts. A double holds epoch seconds to a
        // quarter of a microsecond, so sums and differences are rounded: limits are inclusive.
        let text = if links::total_binds(self.bound) {
            "eval chain_g{n}=if(isnum(chain_s{n}), round(_time + {window}, 6), null()), \
             chain_w{n}=if(isnum(chain_s{n}), round(chain_s{n} + {total}, 6), null()), \
             chain_d{n}=if(chain_g{n} < chain_w{n}, chain_g{n}, chain_w{n})"
        } else {
            "eval chain_d{n}=if(isnum(chain_s{n}), round(_time + {window}, 6), null())"
        };
        self.out.push(hop.fill(text, &gaps));
    }

    fn newest(&mut self, hop: &Hop<'_>) {
        self.run(hop, "eval chain_t{n}=if(isnum(chain_s{n}), _time, null())");
        self.maxima(
            hop,
            "streamstats window=0 max(chain_t{n}) AS chain_n{n}, max(chain_s{n}) AS chain_m{n}, max(chain_p{n}) AS chain_b{n} BY {by}",
            "streamstats window=0 max(chain_t{n}) AS chain_x{n}, max(chain_s{n}) AS chain_y{n}, max(chain_p{n}) AS chain_c{n} BY {by}",
            // A newer row has seen all that the other order has; of equally new ones, either may have the better start.
            "eval chain_o{n}=if(isnull(chain_n{n}) OR chain_x{n} > chain_n{n} OR chain_y{n} > chain_m{n}, 1, 0), \
             chain_n{n}=if(chain_o{n}=1, chain_x{n}, chain_n{n}), chain_m{n}=if(chain_o{n}=1, chain_y{n}, chain_m{n}), \
             chain_b{n}=if(chain_o{n}=1, chain_c{n}, chain_b{n})",
        );
        let mut tests = vec![hop.fill("isnum(chain_n{n}) AND round(_time - chain_n{n}, 6) <= {gap}", &[])];
        tests.extend(absences::between(self.bound, hop.number + 1, &hop.fill("chain_n{n}", &[])));
        let holds = all(tests);
        let text = "eval chain_s{m}=if(chain_step={m} AND {holds}, chain_m{n}, null())";
        self.out.push(hop.fill(text, &[("holds", &holds)]));
    }

    fn last(&mut self, hop: &Hop<'_>) {
        self.maxima(
            hop,
            "streamstats window=0 max(chain_d{n}) AS chain_m{n}, max(chain_p{n}) AS chain_b{n} BY {by}",
            "streamstats window=0 max(chain_d{n}) AS chain_y{n}, max(chain_p{n}) AS chain_c{n} BY {by}",
            "eval chain_o{n}=if(isnull(chain_m{n}) OR chain_y{n} > chain_m{n}, 1, 0), \
             chain_m{n}=if(chain_o{n}=1, chain_y{n}, chain_m{n}), chain_b{n}=if(chain_o{n}=1, chain_c{n}, chain_b{n})",
        );
        // `isnum` and not `isnotnull`: an aggregate over nothing is null in Splunk, but an empty text in SigLens.
        self.run(hop, "where chain_step={m} AND isnum(chain_m{n}) AND _time <= chain_m{n}");
    }

    /// A burst follows what comes before its first event.
    fn sort_by_burst(&mut self, hop: &Hop<'_>) {
        self.out.extend(links::sorted(hop.burst.as_ref(), hop.number + 1));
        self.order = None;
    }

    /// Running maxima for each key. If one event could match both steps, once more in the opposite order, and of both
    /// results the greater one.
    fn maxima(&mut self, hop: &Hop<'_>, maxima: &'static str, opposite: &'static str, greater: &'static str) {
        if hop.burst.is_some() {
            self.sort_by_burst(hop);
            self.remarked(hop, maxima);
            return;
        }
        if !hop.link.shared {
            let any = self.bound.links.iter().any(|link| link.shared);
            let order = if any { Order::Events { descending: false } } else { Order::Steps };
            self.sort(self.order.unwrap_or(order));
            self.remarked(hop, maxima);
            return;
        }
        let descending = self.order == Some(Order::Events { descending: true });
        self.sort(Order::Events { descending });
        self.remarked(hop, maxima);
        self.sort(Order::Events { descending: !descending });
        self.run(hop, opposite);
        self.run(hop, greater);
    }

    /// The command by which a link joins, with a comment that says what it joins.
    fn remarked(&mut self, hop: &Hop<'_>, text: &'static str) {
        let remark = links::remark(self.bound, hop.number);
        self.out.push(links::remarked(&hop.fill(text, &[]), &remark));
    }

    fn carried(&mut self, hop: &Hop<'_>) {
        if hop.burst.is_some() {
            self.sort_by_burst(hop);
        } else {
            self.sort(Order::Steps);
        }
        // All of them, not just those inside the gap: a window of `streamstats` drops rows past 10,000 (limits.conf,
        // `max_stream_window`), and its far edge does not include a record exactly a gap away. `values` and not `list`,
        // which keeps 100 of them (limits.conf, `list_maxsize`) and drops the rest in silence.
        self.remarked(hop, "streamstats window=0 values(chain_p{n}) AS chain_c{n} BY {by}");
        let fits = self.fits(hop);
        if !hop.pairs.is_empty() {
            self.paired(hop, &fits);
            return;
        }
        // The greatest of the carried paths that fit; `0` stands for those that do not. `mvsort` compares texts, as
        // `max` does elsewhere. For epoch seconds that is the order of numbers while they have ten digits, from 2001 to
        // 2286.
        self.out.push(hop.fill(
            "eval chain_x{n}=if(chain_step={m}, mvindex(mvsort(mvmap(chain_c{n}, if({fits}, chain_c{n}, \"0\"))), -1), null()), \
             chain_y{n}=tonumber(mvindex(split(chain_x{n}, \"|\"), 0))",
            &[("fits", &fits)],
        ));
        self.run(hop, "eval chain_s{m}=if(chain_y{n} > 0, chain_y{n}, null()), chain_b{n}=chain_x{n}");
    }

    /// A row for each predecessor that fits, so that what must not lie between the two can be looked for by fields of
    /// both; of those that are left the greatest path.
    fn paired(&mut self, hop: &Hop<'_>, fits: &Frag) {
        self.out.push(spl!("streamstats window=0 count AS chain_row"));
        let text =
            "eval chain_x{n}=if(chain_step={m}, mvmap(chain_c{n}, if({fits}, chain_c{n}, \"0\")), null())";
        self.out.push(hop.fill(text, &[("fits", fits)]));
        self.run(hop, "fields - chain_c{n}");
        self.run(hop, "mvexpand chain_x{n}");
        self.run(hop, "where chain_step!={m} OR (isnotnull(chain_x{n}) AND chain_x{n}!=\"0\")");
        let places = hop.fill("chain_v{n}", &[]);
        let mut made = vec![hop.fill("chain_v{n}=split(chain_x{n}, \"|\")", &[])];
        let first = FIRST_VALUE + slots::of(hop.earlier).len();
        for (at, (_, name, ty)) in (first..).zip(hop.pairs.iter().flat_map(Absent::of_earlier)) {
            let at = literal::number(u64::try_from(at).unwrap_or(u64::MAX));
            let gaps = [("name", &name), ("value", &slots::unpacked(&places, &at, ty))];
            made.push(hop.fill("{name}=if(chain_step={m}, {value}, {name})", &gaps));
        }
        self.out.extend(eval(made));
        self.run(hop, "sort 0 +_time, +chain_step, -chain_x{n}");
        self.out.extend(hop.pairs.iter().map(absences::newest));
        let time = hop.fill("tonumber(mvindex(chain_v{n}, 1))", &[]);
        let apart = all(hop.pairs.iter().map(|absent| absences::apart(absent, &time)).collect());
        self.out.push(hop.fill("where chain_step!={m} OR ({apart})", &[("apart", &apart)]));
        self.run(hop, "dedup chain_row keepempty=true");
        let text = "eval chain_s{m}=if(chain_step={m}, tonumber(mvindex(chain_v{n}, 0)), null()), chain_b{n}=chain_x{n}";
        self.run(hop, text);
        self.order = Some(Order::Steps);
    }

    /// Whether a carried path is that of a predecessor.
    fn fits(&self, hop: &Hop<'_>) -> Frag {
        let slot = |at: usize| {
            let at = literal::number(u64::try_from(at).unwrap_or(u64::MAX));
            hop.fill("mvindex(split(chain_c{n}, \"|\"), {at})", &[("at", &at)])
        };
        let time = literal::call("tonumber", [&slot(1)]);
        let mut tests = vec![hop.fill("round(_time - {time}, 6) <= {gap}", &[("time", &time)])];
        if hop.link.shared {
            let (event, own) = (slot(2), slots::guarded(&spl!("chain_id")));
            tests.push(spl!("{event}!={own}", event, own));
        }
        tests.extend(absences::between(self.bound, hop.number + 1, &time));
        let (columns, burst) = (shown(hop.earlier), slots::burst(hop.earlier).len());
        for comparison in hop.link.comparisons {
            let place = columns.iter().position(|output| output.field.name == comparison.left.name);
            tests.extend(place.map(|place| compared(&slot(FIRST_VALUE + burst + place), comparison)));
        }
        all(tests)
    }

    /// Takes the path of each alert apart again: the columns of all steps but the last.
    fn unpack(&mut self, last: &Hop<'_>) {
        self.run(last, "eval chain_v=split(chain_b{n}, \"|\")");
        let mut slots = 0..;
        let mut slot = |skipped| literal::number(slots.nth(skipped).unwrap_or_default());
        let mut made = Vec::new();
        let mut extra = 0;
        for (step, link) in self.bound.steps.iter().rev().skip(1).zip((1..=self.links()).rev()) {
            // Behind two numbers by which `max` chose, and the event.
            let (name, at) = (links::time(step), slot(extra + FIRST_VALUE - 1));
            made.push(spl!("{name}=tonumber(mvindex(chain_v, {at}))", name, at));
            let path = spl!("chain_v");
            made.extend(slots::of(step).into_iter().map(|Slot { name, column: _, ty }| {
                literal::assign(&name, &slots::unpacked(&path, &slot(0), ty))
            }));
            // What pairs are asked for is not shown.
            let pairs = absences::of_pairs(self.bound, link + 1);
            extra = pairs.iter().flat_map(Absent::of_earlier).count();
        }
        self.out.extend(eval(made));
    }
}

/// The path so far, as text: two numbers by which `max` chooses, the event where it matters, then the step's values
/// and the path before it.
fn path(hop: &Hop<'_>) -> Frag {
    // What is maximised comes first. For the last link that is the deadline, so the path that an alert shows need not
    // be the one with the best start; it is a chain of the rule all the same.
    let ranks = match hop.kind {
        Kind::Newest => ["_time", "chain_s{n}"],
        Kind::Carried => ["chain_s{n}", "_time"],
        Kind::Last => ["chain_d{n}", "_time"],
    };
    let mut values = ranks.map(|rank| hop.fill(rank, &[])).to_vec();
    // A bare `=` keeps the slot of an event that does not matter, so that `unpack` counts alike.
    let told = hop.link.shared && hop.kind == Kind::Carried;
    let event = if told { spl!("%.6f|%.6f|%s|%.6f") } else { spl!("%.6f|%.6f|=|%.6f") };
    values.extend(told.then(|| slots::guarded(&spl!("chain_id"))));
    values.push(spl!("_time"));
    let (first, slots) = (values.len(), slots::of(hop.earlier));
    values.extend(slots.iter().map(Slot::packed));
    let asked = hop.pairs.iter().flat_map(Absent::of_earlier);
    values.extend(asked.map(|(column, _, ty)| slots::packed(&column, ty)));
    let mut formats = vec![event];
    formats.extend(values.iter().skip(first).map(|_| spl!("=%s")));
    if hop.number > 1 {
        let before = literal::number(hop.number - 1);
        formats.push(spl!("%s"));
        values.push(spl!("chain_b{before}", before));
    }
    let (format, values) = (Frag::join(formats, "|", Bind::And), literal::list(&values));
    spl!("printf(\"{format}\", {values})", format, values)
}

/// How many slots stand before the values of a path: two numbers by which `max` chooses, the event, the time.
const FIRST_VALUE: usize = 4;

/// A value in a slot compared with a field of the row; both are there, for both are keys.
fn compared(slot: &Frag, comparison: &Comparison) -> Frag {
    let right = literal::field(&comparison.right.name);
    let operator = match comparison.op {
        CompareOp::NotEqual => "!=",
        CompareOp::Order(op) => predicate::operator(op),
    };
    let left = slots::number(slot);
    match comparison.right.ty {
        // The `=` at the start keeps Splunk from comparing two texts as numbers.
        Type::String | Type::Ip | Type::Bool => {
            let right = slots::guarded(&right);
            literal::compare(slot, operator, &spl!("printf(\"=%s\", {right})", right))
        }
        Type::Int | Type::Float => literal::compare(&left, operator, &right),
        // As it stands in the slot.
        Type::Time => literal::compare(&left, operator, &spl!("round({right}, 6)", right)),
    }
}
