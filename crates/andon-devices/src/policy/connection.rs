//! What is known of a connection when its policies are bound.

use std::net::IpAddr;

use crate::Device;
use crate::pki::CertificateFacts;

/// A connection: who it says it is, and what its certificate proves.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The MQTT client id.
    pub client_id: &'a str,
    /// The client's address.
    pub source: Option<IpAddr>,
    /// The device whose certificate was presented and admitted.
    pub device: Option<&'a Device>,
    /// What the certificate says.
    pub certificate: &'a CertificateFacts,
}

impl Connection<'_> {
    /// The device, if it connects under its own name. Only then do the variables of a thing have values, as with AWS IoT
    /// Core: the certificate is attached to the device, and the client id is the device's name.
    pub(super) fn named_device(&self) -> Option<&Device> {
        self.device.filter(|device| device.name.as_str() == self.client_id)
    }
}
