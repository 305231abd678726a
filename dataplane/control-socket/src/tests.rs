//! Both ends of the socket, sound and hostile.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);
const ROUND: Duration = Duration::from_millis(20);

fn settings() -> Settings {
    let port = Port {
        source: "af_packet:eth1".to_owned(),
        name: String::new(),
        queues: 0,
        descriptors: 0,
        promiscuous: true,
    };
    let spool = Spool {
        directory: "/var/spool/baleen".into(),
        bytes: 1 << 30,
        segment_bytes: 1 << 20,
        segment_seconds: 60,
    };
    Settings { local_networks: vec!["10.0.0.0/8".parse().unwrap()], ..Settings::new(vec![port], spool) }
}

fn statistics() -> Statistics {
    let dropped = DropReasons::from([("ring_full".to_owned(), 3)]);
    Statistics {
        version: "1".to_owned(),
        pid: 42,
        lcores: vec![Lcore {
            lcore: 2,
            received: 10,
            analyzed: 5,
            shunted: 2,
            dropped: dropped.clone(),
            flows: 7,
            ..Lcore::default()
        }],
        logs: [("dns".to_owned(), LogStatistics { produced: 9, spooled: 5, queued: 1, dropped })].into(),
        ..Statistics::default()
    }
}

fn handle(request: Request) -> Response {
    match request {
        Request::Status => Response::Status(Status {
            version: "1".to_owned(),
            pid: 42,
            state: State::Running,
            ..Status::default()
        }),
        Request::Netstats => Response::Netstats(Box::new(statistics())),
        Request::Settings => Response::Settings(Box::new(settings())),
        Request::Apply { settings } => match settings.validate() {
            Ok(()) => Response::Done,
            Err(error) => Response::Failed { failure: Failure::InvalidSettings, message: error.to_string() },
        },
        Request::Supervision => {
            Response::Supervision(Box::new(Supervision { restarts: 3, ..Supervision::default() }))
        }
        Request::Stop => Response::Done,
    }
}

/// A server in a thread, until dropped.
struct Running {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
    _folder: TempDir,
}

