//! Which log this is: a number that is drawn once, so that what is made from the log is told from what is made from others.
//!
//! **Constraints.** In `log.json`, written when it is first asked for and never again. A log without the file is given one;
//! a file that cannot be read is no reason to draw another.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::disk::Disk;

pub(crate) const IDENTITY: &str = "log.json";
const MAX_BYTES: usize = 4_096;

/// Tells logs apart. Text form: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(String);

impl LogId {
    fn new(drawn: u128) -> Self {
        Self(format!("{drawn:032x}"))
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    /// Version of the format: 1.
    v: u8,
    id: LogId,
}

/// The id of the log on `disk`, which is `drawn` where it has none yet. Durable when this returns.
pub(crate) fn identity(disk: &dyn Disk, drawn: u128) -> io::Result<LogId> {
    let named = |cause: &dyn fmt::Display| io::Error::other(format!("{IDENTITY}: {cause}"));
    match disk.read(IDENTITY, 0, MAX_BYTES) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let file = File { v: 1, id: LogId::new(drawn) };
            disk.replace(IDENTITY, &serde_json::to_vec(&file)?)?;
            Ok(file.id)
        }
        Err(e) => Err(named(&e)),
        Ok(bytes) => Ok(serde_json::from_slice::<File>(&bytes).map_err(|e| named(&e))?.id),
    }
}

#[cfg(test)]
mod tests {
    use andon_testkit::Dice;

    use super::super::disk::simulated::SimulatedDisk;
    use super::*;

    #[test]
    fn a_log_has_one_id_for_ever() {
        let disk = SimulatedDisk::new(Dice::new(1));
        let id = identity(&disk, 0xa1).expect("drawn");
        assert_eq!(id.to_string(), format!("{}a1", "0".repeat(30)));
        assert_eq!(identity(&disk.after_power_loss(), 0xb2).expect("kept"), id);
        disk.replace(IDENTITY, b"{\"v\":1").expect("damaged");
        assert!(identity(&disk, 0xb2).is_err_and(|e| e.to_string().starts_with(IDENTITY)));
    }
}
