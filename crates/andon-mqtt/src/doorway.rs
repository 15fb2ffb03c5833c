//! Doorways: listeners that listen, and how one takes the place of another.
//!
//! **Constraints.** RMQTT builds its TLS once, when a listener is bound. New certificates therefore need a new listener
//! at the same address: it is bound beside the old one, which the system allows to sockets of the same user that ask
//! for it, and only then the old one is closed. Connections that were accepted go on; one that has not been accepted in
//! that moment is reset, and its client tries again. That an address belongs to nobody else is looked at first.

use std::net::{SocketAddr, TcpListener};

use rmqtt::context::ServerContext;
use rmqtt::server::MqttServer;
use rmqtt_net::Listener;
use tokio::task::JoinHandle;

use crate::listener::bind;
use crate::{Limits, ListenerSettings, MqttError, ServerIdentity, Transport};

/// A place to listen that is bound; nobody is let in yet.
pub(crate) struct Bound {
    number: u16,
    settings: ListenerSettings,
    server: MqttServer,
}

impl Bound {
    /// Binds a listener under a number of its own.
    pub(crate) fn new(
        broker: &ServerContext,
        number: u16,
        settings: ListenerSettings,
        identity: Option<&ServerIdentity>,
        limits: &Limits,
    ) -> Result<Self, MqttError> {
        let address = settings.address;
        // Dropped at once: two programs could otherwise listen there, and each would get half of the devices.
        drop(TcpListener::bind(address).map_err(|e| MqttError::Listen { address, why: e.to_string() })?);
        let listener = bind(settings, identity, limits)?;
        let address = listener.local_addr().map_err(|e| MqttError::Broker(format!("{e:#}")))?;
        let settings = ListenerSettings { address, ..settings };
        Ok(Self { number, settings, server: serve(broker, number, listener) })
    }

    /// Lets clients in.
    pub(crate) fn open(self) -> Doorway {
        Doorway { number: self.number, settings: self.settings, task: run(self.server) }
    }
}

/// A place where clients come in.
pub(crate) struct Doorway {
    number: u16,
    settings: ListenerSettings,
    task: JoinHandle<()>,
}

impl Doorway {
    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.settings.address
    }

    /// Stops listening.
    pub(crate) fn close(&self) {
        self.task.abort();
    }

    /// Stops listening, and answers when the address is free.
    pub(crate) async fn closed(self) {
        self.task.abort();
        // It was told to end, and that is how it ends.
        let _ = self.task.await;
    }

    /// A listener with another identity at the same address; nothing where there is no TLS.
    pub(crate) fn renewed(&self, identity: &ServerIdentity, limits: &Limits) -> Result<Option<Listener>, MqttError> {
        match self.settings.transport {
            Transport::Plain => Ok(None),
            Transport::Tls | Transport::WebSocketTls => bind(self.settings, Some(identity), limits).map(Some),
        }
    }

    /// Lets clients in by `listener` from now on. What is given back ends when the old one no longer listens.
    pub(crate) fn replace(&mut self, broker: &ServerContext, listener: Listener) -> JoinHandle<()> {
        broker.listen_cfgs.remove(&self.number);
        let task = run(serve(broker, self.number, listener));
        let old = std::mem::replace(&mut self.task, task);
        old.abort();
        old
    }
}

fn serve(broker: &ServerContext, number: u16, listener: Listener) -> MqttServer {
    MqttServer::new(broker.clone()).listener_by_id(listener, number).build()
}

fn run(server: MqttServer) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = server.run().await {
            tracing::error!(%error, "the broker has stopped listening");
        }
    })
}
