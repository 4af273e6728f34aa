//! Alerts against a window or a count, as a picture.
//!
//! In: the counts for each value. Out: an SVG text.
//! Must not know: logs, files. Only here is the plotting crate used.

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::engine::report::xml;

type Drawn<'b> = Result<(), DrawingAreaErrorKind<<SVGBackend<'b> as DrawingBackend>::ErrorType>>;

/// What to draw.
#[derive(Debug)]
pub(super) struct Chart<'a> {
    /// Above it.
    pub(super) title: String,
    /// Below the title: what was read.
    pub(super) read: String,
    /// What varies.
    pub(super) name: &'a str,
    /// Seconds or events, rising.
    pub(super) values: &'a [u64],
    /// Whether they are events.
    pub(super) is_count: bool,
    /// The value in force.
    pub(super) in_force: u64,
    /// A name and a count for each value; alerts first.
    pub(super) lines: Vec<(String, Vec<usize>)>,
}

const SIZE: (u32, u32) = (960, 540);
const ROW: i32 = 18;
/// Title and what was read.
const HEAD: i32 = 66;
const GREY: RGBColor = RGBColor(130, 130, 130);
const FONT: &str = "sans-serif";
/// Colours that also people with colour blindness tell apart.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 86, 86),
];

impl Chart<'_> {
    /// The picture.
    pub(super) fn svg(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        self.draw(&area).map_err(|problem| anyhow!("cannot draw the chart: {problem}"))?;
        drop(area);
        // What a reader aloud says, and a pointer shows.
        let Some((head, body)) = text.split_once(">\n") else { return Ok(text) };
        let (title, about) = (xml(&self.title), xml(&self.about()));
        Ok(format!("{head} role=\"img\">\n<title>{title}</title>\n<desc>{about}</desc>\n{body}"))
    }

    /// The picture in words.
    fn about(&self) -> String {
        let (unit, unit_name) = self.unit();
        let value = |value: Option<&u64>| scaled(value.copied().unwrap_or(0), unit);
        let (first, last) = (value(self.values.first()), value(self.values.last()));
        let ends = |(name, counts): &(String, Vec<usize>)| {
            let count = |count: Option<&usize>| count.copied().unwrap_or(0);
            format!("{name}: from {} to {}", count(counts.first()), count(counts.last()))
        };
        let lines: Vec<_> = self.lines.iter().map(ends).collect();
        format!(
            "Counts for {} from {first} to {last} {unit_name}. {}. {}.",
            self.name,
            lines.join("; "),
            self.read
        )
    }

    fn draw<'b>(&self, area: &DrawingArea<SVGBackend<'b>, Shift>) -> Drawn<'b> {
        area.fill(&WHITE)?;
        let rows = i32::try_from(self.lines.len()).unwrap_or(i32::MAX).min(5);
        let (head, body) = area.split_vertically(HEAD + ROW * rows);
        head.draw(&Text::new(self.title.as_str(), (16, 14), (FONT, 20).into_font()))?;
        head.draw(&Text::new(self.read.as_str(), (16, 40), (FONT, 13).into_font().color(&GREY)))?;
        for (row, ((name, _), colour)) in (0..).zip(self.lines.iter().zip(COLOURS)) {
            let y = HEAD + ROW * row;
            head.draw(&PathElement::new([(16, y + 7), (36, y + 7)], colour.stroke_width(2)))?;
            head.draw(&Circle::new((26, y + 7), 3, colour.filled()))?;
            head.draw(&Text::new(name.as_str(), (44, y), (FONT, 14).into_font()))?;
        }
        self.plot(&body)?;
        area.present()
    }

    fn plot<'b>(&self, area: &DrawingArea<SVGBackend<'b>, Shift>) -> Drawn<'b> {
        let (unit, unit_name) = self.unit();
        let most = self.lines.iter().flat_map(|(_, counts)| counts).copied().max().unwrap_or(0);
        // A little room above the highest point, in whole alerts.
        let top = most + (most / 12).max(1);
        let end = |value: Option<&u64>| scaled(value.copied().unwrap_or(0), unit);
        let (left, right) = (end(self.values.first()), end(self.values.last()));
        let right = if right > left { right } else { left + 1.0 };
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(64)
            .build_cartesian_2d(left..right, 0..top)?;
        chart
            .configure_mesh()
            .x_desc(format!("{} ({unit_name})", self.name))
            .y_desc("count")
            .y_labels(top.min(10) + 1)
            .x_label_formatter(&|value| format!("{}", (value * 100.0).round() / 100.0))
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 16))
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(225, 225, 225))
            .draw()?;
        let own = scaled(self.in_force, unit);
        let here = LineSeries::new([(own, 0), (own, top)], GREY.stroke_width(1));
        chart.draw_series(here)?;
        // To the side of the line on which there is room.
        let (side, apart) = if own > left.midpoint(right) { (HPos::Right, -6) } else { (HPos::Left, 6) };
        let style = (FONT, 12).into_font().color(&GREY).pos(Pos::new(side, VPos::Top));
        let label = EmptyElement::at((own, top)) + Text::new("in force", (apart, 0), style);
        chart.draw_series([label])?;
        for ((_, counts), colour) in self.lines.iter().zip(COLOURS) {
            let places = self.values.iter().map(|value| scaled(*value, unit));
            let points: Vec<_> = places.zip(counts.iter().copied()).collect();
            chart.draw_series(LineSeries::new(steps(&points), colour.stroke_width(2)))?;
            chart.draw_series(points.into_iter().map(|point| Circle::new(point, 3, colour.filled())))?;
        }
        Ok(())
    }

    /// The unit in which the longest value is a handy number.
    fn unit(&self) -> (u64, &'static str) {
        const UNITS: [(u64, &str); 3] = [(1, "seconds"), (60, "minutes"), (3_600, "hours")];
        if self.is_count {
            return (1, "events");
        }
        let longest = self.values.last().copied().unwrap_or(0);
        let handy = |(unit, _): &(u64, &str)| longest <= unit * 180;
        UNITS.into_iter().find(handy).unwrap_or((86_400, "days"))
    }
}

/// The corners of a count over a threshold: it stays what it is until the next value that was tried.
fn steps(points: &[(f64, usize)]) -> Vec<(f64, usize)> {
    let corners = points.windows(2).flat_map(|pair| match pair {
        [(_, before), (value, count)] => [(*value, *before), (*value, *count)],
        _ => [(0.0, 0); 2],
    });
    points.first().copied().into_iter().chain(corners).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn scaled(seconds: u64, unit: u64) -> f64 {
    seconds as f64 / unit as f64
}
