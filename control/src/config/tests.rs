//! What configurations are accepted, and how others are refused.

use std::path::Path;

use super::load::parse;

const MINIMAL: &str = "[[port]]\nname = \"af_packet:eth1\"\n";

fn refusal(text: &str) -> String {
    parse(Path::new("baleen.toml"), text).unwrap_err().to_string()
}

#[test]
fn one_port_is_enough() {
    let config = parse(Path::new("baleen.toml"), MINIMAL).unwrap();
    assert_eq!(config.ports.len(), 1);
    assert_eq!(config.dataplane.workers, 1);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let message = refusal(&format!("{MINIMAL}[dataplane]\nworker = 2\n"));
    assert!(message.contains("line 4"), "{message}");
    assert!(message.contains("unknown field `worker`"), "{message}");
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_its_line() {
    let message = refusal(&format!("{MINIMAL}[dataplane]\nworkers = 0\n"));
    assert!(message.starts_with("baleen.toml:4: dataplane.workers: "), "{message}");
}

#[test]
fn traffic_that_would_move_to_and_fro_is_refused() {
    let message = refusal(&format!("{MINIMAL}[balance]\nstart = 1.05\n"));
    assert!(message.starts_with("baleen.toml:4: balance.start: "), "{message}");
    let message = refusal(&format!("{MINIMAL}[balance]\ntarget = 0.9\n"));
    assert!(message.starts_with("baleen.toml:4: balance.target: "), "{message}");
    let message = refusal(&format!("{MINIMAL}[balance]\ninterval = \"1ms\"\n"));
    assert!(message.starts_with("baleen.toml:4: balance.interval: "), "{message}");
    let config =
        parse(Path::new("baleen.toml"), &format!("{MINIMAL}[balance]\ninterval = \"2s\"\n")).unwrap();
    assert_eq!(config.dataplane_settings().balance.interval_milliseconds, 2000);
}

#[test]
fn a_bare_interface_name_is_explained() {
    let message = refusal("[[port]]\nname = \"eth1\"\n");
    assert!(message.contains("af_packet:eth1"), "{message}");
}

#[test]
fn an_unknown_log_is_refused_with_those_that_exist() {
    let message = refusal(&format!("{MINIMAL}[logs]\nexclude = [\"con\"]\n"));
    assert!(message.contains("baleen.toml:4") && message.contains("conn, dns"), "{message}");
}

#[test]
fn sizes_times_and_networks_are_written_as_people_do() {
    let config = parse(
        Path::new("baleen.toml"),
        &format!("{MINIMAL}[analysis]\nlocal_networks = [\"10.0.0.0/8\"]\n[logs]\nrotate = \"30m\"\n[spool]\nsize = \"2GiB\"\n"),
    )
    .unwrap();
    assert_eq!(config.logs.rotate.as_secs(), 1800);
    assert_eq!(config.spool.size.as_u64(), 2 << 30);
}

#[test]
fn shunting_changes_nothing_unless_told() {
    let config = parse(Path::new("baleen.toml"), MINIMAL).unwrap();
    let shunting = config.dataplane_settings().shunting;
    assert_eq!(shunting, control_socket::Shunting::default());
    let text = format!("{MINIMAL}[shunting]\nhash = \"1MiB\"\nudp = \"10MiB\"\noffload = \"100MiB\"\n");
    let shunting = parse(Path::new("baleen.toml"), &text).unwrap().dataplane_settings().shunting;
    assert_eq!((shunting.hash_bytes, shunting.udp_bytes), (Some(1 << 20), Some(10 << 20)));
    assert_eq!(shunting.offload_bytes, Some(100 << 20));
    let message = refusal(&format!("{MINIMAL}[shunting]\nenabled = false\noffload = \"1MiB\"\n"));
    assert!(message.starts_with("baleen.toml:5: shunting.offload: "), "{message}");
}

#[test]
fn files_are_hashed_unless_the_configuration_says_otherwise() {
    let hashes = |text: &str| {
        let config = parse(Path::new("baleen.toml"), &format!("{MINIMAL}{text}")).unwrap();
        config.dataplane_settings().hash_files
    };
    assert!(hashes("") && hashes("[analysis]\nseed = 1\n"));
    assert!(!hashes("[analysis]\nhash_files = false\n"));
}
