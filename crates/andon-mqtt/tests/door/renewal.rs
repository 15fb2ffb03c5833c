//! Certificates of the server and of the authorities change while the door is open.

use std::sync::Arc;

use andon_model::{Secret, SystemClock};
use andon_mqtt::Transport;
use andon_mqtt::{Broker, BrokerSettings, Lanes, Limits, ListenerSettings, MqttError, Ports, Routes, ServerIdentity};

use crate::client::{Client, Seen, Version, Wish};
use crate::plant::{Authorities, Papers, Plant, TLS, WEB, default_policy, name, now};

/// A plant, and an authority that is to follow its own.
struct Succession {
    plant: Plant,
    next: Authorities,
    old_papers: Papers,
    new_papers: Papers,
}

impl Succession {
    async fn new() -> Self {
        let (plant, next) = (Plant::open().await, Authorities::new());
        let old_papers = plant.device("pump-01");
        let (certificate, new_papers) = next.issue(&name("pump-02"), now(), 30);
        plant.hold("pump-02", default_policy(), certificate);
        Self { plant, next, old_papers, new_papers }
    }

    /// Whether a device comes in that trusts the plant's authority, or the next one.
    async fn is_let_in(&self, device: &str, trusts_next: bool, listener: usize) -> bool {
        let papers = if device == "pump-01" { &self.old_papers } else { &self.new_papers };
        let trusts = trusts_next.then(|| self.next.root.to_pem());
        let wish = Wish { listener, trusts, ..Wish::new(device, papers, Version::V5) };
        Client::is_let_in(&self.plant, &wish).await
    }

    /// The next authority's server, to which devices of both come in.
    fn identity(&self) -> ServerIdentity {
        let authorities_pem = self.plant.authorities.pem() + &self.next.pem();
        ServerIdentity { authorities_pem, ..self.next.server() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_connections_see_the_new_identity_and_old_ones_go_on() {
    let all = Succession::new().await;
    let mut live = Vec::new();
    for listener in [TLS, WEB] {
        assert!(!all.is_let_in("pump-02", false, listener).await);
        assert!(!all.is_let_in("pump-01", true, listener).await);
        let wish = Wish { listener, ..Wish::new("pump-01", &all.old_papers, Version::V311) };
        if listener == TLS {
            live.push(Client::connect(&all.plant, &wish).await.0);
        }
    }
    all.plant.broker.renew(&all.identity()).await.expect("renewed");
    for listener in [WEB, TLS] {
        assert!(all.is_let_in("pump-02", true, listener).await);
        assert!(!all.is_let_in("pump-02", false, listener).await, "the old server is gone");
    }
    for client in &mut live {
        client.publish("data/pump-01", 1, "still here").await;
        assert_eq!(client.next().await, Seen::Acked(0));
    }
    drop(live);
    assert!(all.is_let_in("pump-01", true, TLS).await, "the old authority is trusted until it is left out");
    let only_next = ServerIdentity { authorities_pem: all.next.pem(), ..all.next.server() };
    all.plant.broker.renew(&only_next).await.expect("renewed");
    assert!(!all.is_let_in("pump-01", true, TLS).await);
    assert!(all.is_let_in("pump-02", true, TLS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_identity_changes_nothing() {
    let all = Succession::new().await;
    let good = all.identity();
    for broken in [
        ServerIdentity { chain_pem: "no certificate".to_owned(), ..good.clone() },
        ServerIdentity { key_pem: all.plant.authorities.server().key_pem, ..good.clone() },
        ServerIdentity { key_pem: Secret::new("no key".to_owned()), ..good.clone() },
        ServerIdentity { authorities_pem: String::new(), ..good },
    ] {
        assert!(matches!(all.plant.broker.renew(&broken).await, Err(MqttError::Listen { .. })));
        assert!(all.is_let_in("pump-01", false, TLS).await);
        assert!(!all.is_let_in("pump-02", true, TLS).await);
    }
}

/// A second door at the same address would get every other device.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_belongs_to_one_door() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let address = plant.broker.addresses()[TLS];
    let open = async || {
        let listeners = vec![ListenerSettings { address, transport: Transport::Tls }];
        let identity = Some(plant.authorities.server());
        let settings = BrokerSettings { listeners, identity, limits: Limits::default() };
        let routes = Routes::new("data/#", Vec::new()).expect("filters");
        let lanes = Lanes { routes, readings: plant.readings.clone(), events: plant.events.clone() };
        let clock = Arc::new(SystemClock);
        let ports = Ports { admission: plant.registry.clone(), lanes, local: None, memory: None, clock };
        Broker::start(settings, ports).await
    };
    assert!(matches!(open().await, Err(MqttError::Listen { .. })));
    let (client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, Version::V5)).await;
    let Plant { authorities, registry, readings, events, broker, .. } = plant;
    broker.stop().await;
    drop(client);
    let listeners = vec![ListenerSettings { address, transport: Transport::Tls }];
    let settings = BrokerSettings { listeners, identity: Some(authorities.server()), limits: Limits::default() };
    let lanes = Lanes { routes: Routes::new("data/#", Vec::new()).expect("filters"), readings, events };
    let ports = Ports { admission: registry, lanes, local: None, memory: None, clock: Arc::new(SystemClock) };
    Broker::start(settings, ports).await.expect("the address is free again");
}
