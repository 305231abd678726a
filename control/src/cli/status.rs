//! `baleen status`: what runs, since when, and how it stands.

use std::process::ExitCode;

use control_socket::{State, Status, Supervision};
use serde::Serialize;

use super::client::{Sensor, SensorError, print, span};

/// What is known of a sensor.
#[derive(Debug, Serialize)]
struct Answer {
    control: Supervision,
    dataplane: Option<Status>,
}

/// Runs the verb.
pub(crate) fn run(sensor: &Sensor) -> ExitCode {
    print(sensor, ask(sensor), text)
}

fn ask(sensor: &Sensor) -> Result<Answer, SensorError> {
    let mut client = sensor.connect()?;
    let control = client.supervision()?;
    let dataplane = client.status().ok();
    Ok(Answer { control, dataplane })
}

fn text(answer: &Answer) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let Answer { control, dataplane } = answer;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "control    running    pid {}, up {}", control.pid, span(control.uptime));
    let _ = match dataplane {
        Some(dataplane) => {
            let state = match dataplane.state {
                State::Starting => "starting",
                State::Running => "running",
                State::Stopping => "stopping",
                State::Unknown => "unknown",
            };
            writeln!(
                text,
                "dataplane  {state:<10} pid {}, up {}, {} on {}",
                dataplane.pid,
                span(dataplane.uptime),
                plural(u64::from(dataplane.workers), "worker"),
                dataplane.ports.join(", ")
            )
            .and_then(|()| match dataplane.imbalance {
                0 => Ok(()),
                imbalance => writeln!(
                    text,
                    "           busiest worker: {:.2} times the mean load",
                    f64::from(imbalance) / 1000.0
                ),
            })
        }
        None => writeln!(
            text,
            "dataplane  stopped    {}",
            control.last_exit.as_deref().unwrap_or("not started yet")
        ),
    };
    if control.restarts > 0 {
        let how = control.last_exit.as_deref().unwrap_or("unknown");
        let _ =
            writeln!(text, "           restarted {}, last because: {how}", plural(control.restarts, "time"));
    }
    let _ = writeln!(
        text,
        "spool      {} behind, {} delivered",
        plural(control.backlog_bytes, "byte"),
        plural(control.delivered, "record")
    );
    if control.skipped_bytes > 0 || control.refused > 0 {
        let (skipped, refused) = (control.skipped_bytes, control.refused);
        let _ = writeln!(
            text,
            "           damage: {skipped} bytes passed over, {refused} lines that are no records"
        );
    }
    text
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
