//! Which capture files are templates, how often each is used, and what of their times counts.
//!
//! Either a directory, whose capture files are used equally often unless its `weights.tsv` (a line a file: name, tab,
//! weight) says otherwise; or a profile of the TRex traffic generator (YAML, "stateful" mode), of which `cap_info` is
//! read: `name`, `cps` (new templates a second), `ipg` and `rtt` (microseconds between packets of one side and of the
//! two) or `cap_ipg` (times of the capture); and `label` (name in the ground truth) and `grow` (more octets of the
//! responder), which TRex does not know.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytesize::ByteSize;
use pcap::{Damage, OpenError};
use serde::Deserialize;
use thiserror::Error;

use super::super::conversation::MICROSECOND;
use super::{TemplateFlow, grow, read};

/// File of weights in a directory of templates.
const WEIGHTS: &str = "weights.tsv";
/// Microseconds between packets where the profile does not say.
const GAP: u64 = 10_000;
/// Octets of a profile; more is none.
const LARGEST_PROFILE: u64 = 16 << 20;

/// Templates that cannot be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// A file or directory cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A capture file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A capture file is damaged.
    #[error("{}: {damage}", file.display())]
    Damage {
        /// Which.
        file: PathBuf,
        /// What is wrong, and where.
        damage: Damage,
    },
    /// A profile is not one.
    #[error("{}: not a profile: {source}", file.display())]
    Profile {
        /// Which.
        file: PathBuf,
        /// What is wrong, and where.
        source: Box<serde_saphyr::Error>,
    },
    /// A profile or a list of weights has a wrong value.
    #[error("{}: {what}", file.display())]
    Value {
        /// Which.
        file: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// There is nothing to use.
    #[error("{}: no TCP or UDP flow in any capture file there", path.display())]
    Empty {
        /// Where.
        path: PathBuf,
    },
}

/// A capture file's flows, which begin together.
#[derive(Debug)]
pub(crate) struct Template {
    /// The flows.
    pub(crate) flows: Vec<Arc<TemplateFlow>>,
    /// How often it is used, relative to the others; in a profile, times a second.
    pub(crate) weight: f64,
}

impl Template {
    /// All flows within so many nanoseconds.
    fn within(self, longest: u64) -> Self {
        let lasts = |flow: &Arc<TemplateFlow>| {
            flow.packets.iter().fold(flow.after, |sum, packet| sum.saturating_add(packet.gap))
        };
        let lasts = self.flows.iter().map(lasts).max().unwrap_or(0);
        if lasts <= longest {
            return self;
        }
        let scale = |time: u64| (u128::from(time) * u128::from(longest) / u128::from(lasts)) as u64;
        let flows = self.flows.into_iter().map(|flow| {
            let mut flow = Arc::unwrap_or_clone(flow);
            flow.after = scale(flow.after);
            for packet in &mut flow.packets {
                packet.gap = scale(packet.gap);
            }
            Arc::new(flow)
        });
        Self { flows: flows.collect(), weight: self.weight }
    }
}

/// One profile; files hold a list of one.
#[derive(Debug, Deserialize)]
struct Profile {
    #[serde(default)]
    cap_ipg: bool,
    cap_info: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    cps: f64,
    ipg: Option<u64>,
    rtt: Option<u64>,
    cap_ipg: Option<bool>,
    label: Option<String>,
    grow: Option<Octets>,
}

/// Octets as a number or with a unit.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Octets {
    Number(u64),
    Text(String),
}