impl Running {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("dataplane.sock");
        let mut server = Server::bind(&path).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                server.serve(ROUND, handle).unwrap();
                most = most.max(server.clients());
            }
            server.finish(TIMEOUT).unwrap();
            most
        });
        Self { path, stop, thread: Some(thread), _folder: folder }
    }

    fn client(&self) -> Client {
        Client::connect(&self.path, TIMEOUT).unwrap()
    }

    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Ends it, and says how many clients there were at most.
    fn stop(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn every_request_has_its_answer() {
    let server = Running::start();
    let mut client = server.client();
    let status = client.status().unwrap();
    assert_eq!((status.pid, status.state), (42, State::Running));
    assert_eq!(client.netstats().unwrap(), statistics());
    assert_eq!(client.settings().unwrap(), settings());
    assert_eq!(client.supervision().unwrap().restarts, 3);
    client.apply(settings()).unwrap();
    let error = client.apply(Settings { ports: vec![], ..settings() }).unwrap_err();
    assert!(matches!(error, ClientError::Failed { failure: Failure::InvalidSettings, .. }));
    assert_eq!(error.to_string(), "ports: there must be at least one");
    client.stop().unwrap();
    let path = server.path.clone();
    server.stop();
    assert!(!path.exists());
    assert!(matches!(Client::connect(&path, TIMEOUT), Err(ClientError::NotRunning { .. })));
}

#[test]
fn a_person_can_ask_with_standard_tools() {
    let server = Running::start();
    let mut stream = server.raw();
    // Two at once, the second in pieces.
    stream.write_all(b"{\"id\":1,\"request\":\"stop\"}\n{\"id\":2,\"requ").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"id":1,"response":"done"}"#);
    stream
        .write_all(b"est\":\"stop\"}\n{\"id\":3,\"request\":\"stop\"}\n{\"id\":4,\"request\":\"stop\"}\n")
        .unwrap();
    for id in 2..=4 {
        assert_eq!(lines.next().unwrap().unwrap(), format!(r#"{{"id":{id},"response":"done"}}"#));
    }
}

#[test]
fn what_is_not_understood_is_answered_and_the_connection_goes_on() {
    let server = Running::start();
    let mut stream = server.raw();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for (line, id) in [
        ("{\"id\":7,\"request\":\"fly\"}\n", 7),
        ("hello\n", 0),
        ("\n", 0),
        (
            "{\"id\":8,\"request\":\"apply\",\"settings\":{\"ports\":[],\"spool\":{\"directory\":\"/x\"},\"wings\":2}}\n",
            8,
        ),
    ] {
        stream.write_all(line.as_bytes()).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&answer["id"], &answer["failure"]), (&id.into(), &"bad_request".into()), "{answer}");
        if id == 8 {
            assert!(answer["message"].as_str().unwrap().contains("wings"), "{answer}");
        }
    }
    stream.write_all(b"{\"id\":9,\"request\":\"stop\"}\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"id":9,"response":"done"}"#);
}

#[test]
fn a_line_without_end_is_cut_off() {
    let server = Running::start();
    let mut stream = server.raw();
    let feeder = thread::spawn({
        let mut stream = stream.try_clone().unwrap();
        move || {
            let piece = vec![b'x'; 64 << 10];
            while stream.write_all(&piece).is_ok() {}
        }
    });
    let mut answer = Vec::new();
    // The server closes with input unread, which may end the connection by a reset.
    let _ = stream.read_to_end(&mut answer);
    assert!(String::from_utf8(answer).unwrap().contains("line_too_long"));
    feeder.join().unwrap();
    assert!(matches!(
        server.client().request(&Request::Apply {
            settings: Box::new(Settings {
                logs: [String::from_utf8(vec![b'x'; MAX_LINE]).unwrap()].into(),
                ..settings()
            })
        }),
        Err(ClientError::LineTooLong)
    ));
}

#[test]
fn clients_are_bounded_and_silent_ones_give_way() {
    let server = Running::start();
    let silent: Vec<_> = (0..3 * MAX_CLIENTS).map(|_| server.raw()).collect();
    for _ in 0..3 {
        assert_eq!(server.client().status().unwrap().pid, 42);
    }
    drop(silent);
    assert_eq!(server.stop(), MAX_CLIENTS);
}

#[test]
fn a_client_that_takes_no_answer_holds_up_nobody() {
    let server = Running::start();
    let mut greedy = server.raw();
    greedy.set_nonblocking(true).unwrap();
    let question = b"{\"id\":1,\"request\":\"netstats\"}\n".repeat(2_000);
    let start = Instant::now();
    while greedy.write(&question).is_ok() && start.elapsed() < TIMEOUT {}
    let start = Instant::now();
    server.client().netstats().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_socket_is_its_owners_only() {
    let server = Running::start();
    assert_eq!(fs::metadata(&server.path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert!(matches!(Client::connect(&path, TIMEOUT), Err(ClientError::NotRunning { .. })));
    let server = Server::bind(&path).unwrap();
    assert_eq!(server.path(), path);
    assert!(matches!(Server::bind(&path), Err(ServerError::AlreadyRunning { .. })));
    drop(server);
    assert!(!path.exists());

    let _foreign = UnixListener::bind(&path).unwrap();
    assert!(matches!(Server::bind(&path), Err(ServerError::AlreadyRunning { .. })));
    let file = folder.path().join("file");
    fs::write(&file, "precious").unwrap();
    assert!(matches!(Server::bind(&file), Err(ServerError::NotASocket { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    assert!(matches!(Server::bind(folder.path().join("no/such/folder")), Err(ServerError::Io { .. })));
}

#[test]
fn a_server_that_hangs_is_a_timeout() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let short = Duration::from_millis(200);
    let start = Instant::now();
    let mut client = Client::connect(&path, short).unwrap();
    assert!(matches!(client.status(), Err(ClientError::Timeout { .. })));
    // With nobody accepting, connecting itself waits at some time.
    let mut waiting = Vec::new();
    let error = loop {
        match Client::connect(&path, short) {
            Ok(client) => waiting.push(client),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
    assert!(start.elapsed() < TIMEOUT);
}

#[test]
fn answers_of_another_version_and_late_ones_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let fake = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(&stream).lines();
        lines.next().unwrap().unwrap();
        (&stream)
            .write_all(b"{\"id\":1,\"response\":\"status\",\"pid\":5,\"state\":\"dreaming\",\"new\":[]}\n")
            .unwrap();
        lines.next().unwrap().unwrap();
        (&stream)
            .write_all(b"{\"id\":1,\"response\":\"done\"}\n{\"id\":2,\"response\":\"failed\",\"failure\":\"new\",\"message\":\"no\"}\n")
            .unwrap();
        lines.next().unwrap().unwrap();
        (&stream).write_all(b"{\"id\":3,\"response\":\"unheard\"}\n").unwrap();
        lines.next().unwrap().unwrap();
    });
    let mut client = Client::connect(&path, TIMEOUT).unwrap();
    let status = client.status().unwrap();
    assert_eq!((status.pid, status.state), (5, State::Unknown));
    assert!(matches!(client.stop(), Err(ClientError::Failed { failure: Failure::Other, .. })));
    assert!(matches!(client.stop(), Err(ClientError::Protocol(_))));
    assert!(matches!(client.stop(), Err(ClientError::Closed)));
    fake.join().unwrap();
}

#[test]
fn settings_are_checked_with_the_key_that_is_wrong() {
    type Change = fn(&mut Settings);
    let cases: [(&str, Change); 9] = [
        ("ports", |settings| settings.ports.clear()),
        ("ports[0].source", |settings| settings.ports[0].source = "eth1".to_owned()),
        ("ports[1].name", |settings| settings.ports.push(settings.ports[0].clone())),
        ("lcores", |settings| settings.lcores = vec![1, 1]),
        ("workers", |settings| (settings.lcores, settings.workers) = (vec![1], 2)),
        ("limits.flows", |settings| settings.limits.flows = 0),
        ("spool.bytes", |settings| settings.spool.bytes = 0),
        ("spool.directory", |settings| settings.spool.directory = PathBuf::from("spool")),
        ("spool.segment_bytes", |settings| settings.spool.segment_bytes = 2 << 30),
    ];
    assert_eq!(settings().validate(), Ok(()));
    for (key, change) in cases {
        let mut settings = settings();
        change(&mut settings);
        assert_eq!(settings.validate().unwrap_err().key, key);
    }
}

#[test]
fn settings_need_only_ports_and_a_spool() {
    let text = r#"{"ports":[{"source":"pci:0000:17:02.1"}],"spool":{"directory":"/s"}}"#;
    let settings: Settings = serde_json::from_str(text).unwrap();
    settings.validate().unwrap();
    assert!(settings.ports[0].promiscuous);
    assert_eq!(settings.ports[0].label(), "pci:0000:17:02.1");
    assert_eq!(settings.limits, Limits::default());
    assert_eq!(settings.spool.directory, Path::new("/s"));
}

#[test]
fn networks_are_addresses_with_a_prefix() {
    for (text, shown) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
    }
    for (text, error) in [
        ("10.0.0.0/33", NetworkError::Prefix),
        ("::/129", NetworkError::Prefix),
        ("10.0.0.0/", NetworkError::Prefix),
        ("10.0.0.0/+8", NetworkError::Prefix),
        ("10.0.0/8", NetworkError::Address),
        ("", NetworkError::Address),
    ] {
        assert_eq!(text.parse::<Network>(), Err(error), "{text}");
    }
}

#[test]
fn the_books_are_checked() {
    let mut statistics = statistics();
    assert_eq!(statistics.imbalances(), []);
    assert_eq!(statistics.flows(), 7);
    statistics.lcores[0].received += 1;
    statistics.logs.get_mut("dns").unwrap().produced += 1;
    let wrong: Vec<_> = statistics.imbalances().iter().map(ToString::to_string).collect();
    assert_eq!(
        wrong,
        ["lcore 2: 11 came in, 10 are accounted for", "log dns: 10 came in, 9 are accounted for"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lines_come_out_whole_however_they_are_cut(
        lines in prop::collection::vec("[a-z]{0,20}", 0..20),
        cut in 1..30_usize,
    ) {
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let mut buffer = line::LineBuffer::default();
        let mut out = Vec::new();
        for mut piece in text.as_bytes().chunks(cut) {
            buffer.read(&mut piece).unwrap();
            while let Some(line) = buffer.next_line().unwrap() {
                out.push(String::from_utf8(line).unwrap());
            }
        }
        prop_assert_eq!(out, lines);
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn any_line_is_answered(bytes in prop::collection::vec(any::<u8>().prop_filter("newline", |byte| *byte != b'\n'), 0..200)) {
        let folder = TempDir::new().unwrap();
        let mut server = Server::bind(folder.path().join("socket")).unwrap();
        let mut stream = UnixStream::connect(server.path()).unwrap();
        stream.write_all(&bytes).unwrap();
        stream.write_all(b"\n").unwrap();
        prop_assert_eq!(server.serve(TIMEOUT, handle).unwrap(), 1);
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&answer).is_ok());
    }
}
