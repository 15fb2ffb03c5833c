//! Topics and filters as MQTT 3.1.1 and 5 write them (§4.7).

/// Longest topic or filter, in bytes of UTF-8; MQTT itself allows 65,535.
pub const MAX_TOPIC_BYTES: usize = 1_024;

/// Most levels of a topic or filter.
pub const MAX_TOPIC_LEVELS: usize = 32;

/// Opens a shared subscription: `$share/<group>/<filter>`.
const SHARED: &str = "$share/";

/// Why a text is not a topic or a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidTopic {
    /// Empty.
    #[error("it is empty")]
    Empty,
    /// Too long.
    #[error("it is longer than {MAX_TOPIC_BYTES} bytes")]
    TooLong,
    /// Too many levels.
    #[error("it has more than {MAX_TOPIC_LEVELS} levels")]
    TooDeep,
    /// The character U+0000.
    #[error("it holds the character U+0000")]
    Null,
    /// A wildcard in a topic.
    #[error("a topic holds no + and no #")]
    Wildcard,
    /// A wildcard that is only a part of its level, or a `#` that is not the last.
    #[error("+ and # stand alone in their level, and # is the last")]
    MisplacedWildcard,
    /// A shared subscription without a group or filter.
    #[error("a shared subscription is $share/<group>/<filter>, the group without wildcards")]
    Share,
}

fn check_text(text: &str) -> Result<(), InvalidTopic> {
    if text.is_empty() {
        return Err(InvalidTopic::Empty);
    }
    if text.len() > MAX_TOPIC_BYTES {
        return Err(InvalidTopic::TooLong);
    }
    if text.bytes().any(|byte| byte == 0) {
        return Err(InvalidTopic::Null);
    }
    let slashes = text.bytes().filter(|byte| *byte == b'/').count();
    if slashes >= MAX_TOPIC_LEVELS { Err(InvalidTopic::TooDeep) } else { Ok(()) }
}

/// Whether `topic` may be published to.
pub fn check_topic(topic: &str) -> Result<(), InvalidTopic> {
    check_text(topic)?;
    if topic.bytes().any(|byte| matches!(byte, b'+' | b'#')) { Err(InvalidTopic::Wildcard) } else { Ok(()) }
}

/// Whether `filter` may be subscribed to, and the filter without `$share/<group>/`.
pub fn check_filter(filter: &str) -> Result<&str, InvalidTopic> {
    check_text(filter)?;
    let inner = match filter.strip_prefix(SHARED) {
        None => filter,
        Some(rest) => shared_filter(rest)?,
    };
    let mut levels = inner.split('/').peekable();
    while let Some(level) = levels.next() {
        let alone = level.len() == 1 || !level.contains(['+', '#']);
        if !alone || (level == "#" && levels.peek().is_some()) {
            return Err(InvalidTopic::MisplacedWildcard);
        }
    }
    Ok(inner)
}

fn shared_filter(rest: &str) -> Result<&str, InvalidTopic> {
    let (group, filter) = rest.split_once('/').ok_or(InvalidTopic::Share)?;
    if group.is_empty() || group.contains(['+', '#']) || filter.is_empty() {
        return Err(InvalidTopic::Share);
    }
    Ok(filter)
}

/// Whether `topic` comes to a subscription of `filter` (§4.7.1.2): `a/#` covers `a` as well, and a filter that begins
/// with a wildcard covers no topic that begins with `$`. Both are valid ones, the filter without `$share/<group>/`.
pub fn filter_matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filters, mut topics) = (filter.split('/'), topic.split('/'));
    loop {
        match (filters.next(), topics.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_and_filters_are_checked() {
        use InvalidTopic::{Empty, MisplacedWildcard, Null, Share, TooDeep, TooLong, Wildcard};
        let check = |text: &str, topic: Result<(), InvalidTopic>, filter: Result<&str, InvalidTopic>| {
            assert_eq!(check_topic(text), topic, "topic {text:?}");
            assert_eq!(check_filter(text), filter, "filter {text:?}");
        };
        check("a/b", Ok(()), Ok("a/b"));
        check("/", Ok(()), Ok("/"));
        check("", Err(Empty), Err(Empty));
        check("a\0b", Err(Null), Err(Null));
        check("a/+/b/#", Err(Wildcard), Ok("a/+/b/#"));
        check("#", Err(Wildcard), Ok("#"));
        check("a/#/b", Err(Wildcard), Err(MisplacedWildcard));
        check("a+/b", Err(Wildcard), Err(MisplacedWildcard));
        check("a/b#", Err(Wildcard), Err(MisplacedWildcard));
        check("$share/g/a/#", Err(Wildcard), Ok("a/#"));
        check("$share/g", Ok(()), Err(Share));
        check("$share//a", Ok(()), Err(Share));
        check("$share/+/a", Err(Wildcard), Err(Share));
        check("$share/g/", Ok(()), Err(Share));
        check(&"x".repeat(1_025), Err(TooLong), Err(TooLong));
        check(&"x/".repeat(32), Err(TooDeep), Err(TooDeep));
    }

    #[test]
    fn filters_cover_what_mqtt_says() {
        let check = |filter: &str, topic: &str, expect: bool| {
            assert_eq!(filter_matches(filter, topic), expect, "{filter} on {topic}");
        };
        check("sensor/#", "sensor", true);
        check("sensor/#", "sensor/", true);
        check("sensor/#", "sensor/temp/room1", true);
        check("sensor/+/room1", "sensor/temp/room1", true);
        check("sensor/+/room1", "sensor/temp/x/room1", false);
        check("sensor/+", "sensor", false);
        check("sensor/+", "sensor/", true);
        check("#", "$aws/things/x/shadow/update", false);
        check("+/x", "$aws/x", false);
        check("$aws/#", "$aws/x", true);
        check("+/x", "/x", true);
        check("a", "A", false);
    }
}
