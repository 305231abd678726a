//! The verb `generate`.

use std::fmt::Write;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::ArgGroup;
use clap::builder::PossibleValuesParser;
use pcap::Precision;

use super::capture::{CaptureError, write_capture};
use super::generator::{Amount, LONGEST, Options};
use super::mix::{MIXES, Mix, Pace};

/// Size unless told otherwise.
const SIZE: ByteSize = ByteSize::mb(500);

/// Arguments of `baleen-perf generate`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("amount").args(["size", "flows", "packets"]))]
#[command(group = ArgGroup::new("pace").args(["rate", "new_flows", "duration"]))]
pub struct Arguments {
    /// Say what the mixes are
    #[arg(long, exclusive = true)]
    list: bool,
    /// Mix of traffic; --list describes them
    #[arg(long, value_name = "NAME", default_value = "campus", value_parser = PossibleValuesParser::new(MIXES.map(|mix| mix.name)))]
    mix: String,
    /// Flows of templates instead of the mix's models: a directory of captures (with the optional weights.tsv: name, tab,
    /// weight), or a TRex profile (YAML)
    #[arg(long, value_name = "PATH")]
    templates: Option<PathBuf>,
    /// Seconds that a template lasts at most: longer ones are told faster
    #[arg(long, value_name = "SECONDS", default_value_t = LONGEST, value_parser = positive)]
    longest: f64,
    /// Octets of the capture file, such as 500M [default: 500M]
    #[arg(long)]
    size: Option<ByteSize>,
    /// Flows, instead of a size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    flows: Option<u64>,
    /// Packets, instead of a size
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    packets: Option<u64>,
    /// The same seed and options give the same octets
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Capture file to write; its ground truth is FILE.flows.tsv
    #[arg(long, short, value_name = "FILE", required_unless_present = "list")]
    output: Option<PathBuf>,
    /// Bits of frames a second, such as 10G: sets how fast flows begin
    #[arg(long, value_name = "BITS")]
    rate: Option<ByteSize>,
    /// New flows a second
    #[arg(long, value_name = "N", value_parser = positive)]
    new_flows: Option<f64>,
    /// Seconds within which all flows begin
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    duration: Option<f64>,
    /// Share of packets that the capture has lost, such as 0.001
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    loss: f64,
    /// Share of packets that are captured up to 0.4 milliseconds late, behind others of their flow
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    reorder: f64,
    /// Share of unanswered SYNs, besides those of the mix
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    unanswered: f64,
    /// Share of flows over IPv6; templates keep their version [default: the mix's]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    ipv6: Option<f64>,
    /// Clients that talk at a time [default: the mix's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 22))]
    clients: Option<u32>,
    /// VLAN of all frames
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u16).range(1..=4094))]
    vlan: Option<u16>,
    /// Times in nanoseconds
    #[arg(long)]
    nanoseconds: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..1.0).contains(&share) { Ok(share) } else { Err("a share is from 0 to below 1".to_owned()) }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("must be more than 0".to_owned()) }
}

/// Runs the verb: a report.
pub fn run(arguments: &Arguments) -> Result<String, CaptureError> {
    let mut report = String::new();
    let (Some(output), Some(mix)) = (&arguments.output, Mix::named(&arguments.mix)) else {
        for Mix { name, description, .. } in &MIXES {
            // Writing to a string cannot fail.
            let _ = writeln!(report, "{name:12} {description}");
        }
        return Ok(report);
    };
    let options = Options {
        amount: amount(arguments),
        seed: arguments.seed,
        templates: arguments.templates.clone(),
        longest: arguments.longest,
        pace: pace(arguments),
        loss: arguments.loss,
        reorder: arguments.reorder,
        unanswered: arguments.unanswered,
        vlan: arguments.vlan,
        ipv6: arguments.ipv6,
        clients: arguments.clients,
        ..Options::new(mix, amount(arguments), arguments.seed)
    };
    let precision = if arguments.nanoseconds { Precision::Nano } else { Precision::Micro };
    let summary = write_capture(&options, output, precision)?;
    let totals = summary.totals;
    let _ = writeln!(
        report,
        "{}: {} flows, {} packets of {:.0} octets on average, {:.3} seconds",
        output.display(),
        totals.flows,
        totals.captured,
        summary.octets as f64 / totals.captured.max(1) as f64,
        summary.seconds,
    );
    if totals.captured < totals.sent {
        let _ = writeln!(report, "{} packets lost of {}", totals.sent - totals.captured, totals.sent);
    }
    Ok(report)
}

fn amount(arguments: &Arguments) -> Amount {
    match arguments {
        Arguments { flows: Some(flows), .. } => Amount::Flows(*flows),
        Arguments { packets: Some(packets), .. } => Amount::Packets(*packets),
        Arguments { size, .. } => Amount::Octets(size.unwrap_or(SIZE).as_u64()),
    }
}

fn pace(arguments: &Arguments) -> Option<Pace> {
    match arguments {
        Arguments { rate: Some(rate), .. } => Some(Pace::Bits(rate.as_u64().max(1) as f64)),
        Arguments { new_flows: Some(flows), .. } => Some(Pace::Flows(*flows)),
        Arguments { duration: Some(seconds), .. } => Some(Pace::Within(*seconds)),
        _ => None,
    }
}
