//! `docs/performance.md` and its plots, from the results of the benchmarks.
//!
//! What people wrote is in the template (`perf/performance.md.jinja`); every figure is read from a document of results.

mod documents;
mod format;
mod plot;

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use baleen_perf::spread::Spread;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, context};
use thiserror::Error;

use documents::{DocumentError, Documents, items, member, number};
use plot::{Bar, Plot, Scale};

const TEMPLATE: &str = include_str!("../../performance.md.jinja");

/// Benchmarks that the template has a section for; all others get a table each.
const KNOWN: [&str; 2] = ["peers", "process"];

/// Arguments of `baleen-perf report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory of the results, one JSON document a file
    #[arg(long, value_name = "DIR", default_value = "docs/performance/results")]
    results: PathBuf,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "docs/performance.md")]
    page: PathBuf,
    /// Directory of the plots, beside the page
    #[arg(long, value_name = "DIR", default_value = "docs/performance")]
    plots: PathBuf,
    /// Only tell whether page and plots are what the results say
    #[arg(long)]
    check: bool,
}

/// Why there is no page.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
    /// Results are missing or damaged.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The template is wrong.
    #[error("template of the page: {0:#}")]
    Template(#[from] minijinja::Error),
    /// A plot cannot be drawn.
    #[error("plot {name}: {problem}")]
    Plot { name: String, problem: String },
    /// A file cannot be written.
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
}

/// Runs the verb: what was done, and with `--check` whether the files are current.
pub(crate) fn run(arguments: &Arguments) -> Result<(String, bool), ReportError> {
    let documents = Documents::read(&arguments.results)?;
    let mut files = Vec::new();
    for plot in plots(&documents) {
        let svg = plot.svg().map_err(|problem| ReportError::Plot { name: plot.name.clone(), problem })?;
        files.push((arguments.plots.join(format!("{}.svg", plot.name)), svg));
    }
    files.push((arguments.page.clone(), page(&documents)?));

    let mut report = String::new();
    let mut good = true;
    for (file, content) in files {
        // Writing to a string cannot fail.
        if arguments.check {
            if fs::read_to_string(&file).is_ok_and(|current| current == content) {
                continue;
            }
            let _ = writeln!(report, "{} is not current: run make bench-report", file.display());
            good = false;
        } else {
            write(&file, &content)?;
            let _ = writeln!(report, "wrote {}", file.display());
        }
    }
    Ok((report, good))
}

fn write(file: &Path, content: &str) -> Result<(), ReportError> {
    let write = || {
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(file, content)
    };
    write().map_err(|source| ReportError::File { file: file.to_owned(), source })
}

fn page(documents: &Documents) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.add_filter("spread", format::spread);
    environment.add_filter("fixed", format::fixed);
    environment.add_filter("grouped", format::grouped);
    environment.add_filter("total", format::total);
    environment.add_filter("counts", format::counts);
    environment.add_template("page", TEMPLATE)?;
    let others: Vec<_> = documents
        .others(&KNOWN)
        .map(|(name, settings, results)| {
            context! {
                name,
                settings => format::list(settings),
                table => format::table(results),
                stages => stages(name, results).is_some(),
            }
        })
        .collect();
    let context = context! {
        machines => documents.machines(),
        peers => with_ratios(documents.results("peers")),
        peers_settings => documents.settings("peers"),
        process => with_ratios(documents.results("process")),
        process_settings => documents.settings("process"),
        others,
    };
    Ok(environment.get_template("page")?.render(context)?)
}

/// Results with the ratios of each program's CPU time to that of the first, of the same rounds.
fn with_ratios(results: &[Value]) -> Vec<Value> {
    let seconds = |row: &Value, name: &str| -> Vec<f64> {
        items(&member(row, name)).iter().filter_map(number).collect()
    };
    let without_startup = |row: &Value| -> Vec<f64> {
        let startup = Spread::of(seconds(row, "startup_cpu_seconds")).median;
        seconds(row, "cpu_seconds").iter().map(|all| all - startup).collect()
    };
    let text = |ratio: Spread| format!("{ratio}");
    let result = |result: &Value| {
        let rows = items(&member(result, "programs"));
        let first = rows.first().cloned().unwrap_or_default();
        let (all, without) = (seconds(&first, "cpu_seconds"), without_startup(&first));
        let row = |row: &Value| {
            let ratio = text(Spread::of_ratios(&seconds(row, "cpu_seconds"), &all));
            let ratio_without_startup = text(Spread::of_ratios(&without_startup(row), &without));
            context! { ratio, ratio_without_startup, ..row.clone() }
        };
        let programs: Vec<Value> = rows.iter().map(row).collect();
        context! { programs, ..result.clone() }
    };
    results.iter().map(result).collect()
}

