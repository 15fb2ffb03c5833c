//! The threshold: connections that are accepted and not let in yet.
//!
//! **Constraints.** RMQTT waits for the first bytes of CONNECT without end, and shows a connection to nobody before it
//! has all of it. A certificate that is revoked, or none at all, could so keep connections until the process has no
//! descriptors left. Here the process looks at its own sockets: those at the door's ports whose client has no seat are
//! ended after [`crate::Limits::handshake_time`], and the oldest of them when there are too many, in all or of one
//! address. A socket is only shut down, by a descriptor of its own, and RMQTT sees the end of its client. That takes
//! Linux and leave to copy own descriptors (`pidfd_getfd`); where there is none, it is said once in the log.
//!
//! **Life of a connection.** It is met at the next look after it was accepted, and waits; it is inside when its client
//! has a seat, and is not looked at again; it is forgotten when its socket is gone.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, Resource, getpid, getrlimit, pidfd_getfd, pidfd_open};
use tokio::time::Instant;

use crate::Limits;
use crate::hooks::Door;

/// How long to wait at least before the next look.
const LOOK: Duration = Duration::from_millis(250);

/// How much longer than a look took to wait before the next: looks take two percent of one processor at most.
const REST: u32 = 50;

/// Where the system lists the descriptors of this process.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Looks until it is dropped.
pub(crate) async fn run(door: Arc<Door>, addresses: Vec<SocketAddr>) {
    let mut threshold = match Threshold::new(&door.limits, &addresses) {
        Ok(threshold) => threshold,
        Err(error) => {
            tracing::warn!(%error, "the system does not let connections be ended that are not let in");
            return;
        }
    };
    loop {
        let begun = Instant::now();
        let seats = door.seats.all().into_iter().filter(|seat| seat.is_connected());
        let inside: HashSet<_> = seats.filter_map(|seat| seat.id.remote_addr).collect();
        let looked = tokio::task::spawn_blocking(move || {
            let closed = threshold.look(&inside, begun);
            (threshold, closed)
        });
        let Ok((next, closed)) = looked.await else { return };
        threshold = next;
        match closed {
            Ok(0) => {}
            Ok(closed) => tracing::info!(closed, "connections were ended that were not let in"),
            Err(error) => tracing::warn!(%error, "connections that are not let in could not be looked at"),
        }
        tokio::time::sleep(LOOK.max(begun.elapsed() * REST).min(door.limits.handshake_time)).await;
    }
}

/// A connection that is not let in yet.
#[derive(Debug, Clone, Copy)]
struct Stranger {
    number: RawFd,
    peer: SocketAddr,
    since: Instant,
}

/// What is known of a socket of this process.
#[derive(Debug, Clone, Copy)]
enum Socket {
    /// None of the door's.
    Elsewhere,
    /// Its client was let in.
    Inside,
    /// Its client was not let in yet.
    Outside(Stranger),
}

struct Threshold {
    process: OwnedFd,
    ports: Vec<u16>,
    most_time: Duration,
    most: usize,
    most_of_one: usize,
    /// By the number that the system gives a socket.
    sockets: HashMap<u64, Socket>,
    /// Kept open for the looks, which need descriptors when there are none left.
    spare: Vec<File>,
}

