//! A broker that plays a script: what no good broker does, or does too rarely.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Script {
    listener: TcpListener,
}

/// One connection to it.
pub(crate) struct Play(TcpStream);

impl Script {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("an address").port()
    }

    /// Waits for a connection and its CONNECT, and answers with these bytes in hex.
    pub(crate) async fn accept(&self, answer: &str) -> Play {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        let mut play = Play(stream);
        assert_eq!(play.read().await[0], 0x10, "CONNECT");
        play.write(answer).await;
        play
    }

    /// The same, and grants the subscription.
    pub(crate) async fn accept_311(&self, session_present: bool) -> Play {
        let mut play = self.accept(if session_present { "20 02 01 00" } else { "20 02 00 00" }).await;
        assert_eq!(play.read().await[0], 0x82, "SUBSCRIBE");
        play.write("90 03 0001 01").await;
        play
    }
}

impl Play {
    /// The next packet, whole.
    pub(crate) async fn read(&mut self) -> Vec<u8> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await.expect("a packet");
        assert!(head[1] < 0x80, "short packets only");
        let mut packet = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut packet).await.expect("its rest");
        [head.to_vec(), packet].concat()
    }

    /// The next packet that is no ping, in hex.
    pub(crate) async fn heard(&mut self) -> String {
        loop {
            let packet = self.read().await;
            if packet != [0xC0, 0] {
                return hex(&packet);
            }
            self.write("d0 00").await;
        }
    }

    /// Sends bytes that are given in hex.
    pub(crate) async fn write(&mut self, bytes: &str) {
        let digits: String = bytes.split_whitespace().collect();
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex");
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        self.0.write_all(&bytes).await.expect("written");
    }

    /// Publishes on `d` with these first byte and identifier.
    pub(crate) async fn publish(&mut self, first: &str, id: u16, payload: &str) {
        let length = 5 + payload.len();
        self.write(&format!("{first} {length:02x} 0001 64 {id:04x} {}", hex(payload.as_bytes()))).await;
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