/// Reads the templates of a directory or profile, and for a profile how many a second begin. Templates that last longer
/// than so many nanoseconds are told faster.
pub(crate) fn load(path: &Path, longest: u64) -> Result<(Vec<Template>, Option<f64>), ProfileError> {
    let (templates, per_second) = if path.is_dir() {
        (directory(path)?, None)
    } else {
        let templates = profile(path)?;
        let per_second = templates.iter().map(|template| template.weight).sum();
        (templates, Some(per_second))
    };
    let templates: Vec<_> = templates
        .into_iter()
        .map(|t| t.within(longest))
        .filter(|t| !t.flows.is_empty() && t.weight > 0.0)
        .collect();
    if templates.is_empty() {
        return Err(ProfileError::Empty { path: path.to_owned() });
    }
    Ok((templates, per_second))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ProfileError {
    move |source| ProfileError::File { path: path.to_owned(), source }
}

fn directory(path: &Path) -> Result<Vec<Template>, ProfileError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(at(path))? {
        let file = entry.map_err(at(path))?.path();
        if file
            .extension()
            .is_some_and(|extension| ["pcap", "pcapng", "cap"].iter().any(|known| extension == *known))
        {
            files.push(file);
        }
    }
    // The order of a directory is the file system's own, a capture's may not be.
    files.sort();
    let weights = weights(&path.join(WEIGHTS))?;
    let mut templates = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let weight = weights.iter().find(|(of, _)| *of == name).map_or(1.0, |(_, weight)| *weight);
        templates.push(Template { flows: shared(read::flows(&file, &label(&file))?), weight });
    }
    Ok(templates)
}

fn shared(flows: Vec<TemplateFlow>) -> Vec<Arc<TemplateFlow>> {
    flows.into_iter().map(Arc::new).collect()
}

/// A file's name without its extension.
fn label(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn weights(file: &Path) -> Result<Vec<(String, f64)>, ProfileError> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(at(file))?,
    };
    let mut weights = Vec::new();
    for (number, line) in
        text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    {
        let weight =
            line.split_once('\t').and_then(|(name, weight)| Some((name.to_owned(), number_of(weight)?)));
        weights.push(weight.ok_or_else(|| ProfileError::Value {
            file: file.to_owned(),
            what: format!("line {}: not a file's name, a tab and a weight", number + 1),
        })?);
    }
    Ok(weights)
}

fn number_of(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)
}

fn profile(file: &Path) -> Result<Vec<Template>, ProfileError> {
    let length = fs::metadata(file).map_err(at(file))?.len();
    let wrong = |what: String| ProfileError::Value { file: file.to_owned(), what };
    if length > LARGEST_PROFILE {
        return Err(wrong(format!("{length} octets are more than a profile's {LARGEST_PROFILE}")));
    }
    let text = fs::read_to_string(file).map_err(at(file))?;
    let profiles: Vec<Profile> = serde_saphyr::from_str(&text)
        .map_err(|source| ProfileError::Profile { file: file.to_owned(), source: Box::new(source) })?;
    let mut templates = Vec::new();
    for profile in profiles {
        for entry in profile.cap_info {
            if !entry.cps.is_finite() || entry.cps < 0.0 {
                return Err(wrong(format!("cps of {} is {}", entry.name, entry.cps)));
            }
            let path = find(file, &entry.name);
            let mut flows = read::flows(&path, &entry.label.clone().unwrap_or_else(|| label(&path)))?;
            if !entry.cap_ipg.unwrap_or(profile.cap_ipg) {
                let gap = |micros: Option<u64>| micros.unwrap_or(GAP).saturating_mul(MICROSECOND);
                for flow in &mut flows {
                    pace(flow, gap(entry.ipg), gap(entry.rtt));
                }
            }
            if let Some(octets) = &entry.grow {
                let octets = match octets {
                    Octets::Number(octets) => *octets,
                    Octets::Text(text) => text
                        .parse::<ByteSize>()
                        .map_err(|error| wrong(format!("grow of {} is {text:?}: {error}", entry.name)))?
                        .as_u64(),
                };
                for flow in &mut flows {
                    grow::grow(flow, octets);
                }
            }
            templates.push(Template { flows: shared(flows), weight: entry.cps });
        }
    }
    Ok(templates)
}

/// A template's file: names are relative to the profile's directory, or to one above.
fn find(profile: &Path, name: &str) -> PathBuf {
    let places = profile.ancestors().skip(1).take(3).map(|directory| directory.join(name));
    let mut found = places.filter(|path| path.exists());
    found.next().unwrap_or_else(|| profile.with_file_name(name))
}

/// Replaces the times of a capture.
fn pace(flow: &mut TemplateFlow, ipg: u64, rtt: u64) {
    let mut previous = None;
    for packet in &mut flow.packets {
        packet.gap = match previous {
            None => 0,
            Some(side) if side == packet.side => ipg,
            Some(_) => rtt,
        };
        previous = Some(packet.side);
    }
}