/// Every plot that the results give.
fn plots(documents: &Documents) -> Vec<Plot> {
    let mut plots = Vec::new();
    for (benchmark, scale) in [("peers", Scale::Logarithmic), ("process", Scale::Linear)] {
        for result in documents.results(benchmark) {
            let mix = member(result, "mix");
            let bars = items(&member(result, "programs")).into_iter().map(|row| {
                let figure = member(&row, "microseconds_per_packet");
                let median = number(&member(&figure, "median")).unwrap_or(0.0);
                Bar::plain(member(&row, "name").to_string(), median, format::spread(&figure, Some(2)))
            });
            plots.push(Plot {
                name: format!("{benchmark}-{mix}"),
                title: format!("{mix}: microseconds of CPU time a packet (median, least and most)"),
                scale,
                bars: bars.collect(),
            });
        }
    }
    plots.extend(documents.others(&KNOWN).filter_map(|(name, _, results)| stages(name, results)));
    plots
}

/// A stacked bar for each result that tells its stages: `"stages": { "decode": 12.5 or a spread, ... }`, or a list of
/// objects with a name and a figure.
fn stages(name: &str, results: &[Value]) -> Option<Plot> {
    let bars: Vec<Bar> = results
        .iter()
        .filter_map(|result| {
            let segments = format::stages(&member(result, "stages"));
            (!segments.is_empty()).then(|| Bar { label: format::label(result), segments, text: None })
        })
        .collect();
    let title = format!("{name}: cost a packet by stage");
    (!bars.is_empty()).then(|| Plot { name: format!("{name}-stages"), title, scale: Scale::Linear, bars })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn spread(median: f64) -> serde_json::Value {
        json!({ "median": median, "least": median, "most": median })
    }

    #[test]
    fn page_and_plots_are_made_of_the_results_and_are_then_current() {
        let place = TempDir::new().unwrap();
        let results = place.path().join("results");
        fs::create_dir(&results).unwrap();
        let row = |name: &str, cost: f64| {
            json!({
                "name": name, "command": "program {capture}", "cpu_seconds": [cost], "startup_cpu_seconds": [0.1],
                "microseconds_per_packet": spread(cost), "packets_per_cpu_second": 1e6 / cost,
                "octets_per_cpu_second": 1e9, "records_per_cpu_second": 1e4, "records": { "conn": 12_345 },
            })
        };
        let result = json!({
            "mix": "campus", "packets": 1_000_000, "octets": 900_000_000,
            "programs": [row("baleen", 0.5), row("suricata, single", 2.5)],
            "verdicts": [{ "target": "six times", "measured": spread(5.0), "hit": false, "quoted": false }],
        });
        let machine = json!({
            "cpu": "CPU 9", "cores": 2, "is_virtual": true, "memory_gib": 8, "kernel": "Linux 6", "system": "Debian",
            "dpdk": "22.11", "rustc": "rustc 1",
        });
        let settings =
            json!({ "runs": 5, "versions": { "suricata": "7" }, "skipped": ["zeek"], "machine": machine });
        let live = json!([{ "workers": 1, "cycles": spread(900.0), "stages": { "decode": 40.0, "flow": spread(60.0) } }]);
        for (name, settings, results_of) in [
            ("peers", settings.clone(), json!([result.clone()])),
            ("process", settings, json!([result])),
            ("live", json!({"laps": 3}), live),
        ] {
            let document = json!({ "benchmark": name, "settings": settings, "results": results_of });
            fs::write(results.join(format!("{name}.json")), document.to_string()).unwrap();
        }
        let mut arguments = Arguments {
            results,
            page: place.path().join("performance.md"),
            plots: place.path().join("performance"),
            check: false,
        };
        run(&arguments).unwrap();
        let page = fs::read_to_string(&arguments.page).unwrap();
        for text in [
            "CPU 9",
            "0.500 (0.500 to 0.500)",
            "12,345",
            "six times",
            "900.00",
            "performance/live-stages.svg",
        ] {
            assert!(page.contains(text), "{text} is not in {page}");
        }
        let plot = fs::read_to_string(arguments.plots.join("live-stages.svg")).unwrap();
        assert!(plot.contains("decode") && plot.contains("<svg"), "{plot}");
        arguments.check = true;
        assert_eq!(run(&arguments).unwrap(), (String::new(), true));
        fs::write(&arguments.page, "changed").unwrap();
        assert!(!run(&arguments).unwrap().1);
    }
}
