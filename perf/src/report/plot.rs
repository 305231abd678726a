//! Bar plots as SVG.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: i32 = 860;
/// Where bars begin: room for their labels.
const LEFT: i32 = 240;
/// Room for the figures behind them.
const RIGHT: i32 = 170;
const TOP: i32 = 40;
const BAR: i32 = 18;
const PITCH: i32 = 28;
/// Room for the axis and the legend.
const BOTTOM: i32 = 52;

/// The SVG backend writes sizes divided by this.
const POINT: f64 = 1.24;

/// Told apart by people with any colour vision, and in grey: the palette of Okabe and Ito.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(240, 228, 66),
    RGBColor(110, 110, 110),
];

/// A plot of horizontal bars.
#[derive(Debug)]
pub(super) struct Plot {
    /// The file's name without extension.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) scale: Scale,
    pub(super) bars: Vec<Bar>,
}

/// How figures become lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0.
    Linear,
    /// From the power of ten below the least figure; for bars of one segment.
    Logarithmic,
}

/// A bar, of one segment or several.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) label: String,
    /// Names and figures.
    pub(super) segments: Vec<(String, f64)>,
    /// What stands behind it; the sum where there is none.
    pub(super) text: Option<String>,
}

impl Bar {
    /// Of one segment.
    pub(super) fn plain(label: String, figure: f64, text: String) -> Self {
        Self { label, segments: vec![(String::new(), figure)], text: Some(text) }
    }

    fn sum(&self) -> f64 {
        self.segments.iter().map(|(_, figure)| figure).sum()
    }
}

impl Plot {
    /// The plot; an error in words.
    pub(super) fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|error| error.to_string())?;
        svg.push('\n');
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn Error>> {
        let bottom = TOP + self.bars.len() as i32 * PITCH;
        let size = (WIDTH as u32, (bottom + BOTTOM) as u32);
        let area = SVGBackend::with_string(svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let text = |size: i32, across: HPos| {
            ("sans-serif", f64::from(size) * POINT)
                .into_font()
                .color(&BLACK)
                .pos(Pos::new(across, VPos::Center))
        };
        area.draw(&Text::new(self.title.as_str(), (10, 18), text(15, HPos::Left)))?;

        let axis = Axis::of(self);
        for (figure, label) in axis.ticks() {
            let x = axis.position(figure);
            area.draw(&PathElement::new([(x, TOP - 4), (x, bottom)], BLACK.mix(0.15)))?;
            area.draw(&Text::new(label, (x, bottom + 10), text(11, HPos::Center)))?;
        }
        let legend = self.legend();
        for (number, bar) in self.bars.iter().enumerate() {
            let top = TOP + number as i32 * PITCH + (PITCH - BAR) / 2;
            let middle = top + BAR / 2;
            area.draw(&Text::new(bar.label.as_str(), (LEFT - 8, middle), text(12, HPos::Right)))?;
            let mut sum = 0.0;
            let mut x = LEFT;
            for (name, figure) in &bar.segments {
                sum += figure;
                let end = axis.position(sum);
                let colour = legend.iter().position(|known| known == name).unwrap_or(0);
                let colour = COLOURS.get(colour % COLOURS.len()).copied().unwrap_or(BLACK);
                area.draw(&Rectangle::new([(x, top), (end, top + BAR)], colour.filled()))?;
                x = end;
            }
            let figure = bar.text.clone().unwrap_or_else(|| format!("{:.1}", bar.sum()));
            area.draw(&Text::new(figure, (x + 6, middle), text(12, HPos::Left)))?;
        }
        if legend.len() > 1 {
            let pitch = (WIDTH - 20) / legend.len() as i32;
            for (number, name) in legend.iter().enumerate() {
                let x = 10 + number as i32 * pitch;
                let y = bottom + 34;
                let colour = COLOURS.get(number % COLOURS.len()).copied().unwrap_or(BLACK);
                area.draw(&Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour.filled()))?;
                area.draw(&Text::new(*name, (x + 14, y), text(11, HPos::Left)))?;
            }
        }
        area.present()?;
        Ok(())
    }

    /// Names of the segments, each once.
    fn legend(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, _) in self.bars.iter().flat_map(|bar| &bar.segments) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

/// From figures to places.
struct Axis {
    scale: Scale,
    /// The figure, or its power of ten, at the left end.
    least: f64,
    most: f64,
}

impl Axis {
    fn of(plot: &Plot) -> Self {
        let sums = plot.bars.iter().map(Bar::sum).filter(|sum| *sum > 0.0);
        let (least, most) =
            sums.fold((f64::MAX, 0.0), |(least, most): (f64, f64), sum| (least.min(sum), most.max(sum)));
        match plot.scale {
            Scale::Logarithmic if most > 0.0 => {
                Self { scale: plot.scale, least: least.log10().floor(), most: most.log10().ceil() }
            }
            _ => Self { scale: Scale::Linear, least: 0.0, most: if most > 0.0 { most } else { 1.0 } },
        }
    }

    fn position(&self, figure: f64) -> i32 {
        let figure =
            if self.scale == Scale::Logarithmic { figure.max(f64::MIN_POSITIVE).log10() } else { figure };
        let share = ((figure - self.least) / (self.most - self.least).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        LEFT + (share * f64::from(WIDTH - LEFT - RIGHT)).round() as i32
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        if self.scale == Scale::Logarithmic {
            let powers = self.least as i32..=self.most as i32;
            return powers
                .map(|power| 10_f64.powi(power))
                .map(|figure| (figure, figure.to_string()))
                .collect();
        }
        // Four to ten steps of 1, 2 or 5 times a power of ten.
        let power = 10_f64.powf((self.most / 10.0).log10().ceil());
        let step = [0.2, 0.5, 1.0].map(|part| part * power);
        let step = step.into_iter().find(|step| self.most / step <= 10.0).unwrap_or(power);
        let count = (self.most / step).floor() as i32;
        let digits = (-step.log10().floor()).max(0.0) as usize;
        (0..=count)
            .map(|tick| f64::from(tick) * step)
            .map(|figure| (figure, format!("{figure:.digits$}")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale, figures: &[f64]) -> Plot {
        let bars = figures.iter().map(|figure| Bar::plain("bar".to_owned(), *figure, String::new()));
        Plot { name: "a".to_owned(), title: "title".to_owned(), scale, bars: bars.collect() }
    }

    #[test]
    fn bars_fill_the_axis_and_ticks_are_round() {
        let axis = Axis::of(&plot(Scale::Linear, &[1.0, 4.2]));
        assert_eq!((axis.position(0.0), axis.position(4.2)), (LEFT, WIDTH - RIGHT));
        let labels: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels.join(" "), "0.0 0.5 1.0 1.5 2.0 2.5 3.0 3.5 4.0");
        let axis = Axis::of(&plot(Scale::Logarithmic, &[0.09, 28.0]));
        let labels: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels.join(" "), "0.01 0.1 1 10 100");
    }

    #[test]
    fn nothing_to_draw_is_no_failure() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            assert!(plot(scale, &[]).svg().unwrap().contains("title"));
            assert!(plot(scale, &[0.0]).svg().is_ok());
        }
    }
}
