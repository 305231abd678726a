//! Lines on the control socket: requests at the server, then the same octets as a client's answers.
#![no_main]

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use control_socket::{Client, Request, Response, Server};
use libfuzzer_sys::fuzz_target;

/// Longer inputs do not fit into a socket's buffer, and there is no thread to empty it.
const MAX_INPUT: usize = 64 << 10;
/// A round answers one request of a client.
const MAX_ROUNDS: usize = 1024;

fuzz_target!(|input: &[u8]| {
    if input.len() > MAX_INPUT {
        return;
    }
    let Ok(directory) = tempfile::tempdir() else { return };
    let path = directory.path().join("server");
    let mut server = Server::bind(&path).expect("a server");
    let mut stream = UnixStream::connect(&path).expect("a stream");
    stream.set_nonblocking(true).expect("a stream that does not wait");
    stream.write_all(input).expect("room for the input");
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    let mut answers = Vec::new();
    for round in 0..MAX_ROUNDS {
        let _ = server.serve(Duration::ZERO, answer).expect("a server that goes on");
        // What cannot be read yet is read in the next round.
        let _ = stream.read_to_end(&mut answers);
        if round > 0 && server.clients() == 0 {
            break;
        }
    }
    for line in answers.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
        assert!(line.starts_with(b"{\"id\":") && line.ends_with(b"}"), "{}", line.escape_ascii());
    }

    let path = directory.path().join("client");
    let listener = UnixListener::bind(&path).expect("a listener");
    let mut client = Client::connect(&path, Duration::from_secs(1)).expect("a client");
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.write_all(input).expect("room for the input");
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    // An error is an answer too.
    let _ = client.request(&Request::Status);
    let _ = client.netstats();
});

fn answer(request: Request) -> Response {
    match request {
        Request::Apply { settings } => {
            let _ = settings.validate();
            Response::Settings(settings)
        }
        Request::Status => Response::Status(Default::default()),
        Request::Netstats => Response::Netstats(Default::default()),
        Request::Supervision => Response::Supervision(Default::default()),
        Request::Settings | Request::Stop => Response::Done,
    }
}
