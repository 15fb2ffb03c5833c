//! Ctrl-C and SIGTERM: the first asks for a stop, the second ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of a process that was told to end at once.
const ENDED_BY_SIGNAL: i32 = 130;

/// Waits for the first signal.
pub(crate) async fn stop_requested() -> io::Result<()> {
    let (mut interrupt, mut terminate) = listen()?;
    next(&mut interrupt, &mut terminate).await;
    Ok(())
}

/// From now on a signal ends the process without waiting for anything.
pub(crate) fn end_at_once_on_the_next() -> io::Result<()> {
    let (mut interrupt, mut terminate) = listen()?;
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        std::process::exit(ENDED_BY_SIGNAL);
    });
    Ok(())
}

fn listen() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
