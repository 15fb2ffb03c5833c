//! A connection over a pipe, with paused time.

use andon_model::{Name, SystemClock};
use tokio::io::{AsyncReadExt, DuplexStream, ReadHalf, WriteHalf, split};

use super::*;
use crate::source::SourceSpec;

const GRANTED: &[u8] = &[0x90, 3, 0, 1, 1];
const PING: [u8; 2] = [0xC0, 0];

/// The broker's end of a connection.
struct Far {
    read: ReadHalf<DuplexStream>,
    write: WriteHalf<DuplexStream>,
}

/// A connection with room for `inflight` payloads and a keep alive of 30 s, whose SUBSCRIBE has been seen.
async fn connection(inflight: u16) -> (Link, Far) {
    let text = format!(
        "decoder = \"cloudevents\"\n[mqtt]\nurl = \"mqtt://localhost\"\nversion = \"3.1.1\"\nclient_id = \"c\"\n\
         topics = [\"d\"]\ninflight = {inflight}"
    );
    let spec = SourceSpec::parse(&Name::new("plant").expect("name"), &text).expect("valid").mqtt.expect("a broker");
    let (near, far) = tokio::io::duplex(1 << 20);
    let frames = Frames::new(MqttVersion::V311, spec.max_payload_bytes);
    let (keep_alive, client_id) = (spec.keep_alive, "c".to_owned());
    let opened = Opened { stream: Box::new(near), frames, session_present: false, keep_alive, client_id };
    let session = Session::new(usize::from(spec.inflight));
    let link = start(&spec, opened, session, Arc::new(SystemClock));
    let (read, write) = split(far);
    let mut far = Far { read, write };
    assert_eq!(far.hear(8).await[0], 0x82);
    (link, far)
}

impl Far {
    async fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.read.read_exact(&mut bytes).await.expect("bytes");
        bytes
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.write.write_all(bytes).await.expect("written");
    }

    /// A publish of QoS 1 with an empty payload.
    async fn publish(&mut self, id: u8) {
        self.say(&[0x32, 5, 0, 1, b'd', 0, id]).await;
    }
}

async fn problem(link: &mut Link) -> String {
    (&mut link.task).await.expect("no panic").problem.detail
}

#[tokio::test(start_paused = true)]
async fn a_full_session_reads_nothing_and_stays_alive() {
    let (mut link, mut far) = connection(2).await;
    far.say(GRANTED).await;
    for id in 1..=4 {
        far.publish(id).await;
    }
    assert!(matches!(link.arrived.recv().await, Some(Arrived::Subscribed)));
    for id in 1..=2 {
        let Some(Arrived::Publish(received)) = link.arrived.recv().await else { panic!("a payload") };
        assert_eq!(received.publish.id, Some(id));
    }
    // An hour without room: nobody reads the answers to the pings, and the connection lives.
    for _ in 0..240 {
        assert_eq!(far.hear(2).await, PING);
        far.say(&[0xD0, 0]).await;
    }
    assert!(link.arrived.try_recv().is_err(), "no room for more");
    link.settled.send_modify(|settled| *settled += 1);
    assert_eq!(far.hear(4).await, [0x40, 2, 0, 1]);
    let Some(Arrived::Publish(received)) = link.arrived.recv().await else { panic!("a payload") };
    assert_eq!(received.publish.id, Some(3));
    assert!(link.arrived.try_recv().is_err(), "room for one");
    link.settled.send_modify(|settled| *settled += 2);
    assert_eq!(far.hear(8).await, [0x40, 2, 0, 2, 0x40, 2, 0, 3]);
    assert!(matches!(link.arrived.recv().await, Some(Arrived::Publish(_))));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_says_nothing_is_left() {
    let (mut link, mut far) = connection(2).await;
    far.say(GRANTED).await;
    assert_eq!(problem(&mut link).await, "the broker does not answer");
    let (mut link, mut far) = connection(2).await;
    // Pings are answered until the other side has gone.
    let mut ping = [0; 2];
    while far.read.read_exact(&mut ping).await.is_ok_and(|_| ping == PING) {
        far.say(&[0xD0, 0]).await;
    }
    assert_eq!(problem(&mut link).await, "the broker does not answer to SUBSCRIBE");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_goes_says_goodbye() {
    let (link, mut far) = connection(2).await;
    far.say(GRANTED).await;
    drop(link);
    let mut rest = Vec::new();
    far.read.read_to_end(&mut rest).await.expect("the end");
    assert_eq!(rest, [0xE0, 0]);
}
