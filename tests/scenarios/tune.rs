//! A sweep over settings of the windows, against the rule run anew under each of them.

use catena::engine::alert::{Matched, dedupe, run};
use catena::engine::program::Program;
use catena::engine::record::{Record, Schemas};
use catena::engine::tune::{Setting, Sweep};
use catena::ir::Rule;

/// The values tried, seconds.
const VALUES: [u64; 7] = [0, 1, 2, 3, 4, 6, 9];

/// The rule with one value for the links of `varied`, a set of bits, and a total that is fixed, the value, or the sum
/// of the gaps.
fn with(rule: &Rule, value: u64, varied: u32, total: u32) -> Rule {
    let mut rule = rule.clone();
    let chain = &mut rule.chain;
    for (at, link) in chain.links.iter_mut().enumerate() {
        if varied >> at & 1 == 1 {
            link.gap.seconds = value;
        }
    }
    chain.total.seconds = match total {
        0 => chain.total.seconds,
        1 => value,
        _ => chain.links.iter().map(|link| link.gap.seconds).sum(),
    };
    rule
}

/// Compares; says whether alerts and whether the evidence of one alert differ between settings.
pub(super) fn compare(
    rule: &Rule,
    schemas: &Schemas,
    records: &[Record],
    varied: u32,
    total: u32,
) -> Result<(bool, bool), String> {
    let programs: Vec<Program> = VALUES
        .iter()
        .map(|value| Program::new(&with(rule, *value, varied, total), schemas).unwrap())
        .collect();
    let settings = programs.iter().map(|program| Setting {
        gaps: program.links.iter().map(|link| link.gap).collect(),
        total: program.total,
    });
    let mut order: Vec<_> = records.iter().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| left.order(right));
    let matched: Vec<Matched<'_>> = order
        .into_iter()
        .flat_map(|(index, record)| {
            programs[0].matched(record).map(move |step| Matched { index, record, step })
        })
        .collect();
    let sweep = Sweep::new(&programs[0], settings.collect(), &matched);
    let mut all = Vec::new();
    for (number, program) in programs.iter().enumerate() {
        let (swept, expected) = (sweep.alerts(number), run(program, records));
        if swept != expected {
            return Err(format!("at {}s: sweep {swept:?}, run {expected:?}", VALUES[number]));
        }
        if let Some(by) = &program.dedupe
            && dedupe(by, records, swept.clone()) != dedupe(by, records, expected)
        {
            return Err(format!("de-duplication at {}s", VALUES[number]));
        }
        all.push(swept);
    }
    let ends = |alerts: &[catena::engine::alert::Alert]| -> Vec<_> {
        alerts.iter().map(|alert| *alert.records.last().unwrap()).collect()
    };
    let changing = all.windows(2).any(|pair| ends(&pair[0]) != ends(&pair[1]));
    let rerouted = all.windows(2).any(|pair| {
        pair[0].iter().any(|alert| {
            pair[1]
                .iter()
                .any(|other| alert.records.last() == other.records.last() && alert.records != other.records)
        })
    });
    Ok((changing, rerouted))
}
