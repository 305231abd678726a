//! The dataplane's end: no thread, no waiting on any one client.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::{
        fd::AsFd as _,
        unix::{
            fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use thiserror::Error;

use crate::{
    Failure, MAX_LINE, Request, Response,
    line::{Brought, LineBuffer},
    message::{Answer, Question, QuestionNumber},
};

/// Most clients at the same time. One more takes the place of the one that has been silent longest.
pub const MAX_CLIENTS: usize = 16;
/// A client that has sent half a line, or does not take its answer, is closed after this time.
const STALLED_AFTER: Duration = Duration::from_secs(10);
/// Connections taken in one round.
const MAX_ACCEPTS: usize = MAX_CLIENTS;

/// Why there is no server, or no more.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Another dataplane listens there.
    #[error("another baleen-dataplane listens at {}", path.display())]
    AlreadyRunning {
        /// The socket.
        path: PathBuf,
    },
    /// Something else than a socket has this name. It is left alone.
    #[error("{} is not a socket: remove it, or choose another path", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("control socket {}: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    input: LineBuffer,
    output: Vec<u8>,
    /// Bytes of `output` that are sent.
    sent: usize,
    /// No more is read; closed when the output is sent.
    closing: bool,
    /// Last time that anything went either way.
    active: Instant,
}

/// Listens for clients and answers them.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    connections: Vec<Connection>,
    _lock: Flock<File>,
}

impl Server {
    /// Listens at this path, with mode 0600. A socket that a dead process left there is replaced; one that somebody
    /// listens at is not. A file with `.lock` added to the name keeps two servers apart; it stays.
    pub fn bind(path: impl Into<PathBuf>) -> Result<Self, ServerError> {
        let path = path.into();
        let io = |source: io::Error| ServerError::Io { path: path.clone(), source };
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(&path, ".lock"))
            .map_err(io)?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
            Errno::EWOULDBLOCK => ServerError::AlreadyRunning { path: path.clone() },
            errno => io(errno.into()),
        })?;
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
            Ok(metadata) if !metadata.file_type().is_socket() => {
                return Err(ServerError::NotASocket { path });
            }
            Ok(_) => match UnixStream::connect(&path) {
                Ok(_) => return Err(ServerError::AlreadyRunning { path }),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(io(error)),
            },
        }
        // The socket gets its known name only with its final mode.
        let new = beside(&path, ".new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&new).map_err(io)?;
        let listen = || {
            listener.set_nonblocking(true)?;
            fs::set_permissions(&new, Permissions::from_mode(0o600))?;
            fs::rename(&new, &path)
        };
        listen().map_err(io)?;
        Ok(Self { listener, path, connections: Vec::new(), _lock: lock })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of clients now.
    pub fn clients(&self) -> usize {
        self.connections.len()
    }

    /// One round: waits up to `wait` for clients to want something, answers through `handle`, and returns how many
    /// requests it answered. A client gets at most one answer in a round.
    pub fn serve(
        &mut self,
        wait: Duration,
        mut handle: impl FnMut(Request) -> Response,
    ) -> Result<usize, ServerError> {
        self.wait(wait)?;
        self.accept()?;
        let mut answered = 0;
        let now = Instant::now();
        self.connections.retain_mut(|connection| {
            let Ok(count) = connection.turn(now, &mut handle) else {
                return false;
            };
            answered += count;
            !connection.is_finished(now)
        });
        Ok(answered)
    }

    /// Sends what is still to be sent, for at most `wait`, and ends.
    pub fn finish(mut self, wait: Duration) -> Result<(), ServerError> {
        let deadline = Instant::now() + wait;
        for connection in &mut self.connections {
            connection.closing = true;
        }
        loop {
            self.connections.retain_mut(|connection| connection.send().is_ok() && connection.is_sending());
            let remaining = deadline.saturating_duration_since(Instant::now());
            if self.connections.is_empty() || remaining.is_zero() {
                return Ok(());
            }
            self.wait(remaining)?;
        }
    }

    fn wait(&mut self, wait: Duration) -> Result<(), ServerError> {
        // A request that was read together with the one before waits in our buffer, not in the socket.
        let unread = |connection: &Connection| !connection.is_sending() && connection.input.has_unsearched();
        let wait = if self.connections.iter().any(unread) { Duration::ZERO } else { wait };
        let mut descriptors = Vec::with_capacity(1 + self.connections.len());
        descriptors.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        for connection in &self.connections {
            let events = if connection.is_sending() { PollFlags::POLLOUT } else { PollFlags::POLLIN };
            descriptors.push(PollFd::new(connection.stream.as_fd(), events));
        }
        let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(ServerError::Io { path: self.path.clone(), source: errno.into() }),
        }
    }

    fn accept(&mut self) -> Result<(), ServerError> {
        for _ in 0..MAX_ACCEPTS {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                    _ => return Err(ServerError::Io { path: self.path.clone(), source: error }),
                },
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.connections.len() >= MAX_CLIENTS {
                let silent =
                    self.connections.iter().enumerate().min_by_key(|(_, connection)| connection.active);
                if let Some((place, _)) = silent {
                    self.connections.swap_remove(place);
                }
            }
            self.connections.push(Connection {
                stream,
                input: LineBuffer::default(),
                output: Vec::new(),
                sent: 0,
                closing: false,
                active: Instant::now(),
            });
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Removes the socket: with the lock held, nobody else's can be there.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Connection {
    fn is_sending(&self) -> bool {
        self.sent < self.output.len()
    }

    fn is_finished(&self, now: Instant) -> bool {
        let waiting = self.is_sending() || !self.input.is_empty();
        (self.closing && !self.is_sending())
            || (waiting && now.saturating_duration_since(self.active) >= STALLED_AFTER)
    }

    /// Sends, reads, answers one request. An error ends the connection.
    fn turn(&mut self, now: Instant, handle: &mut impl FnMut(Request) -> Response) -> io::Result<usize> {
        if self.is_sending() {
            self.active = if self.send()? { now } else { self.active };
        }
        if self.is_sending() || self.closing {
            return Ok(0);
        }
        loop {
            match self.input.next_line() {
                Ok(Some(line)) => {
                    self.active = now;
                    self.answer(&line, handle)?;
                    self.send()?;
                    return Ok(1);
                }
                Err(_) => {
                    let message = format!("the line is longer than {MAX_LINE} bytes");
                    self.queue(0, Response::Failed { failure: Failure::LineTooLong, message })?;
                    self.closing = true;
                    self.send()?;
                    return Ok(0);
                }
                Ok(None) => {}
            }
            match self.input.read(&mut self.stream) {
                Ok(Brought::Something) => self.active = now,
                Ok(Brought::EndOfFile) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn answer(&mut self, line: &[u8], handle: &mut impl FnMut(Request) -> Response) -> io::Result<()> {
        match serde_json::from_slice::<Question>(line) {
            Ok(Question { id, request }) => {
                let response = handle(request);
                self.queue(id, response)
            }
            Err(error) => {
                let id = serde_json::from_slice::<QuestionNumber>(line).unwrap_or_default().id;
                self.queue(id, Response::Failed { failure: Failure::BadRequest, message: error.to_string() })
            }
        }
    }

    fn queue(&mut self, id: u64, response: Response) -> io::Result<()> {
        self.output.clear();
        self.sent = 0;
        serde_json::to_writer(&mut self.output, &Answer { id, response })?;
        self.output.push(b'\n');
        Ok(())
    }

    /// Sends what goes without waiting; whether anything went.
    fn send(&mut self) -> io::Result<bool> {
        let before = self.sent;
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.sent > before)
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
