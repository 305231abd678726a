use control_socket::{Port, Spool};

use super::*;

fn settings(source: &str) -> Settings {
    let port =
        Port { source: source.into(), name: String::new(), queues: 0, descriptors: 0, promiscuous: true };
    let spool =
        Spool { directory: "/spool".into(), bytes: 1 << 30, segment_bytes: 1 << 20, segment_seconds: 5 };
    Settings::new(vec![port], spool)
}

fn configure(settings: &Settings) -> Result<Configuration, ConfigurationError> {
    Configuration::new(settings, &[0, 1, 2, 3])
}

#[test]
fn workers_are_one_for_each_cpu_but_one() {
    let mut settings = settings("af_packet:lo");
    assert_eq!(configure(&settings).unwrap().sensor.workers, 3);
    settings.lcores = vec![1, 3];
    let configuration = configure(&settings).unwrap();
    assert_eq!((configuration.sensor.workers, configuration.sensor.cpus), (1, vec![1, 3]));
    settings.lcores = vec![7];
    assert!(matches!(configure(&settings), Err(ConfigurationError::Lcore(7))));
}

#[test]
fn limits_are_shared_by_the_workers() {
    let mut settings = settings("af_packet:lo");
    settings.workers = 4;
    settings.limits.flows = 4000;
    settings.ignore_checksums = true;
    settings.local_networks = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let analysis = configure(&settings).unwrap().sensor.analysis;
    assert_eq!(analysis.flow.limits.flows, 1000);
    assert!(!analysis.decode.verify_checksums);
    let local =
        |text: &str| analysis.analysis.is_local(Addr::from(text.parse::<std::net::IpAddr>().unwrap()));
    assert!(local("10.1.2.3") && local("2001:db8::1"));
    assert!(!local("192.168.0.1") && !local("2001:db9::1"));
}

#[test]
fn pci_ports_are_the_only_ones_dpdk_may_touch() {
    let mut settings = settings("pci:0000:17:02.1");
    settings.memory.megabytes = 1024;
    let configuration = configure(&settings).unwrap();
    assert_eq!(configuration.eal.pci, ["0000:17:02.1"]);
    assert_eq!(configuration.eal.memory, Memory::Auto { megabytes: 1024 });
    settings.memory.no_hugepages = true;
    assert_eq!(configure(&settings).unwrap().eal.memory, Memory::Ordinary { megabytes: 1024 });
}

#[test]
fn what_does_not_exist_is_named() {
    assert!(matches!(configure(&settings("wlan:x")), Err(ConfigurationError::Port(_))));
    let mut settings = settings("af_packet:lo");
    settings.logs = ["conn".to_owned(), "con".to_owned()].into();
    assert_eq!(configure(&settings).unwrap_err().to_string(), "logs: there is no log \"con\"");
    settings.logs = ["conn".to_owned()].into();
    assert_eq!(configure(&settings).unwrap().sensor.logs, LogSet::NONE.with(Log::Conn));
}

#[test]
fn only_the_analysis_and_the_balance_change_while_running() {
    let mut running = settings("af_packet:lo");
    running.seed = Some(1);
    let mut new = running.clone();
    new.name = "edge".into();
    new.hash_files = false;
    new.local_networks = vec!["10.0.0.0/8".parse().unwrap()];
    new.shunting.hash_bytes = Some(1 << 20);
    new.balance.start = 2.0;
    assert!(is_live_change(&running, &new));
    let configuration = configure(&running).unwrap();
    let changed = changed_analysis(&new, &configuration.sensor);
    assert_eq!(changed.analysis.peer, "edge");
    assert!(!changed.analysis.hash_files && configuration.sensor.analysis.analysis.hash_files);
    assert_eq!(changed.id_key, configuration.sensor.analysis.id_key);
    assert_eq!(changed.analysis.hash_limit, 1 << 20);
    new.shunting.offload_bytes = Some(1 << 20);
    assert!(!is_live_change(&running, &new));
    new.shunting.offload_bytes = None;
    new.workers = 2;
    assert!(!is_live_change(&running, &new));
}
