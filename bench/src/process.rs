//! What the kernel says of a process, from `/proc`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;
use serde::Serialize;

/// A process by its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

/// Resident memory in MiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    pub(crate) now_mib: f64,
    pub(crate) peak_mib: f64,
}

impl Process {
    /// Resident memory now and at its highest.
    pub(crate) fn memory(self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).context("the process is gone")?;
        let mib = |name: &str| -> Option<f64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
        };
        Ok(Memory { now_mib: mib("VmRSS:").context("no VmRSS")?, peak_mib: mib("VmHWM:").context("no VmHWM")? })
    }

    /// CPU seconds in user and kernel mode so far.
    pub(crate) fn cpu_seconds(self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).context("the process is gone")?;
        cpu_seconds(&stat)
    }

    /// The same by the names of its threads. What threads used that have ended is only in the whole.
    pub(crate) fn cpu_seconds_by_thread(self) -> anyhow::Result<BTreeMap<String, f64>> {
        let mut by_name = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).context("the process is gone")? {
            // A thread may end while others are looked at.
            let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else { continue };
            let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(name, _)| name);
            *by_name.entry(name.to_owned()).or_default() += cpu_seconds(&stat)?;
        }
        Ok(by_name)
    }
}

/// User and kernel mode, from a line of `/proc/…/stat`.
fn cpu_seconds(stat: &str) -> anyhow::Result<f64> {
    /// Ticks a second, fixed by the kernel's interface to programs.
    const TICKS: f64 = 100.0;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).context("no CPU time");
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

/// What machine this is: processor, cores, kernel.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores of {model}, Linux {}", kernel.trim())
}
