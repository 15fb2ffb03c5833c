//! Who comes in, and who does not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use andon_model::SystemClock;
use andon_mqtt::{Broker, BrokerSettings, Lanes, Limits, ListenerSettings, MqttError, Ports, Routes, Transport};
use rumqttc::tokio_rustls::rustls::version;

use crate::client::{Client, Seen, VERSIONS, Version, Wish};
use crate::plant::{Authorities, PLAIN, Plant, WEB, allowing, anything, default_policy, name, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_comes_in_by_its_certificate_alone() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        let (client, present) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        assert!(!present);
        let sessions = plant.broker.sessions();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        assert_eq!((sessions[0].client_id.as_str(), sessions[0].device.as_str()), ("pump-01", "pump-01"));
        assert_eq!(sessions[0].protocol, if version == Version::V5 { 5 } else { 4 });
        assert_eq!(sessions[0].source, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(sessions[0].certificate.is_some());
        client.disconnect().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_tls_and_websocket_are_spoken() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        for tls in [&version::TLS12, &version::TLS13] {
            for listener in [crate::plant::TLS, WEB] {
                let mut wish = Wish::new("pump-01", &papers, version);
                (wish.tls, wish.listener) = (vec![tls], listener);
                let (mut client, _) = Client::connect(&plant, &wish).await;
                client.publish("data/pump-01", 1, "1").await;
                assert_eq!(client.next().await, Seen::Acked(0), "{version:?} {tls:?} {listener}");
                client.disconnect().await;
            }
        }
    }
    assert_eq!(plant.readings.kept().len(), 8);
}

/// Certificates that do not open the door, each with the right name, and client ids that are not the device's.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_comes_in() {
    let plant = Plant::open().await;
    let good = plant.device("pump-01");
    plant.device("pump-02");
    let pump = name("pump-01");
    let day = Duration::from_hours(24);
    let (expired, expired_papers) = plant.authorities.issue(&pump, now().before(day * 2), 1);
    plant.hold("pump-01", default_policy(), expired);
    let (revoked, revoked_papers) = plant.authorities.issue(&pump, now(), 30);
    let (inactive, inactive_papers) = plant.authorities.issue(&pump, now(), 30);
    let (revoked_id, inactive_id) = (revoked.id.clone(), inactive.id.clone());
    plant.hold("pump-01", default_policy(), revoked);
    plant.hold("pump-01", default_policy(), inactive);
    plant.registry.change(&pump, |device, _| {
        let reason = andon_devices::pki::RevocationReason::KeyCompromise;
        device.revoke(&revoked_id, reason, now()).expect("revoked");
        device.deactivate(&inactive_id).expect("deactivated");
    });
    let (_, never_stored) = plant.authorities.issue(&pump, now(), 30);
    let (_, foreign) = Authorities::new().issue(&pump, now(), 30);
    let borrowed = crate::plant::Papers { chain_pem: foreign.chain_pem.clone(), ..good.clone() };
    assert_ne!(borrowed.chain_pem, good.chain_pem);
    for version in VERSIONS {
        let check = async |what: &str, wish: Wish, expect: bool| {
            assert_eq!(Client::is_let_in(&plant, &wish).await, expect, "{what}, {version:?}");
        };
        let with = |papers| Wish::new("pump-01", papers, version);
        check("its own", with(&good), true).await;
        check("expired", with(&expired_papers), false).await;
        check("revoked", with(&revoked_papers), false).await;
        check("inactive", with(&inactive_papers), false).await;
        check("not in the registry", with(&never_stored), false).await;
        check("of a foreign authority", with(&foreign), false).await;
        check("none", Wish { papers: None, ..with(&good) }, false).await;
        for client_id in ["pump-02", "PUMP-01", "pump-01/../pump-02", "pump-0?", "#", "andon"] {
            check(client_id, Wish::new(client_id, &good, version), false).await;
        }
        check("by a listener without TLS", Wish { listener: PLAIN, ..with(&good) }, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_allow_other_client_ids() {
    let plant = Plant::open().await;
    let papers = plant.device_with("gateway", allowing(&[("iot:Connect", "client/gateway-*")]));
    for version in VERSIONS {
        assert!(Client::is_let_in(&plant, &Wish::new("gateway-7", &papers, version)).await);
        assert!(!Client::is_let_in(&plant, &Wish::new("gateway", &papers, version)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_on_this_machine_come_in_plainly_if_asked() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        let wish = Wish { papers: None, listener: PLAIN, ..Wish::new("local-1", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        client.publish("data/local/x", 1, "1").await;
        assert_eq!(client.next().await, Seen::Acked(0));
        assert_eq!(client.subscribe("data/#").await & 128, 128);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_go_by_no_device_s_name() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        let device = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut live, _) = Client::connect(&plant, &device).await;
        let program =
            Wish { papers: None, listener: PLAIN, keep_session: true, ..Wish::new("pump-01", &papers, version) };
        assert!(!Client::is_let_in(&plant, &program).await, "{version:?}: the device is here");
        live.publish("data/pump-01/x", 1, "1").await;
        assert_eq!(live.next().await, Seen::Acked(0), "{version:?}: it is not put out");
        live.disconnect().await;
        assert!(!Client::is_let_in(&plant, &program).await, "{version:?}: its session is away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_goes_by_no_other_s_name() {
    let plant = Plant::open().await;
    let victim = plant.device("pump-01");
    let (known, other) = plant.authorities.issue(&name("pump-02"), now(), 30);
    plant.hold("pump-02", anything(), known);
    for version in VERSIONS {
        let wish = |client_id, papers| Wish { keep_session: true, ..Wish::new(client_id, papers, version) };
        Client::connect(&plant, &wish("pump-01", &victim)).await.0.disconnect().await;
        assert!(!Client::is_let_in(&plant, &wish("pump-01", &other)).await, "{version:?}");
        assert!(Client::is_let_in(&plant, &wish("pump-02-b", &other)).await, "{version:?}: its policy lets it");
        let (client, present) = Client::connect(&plant, &wish("pump-01", &victim)).await;
        assert!(present, "{version:?}: its session is as it was");
        client.disconnect().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_listener_stays_on_this_machine() {
    let plant = Plant::open().await;
    let open = async |address: IpAddr, local: bool| {
        let listener = ListenerSettings { address: SocketAddr::from((address, 0)), transport: Transport::Plain };
        let settings = BrokerSettings { listeners: vec![listener], identity: None, limits: Limits::default() };
        let routes = Routes::new("data/#", Vec::new()).expect("filters");
        let lanes = Lanes { routes, readings: plant.readings.clone(), events: plant.events.clone() };
        let local = local.then(anything);
        let ports =
            Ports { admission: plant.registry.clone(), lanes, local, memory: None, clock: Arc::new(SystemClock) };
        Broker::start(settings, ports).await.map(|_| ())
    };
    assert!(open(Ipv4Addr::LOCALHOST.into(), true).await.is_ok());
    assert!(matches!(open(Ipv4Addr::UNSPECIFIED.into(), true).await, Err(MqttError::PlainBeyondLoopback(_))));
    assert!(matches!(open(Ipv4Addr::LOCALHOST.into(), false).await, Err(MqttError::NoLocalPolicy)));
}