impl Threshold {
    fn new(limits: &Limits, addresses: &[SocketAddr]) -> io::Result<Self> {
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        drop(pidfd_getfd(&process, process.as_raw_fd(), PidfdGetfdFlags::empty())?);
        let descriptors = getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok());
        let descriptors = descriptors.unwrap_or(usize::MAX);
        Ok(Self {
            process,
            ports: addresses.iter().map(SocketAddr::port).collect(),
            most_time: limits.handshake_time,
            most: limits.strangers.min(descriptors / 2),
            most_of_one: limits.strangers_per_address.min(descriptors / 4),
            sockets: HashMap::new(),
            spare: spare(),
        })
    }

    /// Ends the connections that have waited too long or are too many. How many that were.
    fn look(&mut self, inside: &HashSet<SocketAddr>, now: Instant) -> io::Result<usize> {
        self.spare.clear();
        let met = self.meet_all(now);
        self.let_in(inside);
        let over = over(self.strangers(), self.most_time, self.most, self.most_of_one, now);
        for stranger in &over {
            self.end(stranger);
        }
        self.spare = spare();
        met.map(|()| over.len())
    }

    /// Looks which sockets there are; what is known of those that were there before stays.
    fn meet_all(&mut self, now: Instant) -> io::Result<()> {
        let mut known = HashMap::with_capacity(self.sockets.len());
        for entry in std::fs::read_dir(DESCRIPTORS)? {
            let entry = entry?;
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Some(socket) = std::fs::read_link(entry.path()).ok().and_then(|link| socket(link.to_str()?)) else {
                continue;
            };
            let found = self.sockets.get(&socket).copied();
            known.insert(socket, found.unwrap_or_else(|| self.meet(number, now)));
        }
        self.sockets = known;
        Ok(())
    }

    fn meet(&self, number: RawFd, since: Instant) -> Socket {
        let peer = self.connection(number).and_then(|connection| connection.peer_addr().ok());
        peer.map_or(Socket::Elsewhere, |peer| Socket::Outside(Stranger { number, peer, since }))
    }

    /// The connection behind a descriptor, by another one; nothing where it is none of the door's.
    fn connection(&self, number: RawFd) -> Option<TcpStream> {
        let copy = pidfd_getfd(&self.process, number, PidfdGetfdFlags::empty()).ok()?;
        let connection = TcpStream::from(copy);
        let local = connection.local_addr().ok()?;
        self.ports.contains(&local.port()).then_some(connection)
    }

    fn let_in(&mut self, inside: &HashSet<SocketAddr>) {
        for socket in self.sockets.values_mut() {
            if matches!(socket, Socket::Outside(stranger) if inside.contains(&stranger.peer)) {
                *socket = Socket::Inside;
            }
        }
    }

    fn strangers(&self) -> Vec<Stranger> {
        let outside = |socket: &Socket| match socket {
            Socket::Outside(stranger) => Some(*stranger),
            Socket::Elsewhere | Socket::Inside => None,
        };
        self.sockets.values().filter_map(outside).collect()
    }

    /// Ends a connection, unless its descriptor has become that of another one.
    fn end(&self, stranger: &Stranger) {
        let connection = self.connection(stranger.number);
        let same = connection.filter(|connection| connection.peer_addr().is_ok_and(|peer| peer == stranger.peer));
        // One that has ended by itself is as good.
        let _ = same.map(|connection| connection.shutdown(Shutdown::Both));
    }
}

/// Two descriptors, as far as there are: one for the list, one for what is looked at.
fn spare() -> Vec<File> {
    (0..2).filter_map(|_| File::open("/dev/null").ok()).collect()
}

/// The number of a socket in a link such as `socket:[4711]`.
fn socket(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Those that have waited too long, and the oldest beyond `most` and `most_of_one` address.
fn over(
    mut strangers: Vec<Stranger>,
    most_time: Duration,
    most: usize,
    most_of_one: usize,
    now: Instant,
) -> Vec<Stranger> {
    strangers.sort_by_key(|stranger| Reverse((stranger.since, stranger.number)));
    let (mut all, mut of_one): (usize, HashMap<IpAddr, usize>) = (0, HashMap::new());
    strangers.retain(|stranger| {
        let of_its = of_one.entry(stranger.peer.ip()).or_default();
        let stays = now.duration_since(stranger.since) < most_time && all < most && *of_its < most_of_one;
        all += usize::from(stays);
        *of_its += usize::from(stays);
        !stays
    });
    strangers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(waited: &[(&str, u64)], most: usize, most_of_one: usize, expect: &[usize]) {
        let begun = Instant::now();
        let now = begun + Duration::from_mins(1);
        let stranger = |(number, (peer, waited)): (usize, &(&str, u64))| Stranger {
            number: RawFd::try_from(number).expect("small"),
            peer: SocketAddr::new(peer.parse().expect("an address"), 1),
            since: now - Duration::from_secs(*waited),
        };
        let strangers = waited.iter().enumerate().map(stranger).collect();
        let over = over(strangers, Duration::from_secs(10), most, most_of_one, now);
        let mut over: Vec<_> = over.iter().map(|stranger| usize::try_from(stranger.number).expect("small")).collect();
        over.sort_unstable();
        assert_eq!(over, expect, "{waited:?}");
    }

    #[test]
    fn the_oldest_have_to_go() {
        let (a, b) = ("192.0.2.1", "192.0.2.2");
        check(&[(a, 9), (b, 10)], 9, 9, &[1]);
        check(&[(a, 3), (a, 5), (b, 4)], 2, 9, &[1]);
        check(&[(a, 3), (a, 5), (b, 9)], 9, 1, &[1]);
        check(&[(a, 1), (a, 2), (b, 3)], 2, 1, &[1]);
        check(&[(a, 1), (b, 2)], 0, 9, &[0, 1]);
        check(&[], 9, 9, &[]);
    }

    #[test]
    fn sockets_are_told_by_their_numbers() {
        for (link, expect) in
            [("socket:[4711]", Some(4711)), ("pipe:[4711]", None), ("socket:[]", None), ("/dev/null", None)]
        {
            assert_eq!(socket(link), expect, "{link}");
        }
    }
}
