//! What a broker's codes mean for people: whether somebody must change something, or waiting helps.
//!
//! Sources: MQTT 3.1.1, table 3.1; MQTT 5.0, section 2.4 and the tables of CONNACK, SUBACK and DISCONNECT.

use andon_model::{Code, Problem};

use super::wire::{Farewell, MqttVersion};

/// First code of MQTT 5 that is an error.
const FIRST_ERROR: u8 = 0x80;

/// Why the connection was refused, if it was.
pub(super) fn refused_connection(version: MqttVersion, answer: &Farewell) -> Option<Problem> {
    let (code, what) = match (version, answer.code) {
        (_, 0) => return None,
        (MqttVersion::V311, 3) => (Code::Broker, "the broker is not available"),
        (_, 1) => (Code::BrokerRefused, "the broker does not speak this version of MQTT: set version"),
        (MqttVersion::V311, 2) => (Code::BrokerRefused, "the broker does not take the client id"),
        (MqttVersion::V311, 4) => (Code::BrokerRefused, "user or password are wrong"),
        // 7 is what AWS IoT Core says.
        (MqttVersion::V311, 5 | 7) => (Code::BrokerRefused, "the client is not authorised to connect"),
        (_, code) => meaning(code),
    };
    Some(problem(code, what, answer))
}

/// Why a broker of MQTT 5 ended the connection.
pub(super) fn disconnected(farewell: &Farewell) -> Problem {
    let (code, what) = meaning(farewell.code);
    problem(code, what, farewell)
}

/// Why a subscription is not what was asked for, by the codes of SUBACK and the filters in their order.
pub(super) fn refused_subscription(filters: &[String], codes: &[u8]) -> Option<Problem> {
    let refusal = |(filter, code): (&String, &u8)| {
        let what = match code {
            1 | 2 => return None,
            0 => "the broker grants QoS 0 only, with which nothing can be acknowledged".to_owned(),
            code => format!("the broker refuses the subscription: {} (code {code})", subscription(*code)),
        };
        Some(Problem::new(Code::BrokerRefused, what).at(filter.clone()))
    };
    if codes.len() != filters.len() {
        return Some(Problem::new(Code::Broker, "the answer to SUBSCRIBE has another number of filters"));
    }
    filters.iter().zip(codes).find_map(refusal)
}

fn subscription(code: u8) -> &'static str {
    match code {
        0x80 => "it does not say why; most brokers mean that the client is not authorised",
        0x9E => "it has no shared subscriptions: leave group out",
        0xA1 => "it has no subscription identifiers",
        0xA2 => "it has no wildcards in subscriptions",
        code => meaning(code).1,
    }
}

/// What a code of MQTT 5 says, and whether waiting may help.
fn meaning(code: u8) -> (Code, &'static str) {
    match code {
        0x84 => (Code::BrokerRefused, "the broker does not speak this version of MQTT: set version"),
        0x85 => (Code::BrokerRefused, "the broker does not take the client id"),
        0x86 => (Code::BrokerRefused, "user or password are wrong"),
        0x87 => (Code::BrokerRefused, "the client is not authorised"),
        0x8A => (Code::BrokerRefused, "the client is banned"),
        0x8C => (Code::BrokerRefused, "the broker wants another method of authentication"),
        0x8E => (Code::BrokerRefused, "another client connected with the same client id: give each its own"),
        0x8F => (Code::BrokerRefused, "the topic filter is not valid"),
        0x97 => (Code::Broker, "a quota of the broker is exceeded"),
        0x9C | 0x9D => (Code::BrokerRefused, "the broker wants another server to be used"),
        0x88 | 0x89 => (Code::Broker, "the broker is not available"),
        0x8B => (Code::Broker, "the broker shuts down"),
        0x8D => (Code::Broker, "the broker heard nothing for too long"),
        0x98 => (Code::Broker, "an administrator ended the connection"),
        0x9F => (Code::Broker, "the broker takes no more connections at present"),
        code if code < FIRST_ERROR => (Code::Broker, "the broker ended the connection"),
        _ => (Code::Broker, "the broker reports an error"),
    }
}

fn problem(code: Code, what: &str, answer: &Farewell) -> Problem {
    let said = answer.reason.as_ref().map(|reason| format!(", it says {reason:?}")).unwrap_or_default();
    Problem::new(code, format!("{what} (code {}{said})", answer.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_connections_say_whether_waiting_helps() {
        let check = |version, code, expect: Option<(Code, &str)>| {
            let found = refused_connection(version, &Farewell { code, reason: None });
            let found = found.map(|problem| (problem.code, problem.detail));
            match (found, expect) {
                (None, None) => {}
                (Some((code, detail)), Some((expected, words))) => {
                    assert!(code == expected && detail.contains(words), "{code}: {detail}");
                }
                (found, expect) => panic!("{code}: {found:?}, not {expect:?}"),
            }
        };
        check(MqttVersion::V311, 0, None);
        check(MqttVersion::V311, 3, Some((Code::Broker, "not available (code 3)")));
        check(MqttVersion::V311, 5, Some((Code::BrokerRefused, "not authorised")));
        check(MqttVersion::V311, 7, Some((Code::BrokerRefused, "not authorised")));
        check(MqttVersion::V5, 1, Some((Code::BrokerRefused, "version")));
        check(MqttVersion::V5, 0x86, Some((Code::BrokerRefused, "password")));
        check(MqttVersion::V5, 0x9F, Some((Code::Broker, "no more connections")));
        check(MqttVersion::V5, 0xFE, Some((Code::Broker, "(code 254)")));
    }

    #[test]
    fn a_goodbye_carries_what_the_broker_says() {
        let problem = disconnected(&Farewell { code: 0x8E, reason: Some("taken".into()) });
        assert!(problem.detail.ends_with("(code 142, it says \"taken\")"), "{problem}");
        assert_eq!(problem.code, Code::BrokerRefused);
    }

    #[test]
    fn subscriptions_are_granted_or_refused_by_filter() {
        let filters = ["data/#".to_owned(), "alarms/#".to_owned()];
        let check = |codes: &[u8], expect: &str| {
            let found = refused_subscription(&filters, codes).map(|problem| problem.to_string()).unwrap_or_default();
            assert!(found.contains(expect) && found.is_empty() == expect.is_empty(), "{codes:?}: {found}");
        };
        check(&[1, 1], "");
        check(&[2, 1], "");
        check(&[1, 0], "(alarms/#): the broker grants QoS 0 only");
        check(&[0x87, 1], "(data/#): the broker refuses the subscription: the client is not authorised (code 135)");
        check(&[1, 0x9E], "leave group out");
        check(&[1], "another number of filters");
    }
}
