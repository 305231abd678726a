//! The control process's end: blocking, with a time-out.

use std::{
    io::{self, Write as _},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, sockopt},
        time::{TimeVal, TimeValLike as _},
    },
};
use thiserror::Error;

use crate::{
    Failure, MAX_LINE, Request, Response, Settings, Statistics, Status, Supervision,
    line::{Brought, LineBuffer},
    message::{Answer, Question},
};

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There is no socket, or nobody behind it.
    #[error("baleen-dataplane is not running: nobody listens at {}", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// The socket belongs to another user.
    #[error("no permission to connect to {}: run as its owner or as root", path.display())]
    NoPermission {
        /// The socket.
        path: PathBuf,
    },
    /// No answer in time.
    #[error("baleen-dataplane did not answer within {after:?}")]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The dataplane ended the connection before it answered.
    #[error("baleen-dataplane closed the connection without an answer")]
    Closed,
    /// The request or the answer is longer than [`MAX_LINE`].
    #[error("a line is longer than {MAX_LINE} bytes")]
    LineTooLong,
    /// The answer is none to this request, or not understood: another version.
    #[error("baleen-dataplane gave an answer that is not understood: {0}")]
    Protocol(String),
    /// The dataplane said no.
    #[error("{message}")]
    Failed {
        /// What kind of failure.
        failure: Failure,
        /// What the dataplane says.
        message: String,
    },
    /// Anything else of the operating system.
    #[error("cannot talk to baleen-dataplane: {0}")]
    Io(#[from] io::Error),
}

/// A connection to the dataplane.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    timeout: Duration,
    input: LineBuffer,
    next_id: u64,
}

impl Client {
    /// Connects. `timeout` is for connecting, and then for each request as a whole.
    pub fn connect(path: impl AsRef<Path>, timeout: Duration) -> Result<Self, ClientError> {
        let path = path.as_ref();
        let address = UnixAddr::new(path).map_err(io::Error::from)?;
        let socket = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
            .map_err(io::Error::from)?;
        // Connecting waits when the server does not accept; the kernel takes this option for that too.
        let micros = i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX).max(1);
        socket::setsockopt(&socket, sockopt::SendTimeout, &TimeVal::microseconds(micros))
            .map_err(io::Error::from)?;
        let path = || path.to_owned();
        socket::connect(socket.as_raw_fd(), &address).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ECONNREFUSED => ClientError::NotRunning { path: path() },
            Errno::EACCES | Errno::EPERM => ClientError::NoPermission { path: path() },
            Errno::EAGAIN => ClientError::Timeout { after: timeout },
            errno => ClientError::Io(errno.into()),
        })?;
        Ok(Self { stream: UnixStream::from(socket), timeout, input: LineBuffer::default(), next_id: 1 })
    }

    /// Asks, and waits for the answer. [`Response::Failed`] is an answer too.
    pub fn request(&mut self, request: &Request) -> Result<Response, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let id = self.next_id;
        self.next_id += 1;
        let question = Question { id, request: request.clone() };
        let mut line =
            serde_json::to_vec(&question).map_err(|error| ClientError::Protocol(error.to_string()))?;
        line.push(b'\n');
        if line.len() > MAX_LINE {
            return Err(ClientError::LineTooLong);
        }
        self.send(&line, deadline)?;
        loop {
            let line = self.receive(deadline)?;
            let answer: Answer =
                serde_json::from_slice(&line).map_err(|error| ClientError::Protocol(error.to_string()))?;
            // An answer that came too late for the request before is passed over.
            if answer.id >= id || answer.id == 0 {
                return Ok(answer.response);
            }
        }
    }

    /// Who runs.
    pub fn status(&mut self) -> Result<Status, ClientError> {
        match self.request(&Request::Status)? {
            Response::Status(status) => Ok(status),
            other => Err(unexpected(other)),
        }
    }

    /// All counters.
    pub fn netstats(&mut self) -> Result<Statistics, ClientError> {
        match self.request(&Request::Netstats)? {
            Response::Netstats(statistics) => Ok(*statistics),
            other => Err(unexpected(other)),
        }
    }

    /// How the control process looks after the dataplane.
    pub fn supervision(&mut self) -> Result<Supervision, ClientError> {
        match self.request(&Request::Supervision)? {
            Response::Supervision(supervision) => Ok(*supervision),
            other => Err(unexpected(other)),
        }
    }

    /// The settings in force.
    pub fn settings(&mut self) -> Result<Settings, ClientError> {
        match self.request(&Request::Settings)? {
            Response::Settings(settings) => Ok(*settings),
            other => Err(unexpected(other)),
        }
    }

    /// Puts settings in force.
    pub fn apply(&mut self, settings: Settings) -> Result<(), ClientError> {
        self.done(&Request::Apply { settings: Box::new(settings) })
    }

    /// Ends the dataplane; it is still busy with that when this returns.
    pub fn stop(&mut self) -> Result<(), ClientError> {
        self.done(&Request::Stop)
    }

    fn done(&mut self, request: &Request) -> Result<(), ClientError> {
        match self.request(request)? {
            Response::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    fn send(&mut self, mut line: &[u8], deadline: Instant) -> Result<(), ClientError> {
        while !line.is_empty() {
            self.stream.set_write_timeout(Some(self.remaining(deadline)?))?;
            match self.stream.write(line) {
                Ok(written) => line = line.get(written..).unwrap_or_default(),
                Err(error) => self.retry(error)?,
            }
        }
        Ok(())
    }

    fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, ClientError> {
        loop {
            match self.input.next_line() {
                Ok(Some(line)) => return Ok(line),
                Ok(None) => {}
                Err(_) => return Err(ClientError::LineTooLong),
            }
            self.stream.set_read_timeout(Some(self.remaining(deadline)?))?;
            match self.input.read(&mut self.stream) {
                Ok(Brought::Something) => {}
                Ok(Brought::EndOfFile) => return Err(ClientError::Closed),
                Err(error) => self.retry(error)?,
            }
        }
    }

    fn remaining(&self, deadline: Instant) -> Result<Duration, ClientError> {
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ClientError::Timeout { after: self.timeout }),
            remaining => Ok(remaining),
        }
    }

    /// Whether to try again after this error.
    fn retry(&self, error: io::Error) -> Result<(), ClientError> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Err(ClientError::Timeout { after: self.timeout })
            }
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Err(ClientError::Closed),
            _ => Err(ClientError::Io(error)),
        }
    }
}

fn unexpected(response: Response) -> ClientError {
    match response {
        Response::Failed { failure, message } => ClientError::Failed { failure, message },
        Response::Status(_) => ClientError::Protocol("a status".to_owned()),
        Response::Netstats(_) => ClientError::Protocol("statistics".to_owned()),
        Response::Supervision(_) => ClientError::Protocol("supervision".to_owned()),
        Response::Settings(_) => ClientError::Protocol("settings".to_owned()),
        Response::Done => ClientError::Protocol("done".to_owned()),
    }
}
