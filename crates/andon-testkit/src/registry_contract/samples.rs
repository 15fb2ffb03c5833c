//! Devices and entries to store. Certificates are made up: the registry does not look into them.

use andon_devices::pki::KeyKind;
use andon_devices::registry::{Changes, Expected, Kind, Write};
use andon_devices::{Certificate, CertificateId, CertificateStatus, Device, DeviceId, DeviceName, KeyOrigin, Serial};
use andon_model::{Secret, Timestamp};

/// A second of the test's day.
pub const fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_772_719_200_000_000 + second * 1_000_000)
}

/// The name of a device.
pub fn name(text: &str) -> DeviceName {
    DeviceName::new(text).expect("a name")
}

/// The serial number `number`.
pub fn serial(number: u32) -> Serial {
    format!("40{number:030x}").parse().expect("hex")
}

/// The fingerprint of certificate `number`.
pub fn fingerprint(number: u32) -> CertificateId {
    CertificateId::of(&number.to_be_bytes())
}

/// An active certificate, valid for an hour.
pub fn certificate(number: u32) -> Certificate {
    Certificate {
        id: fingerprint(number),
        serial: serial(number),
        status: CertificateStatus::Active,
        pem: format!("certificate {number}"),
        key: KeyKind::EcdsaP256,
        origin: KeyOrigin::Request,
        issued: at(0),
        not_before: at(0),
        not_after: at(3_600),
        retires: None,
        told: None,
        revocation: None,
    }
}

/// A device with one certificate.
pub fn device(text: &str, number: u32) -> Device {
    let mut device = Device::new(DeviceId::from_bits(number.into()), name(text), at(0));
    device.certificates.push(certificate(number));
    device
}

/// Stores a device, whatever was there.
pub fn put_device(device: &Device, expected: Expected) -> Write {
    Write::Device { device: Box::new(device.clone()), expected }
}

/// Stores any text as an entry.
pub fn put(kind: Kind, key: &str, body: &str, secret: Option<&str>, expected: Expected) -> Write {
    Write::Entry { kind, key: key.to_owned(), body: body.to_owned(), secret: secret.map(Secret::new), expected }
}

/// Changes of one write.
pub fn only(write: Write) -> Changes {
    Changes::default().and(write)
}
