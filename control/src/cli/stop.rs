//! `baleen stop`: ends the sensor; every flow gets its record.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::client::{Sensor, SensorError};
use super::{FAILED, fail};

/// How long the sensor may take to write the records of all its flows.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs the verb.
pub(crate) fn run(sensor: &Sensor) -> ExitCode {
    match stop(sensor) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            fail(FAILED, &format_args!("the sensor is still stopping after {} s", PATIENCE.as_secs()))
        }
        Err(error) => fail(FAILED, &error),
    }
}

fn stop(sensor: &Sensor) -> Result<bool, SensorError> {
    sensor.connect()?.stop()?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if sensor.connect().is_err() {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(false)
}
