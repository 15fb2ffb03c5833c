//! What can be seen without a server: settings, data folder, disk, clock.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use andon_model::{Clock, SystemClock, Timestamp};

use super::Line;
use crate::client::TOKEN_FILE;
use crate::config::Settings;
use crate::descriptors;
use crate::output::percent;

/// Below this share of free space the disk is worth a look.
const FREE_WARN_PERCENT: u64 = 10;
/// Below this the journal will soon stop.
const FREE_FAIL_BYTES: u64 = 256 << 20;
/// No clock that is right shows an earlier time: 2026-01-01T00:00:00Z.
const EARLIEST: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

pub(super) fn check(settings: &Settings) -> Vec<Line> {
    let folder = &settings.data.folder;
    let mut lines = vec![Line::ok("settings", settings_text(settings)), clock(SystemClock.now())];
    lines.push(open_files(descriptors::allowed(), descriptors::needed(settings)));
    match std::fs::metadata(folder) {
        Ok(found) => {
            lines.push(folder_line(folder, &found));
            lines.extend(["master.key", TOKEN_FILE].iter().filter_map(|file| private_file(folder, file)));
            lines.push(disk(folder));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let seen = format!("{} does not exist yet", folder.display());
            lines.push(Line::warn("data folder", seen, "andon serve makes it; or name another one by --data"));
        }
        Err(error) => lines.push(Line::fail("data folder", error.to_string(), "make it readable for this user")),
    }
    lines
}

fn settings_text(settings: &Settings) -> String {
    let database = if settings.database.url.is_some() { "PostgreSQL" } else { "SQLite" };
    format!("server {}, data in {}, {database}", settings.client.url, settings.data.folder.display())
}

fn clock(now: Timestamp) -> Line {
    if now < EARLIEST {
        return Line::fail("clock", now.to_string(), "set the clock; signatures and retention depend on it");
    }
    Line::ok("clock", now.to_string())
}

/// Whether a server may open as many files as its limits let clients and devices in.
fn open_files(allowed: Option<u64>, needed: u64) -> Line {
    match allowed {
        Some(allowed) if allowed < needed => {
            let seen = format!("{allowed} are allowed, {needed} may be needed");
            Line::warn("open files", seen, descriptors::REMEDY)
        }
        Some(allowed) => Line::ok("open files", format!("{allowed} are allowed")),
        None => Line::ok("open files", "no limit"),
    }
}

fn folder_line(folder: &Path, found: &Metadata) -> Line {
    let seen = format!("{}, mode {:o}", folder.display(), found.mode() & 0o777);
    if !found.is_dir() {
        return Line::fail("data folder", seen, "it is not a folder: name another one by --data");
    }
    match found.mode() & 0o077 {
        0 => Line::ok("data folder", seen),
        _ => Line::warn("data folder", seen, "others can look into it: chmod 700"),
    }
}

/// A file that only its owner should read; `None` when it is not there.
fn private_file(folder: &Path, name: &str) -> Option<Line> {
    let mode = std::fs::metadata(folder.join(name)).ok()?.mode() & 0o777;
    let seen = format!("mode {mode:o}");
    Some(match mode & 0o077 {
        0 => Line::ok(name, seen),
        _ => Line::fail(name, seen, "others can read it: chmod 600"),
    })
}

fn disk(folder: &Path) -> Line {
    let Ok(space) = rustix::fs::statvfs(folder) else {
        return Line::warn("disk", "cannot be asked", "look at the free space yourself");
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let share = percent(space.f_bavail, space.f_blocks);
    disk_line(free, share)
}

fn disk_line(free_bytes: u64, free_percent: u64) -> Line {
    let seen = format!("{} MiB free, {free_percent} %", free_bytes >> 20);
    if free_bytes < FREE_FAIL_BYTES {
        return Line::fail("disk", seen, "make room: without it nothing is accepted any more");
    }
    if free_percent < FREE_WARN_PERCENT {
        return Line::warn("disk", seen, "make room, or shorten [retention]");
    }
    Line::ok("disk", seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Health;

    #[test]
    fn little_space_is_told_in_time() {
        for (free, share, health) in
            [(1 << 40, 50, Health::Ok), (1 << 40, 9, Health::Warn), (1 << 20, 50, Health::Fail)]
        {
            assert_eq!(disk_line(free, share).health, health, "{free} bytes, {share} %");
        }
    }

    #[test]
    fn a_clock_in_the_past_fails() {
        assert_eq!(clock(Timestamp::from_micros(0)).health, Health::Fail);
        assert_eq!(clock(EARLIEST).health, Health::Ok);
    }

    #[test]
    fn open_folders_and_files_are_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode =
            |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(folder.path(), 0o755);
        assert_eq!(folder_line(folder.path(), &std::fs::metadata(folder.path()).unwrap()).health, Health::Warn);
        let key = folder.path().join("master.key");
        std::fs::write(&key, "x").unwrap();
        mode(&key, 0o644);
        assert_eq!(private_file(folder.path(), "master.key").map(|line| line.health), Some(Health::Fail));
        assert!(private_file(folder.path(), "admin.token").is_none());
    }
}
