//! The packets.

use bytes::Bytes;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MqttVersion {
    /// 3.1.1.
    V311,
    /// 5.0.
    V5,
}

/// A quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Qos {
    Zero,
    One,
    Two,
}

impl Qos {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Zero, Self::One, Self::Two].get(usize::from(number)).copied()
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// What a broker sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    ConnAck(ConnAck),
    Publish(Publish),
    PubRel {
        id: u16,
    },
    /// One code for each filter.
    SubAck {
        id: u16,
        codes: Vec<u8>,
    },
    PingResp,
    Disconnect(Farewell),
}

/// The answer to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnAck {
    /// Whether the broker still has the session of this client id.
    pub(crate) session_present: bool,
    pub(crate) farewell: Farewell,
    /// Seconds, where the broker dictates another keep alive.
    pub(crate) keep_alive: Option<u16>,
    /// Seconds, where the broker keeps the session for another time than asked.
    pub(crate) session_expiry: Option<u32>,
}

/// A code and, in MQTT 5, what the broker says to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) code: u8,
    pub(crate) reason: Option<String>,
}

/// A payload that the broker delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) topic: String,
    pub(crate) qos: Qos,
    /// Its packet identifier; none with QoS 0.
    pub(crate) id: Option<u16>,
    /// Sent because of a new subscription: the topic's last retained payload.
    pub(crate) retained: bool,
    /// Of MQTT 5: media type.
    pub(crate) content_type: Option<String>,
    /// Of MQTT 5: user properties.
    pub(crate) user: Vec<(String, String)>,
    /// The payload, or its beginning when it is longer than the limit.
    pub(crate) payload: Bytes,
    /// Length of the whole payload.
    pub(crate) bytes: usize,
}

/// What becomes of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledgement {
    /// PUBACK.
    Ack(u16),
    /// PUBREC.
    Rec(u16),
    /// PUBCOMP, and whether the identifier was known.
    Comp(u16, bool),
}

/// What a connection asks for. The session is always to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Connect<'a> {
    pub(crate) version: MqttVersion,
    pub(crate) client_id: &'a str,
    pub(crate) keep_alive: u16,
    /// Of MQTT 5: seconds for which the broker keeps the session when the client is away.
    pub(crate) session_expiry: u32,
    /// Of MQTT 5: how many publishes may be on their way at once.
    pub(crate) receive_maximum: u16,
    pub(crate) login: Option<Login<'a>>,
}

/// User and password.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
}

impl std::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// With `$share/<group>/` before it where it is shared.
    pub(crate) pattern: String,
    pub(crate) qos: Qos,
    /// Of MQTT 5: 0 retained payloads at every subscribe, 1 at a new subscription, 2 never.
    pub(crate) retain_handling: u8,
}
