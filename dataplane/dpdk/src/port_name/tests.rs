use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<PortName, PortNameError> {
    text.parse()
}

#[test]
fn names_are_shown_as_they_are_written() {
    for text in [
        "pci:0000:17:02.1",
        "pci:0000:17:02.1,representor=0",
        "env:PCIDEVICE_SENSOR_VF",
        "af_packet:eth1,queues=4,framecnt=1024",
        "pcap_live:eth1",
        "af_xdp:eth1",
        "tap:sensor0",
        "memif:/run/memif.sock,role=server",
        "virtio_user:/run/vhost.sock",
        "pcap:/data/a b=c.pcap",
        "null:",
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn unusable_names_say_what_is_wrong() {
    assert!(matches!(parse("eth1"), Err(PortNameError::Kind(_))));
    assert!(matches!(parse("wlan:eth1"), Err(PortNameError::Kind(_))));
    assert!(matches!(parse("pci:eth1"), Err(PortNameError::Target { .. })));
    assert!(matches!(parse("af_packet:"), Err(PortNameError::Target { .. })));
    assert!(matches!(parse("null:x"), Err(PortNameError::Target { .. })));
    assert!(matches!(parse("pcap:[a].pcap"), Err(PortNameError::Target { .. })));
    assert!(matches!(parse("af_packet:eth1,queues=0"), Err(PortNameError::Value { .. })));
    assert!(matches!(parse("af_packet:eth1,queues"), Err(PortNameError::Value { .. })));
    assert_eq!(
        parse("af_xdp:eth1,qpairs=4").unwrap_err().to_string(),
        "port \"af_xdp:eth1,qpairs=4\" has no option \"qpairs\"; there are: queues, start_queue, busy_budget, \
         force_copy"
    );
}

#[test]
fn an_environment_variable_stands_for_its_devices() {
    let name = parse("env:PCIDEVICE_SENSOR_VF,cap=1").unwrap();
    let resolve =
        |value: &'static str| name.resolve_with(|key| (key == "PCIDEVICE_SENSOR_VF").then(|| value.into()));
    let ports = resolve("0000:17:02.1, 0000:17:02.2,").unwrap();
    let shown: Vec<_> = ports.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["pci:0000:17:02.1,cap=1", "pci:0000:17:02.2,cap=1"]);
    assert_eq!(ports[0].pci_allow().as_deref(), Some("0000:17:02.1,cap=1"));
    assert!(resolve("").is_err());
    assert!(resolve("eth1").is_err());
    assert!(name.resolve_with(|_| None).is_err());
    assert_eq!(parse("null:").unwrap().resolve().unwrap(), [parse("null:").unwrap()]);
}

#[test]
fn the_option_queues_is_a_number() {
    assert_eq!(parse("af_packet:eth1,queues=2").unwrap().queues(), Some(2));
    assert_eq!(parse("af_packet:eth1").unwrap().with_queues(4).queues(), Some(4));
    assert_eq!(parse("af_packet:eth1,queues=2").unwrap().with_queues(4).queues(), Some(2));
    assert_eq!(parse("pcap_live:eth1").unwrap().with_queues(4).queues(), None);
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,60}") {
        if let Ok(name) = parse(&text) {
            prop_assert_eq!(parse(&name.to_string()), Ok(name));
        }
    }

    #[test]
    fn any_options_are_parsed_or_refused(
        kind in "(pci:0:0.0|af_packet:x|tap:x|null:)", options in "(,[a-z_]{1,10}=?[0-9a-z]{0,4}){0,4}"
    ) {
        if let Ok(name) = parse(&(kind + &options)) {
            prop_assert_eq!(parse(&name.to_string()), Ok(name));
        }
    }
}
