//! Ctrl-C and SIGTERM: the first asks for a stop, the second ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of a process that was told to end at once.
pub(crate) const ENDED_BY_SIGNAL: u8 = 130;

/// The wish to stop. It is heard from [`StopRequest::listen`] on, also before somebody waits for it, so that a
/// program that has said where it listens can be told to stop at once.
pub(crate) struct StopRequest {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl StopRequest {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hangup: None })
    }

    /// The same, and a terminal that is closed is a wish to stop too. Not for what `nohup` may have started.
    pub(crate) fn listen_at_terminal() -> io::Result<Self> {
        Ok(Self { hangup: Some(signal(SignalKind::hangup())?), ..Self::listen()? })
    }

    /// Waits for the next signal.
    pub(crate) async fn received(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }

    /// From now on a signal ends the process without waiting for anything.
    pub(crate) fn end_at_once_on_the_next(mut self) {
        tokio::spawn(async move {
            self.received().await;
            std::process::exit(ENDED_BY_SIGNAL.into());
        });
    }
}
