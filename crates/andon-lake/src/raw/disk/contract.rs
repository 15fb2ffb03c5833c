//! What every [`Disk`] does when nothing goes wrong: the real one and the simulated one.

use std::io::ErrorKind;

use andon_testkit::Dice;

use super::simulated::SimulatedDisk;
use super::{Disk, FoundFile, LocalDisk};

#[test]
fn the_disk_of_the_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    check(&LocalDisk::open(folder.path()).expect("opened"));
}

#[test]
fn the_simulated_disk() {
    check(&SimulatedDisk::new(Dice::new(7)));
}

#[test]
fn one_process_holds_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = LocalDisk::open(folder.path()).expect("opened");
    assert_eq!(LocalDisk::open(folder.path()).map_err(|e| e.kind()).err(), Some(ErrorKind::WouldBlock));
    drop(held);
    LocalDisk::open(folder.path()).expect("free again");
}

fn check(disk: &dyn Disk) {
    files_grow_and_are_taken_back(disk);
    files_are_replaced_cut_and_removed(disk);
    what_is_not_there_is_not_found(disk);
}

fn files_grow_and_are_taken_back(disk: &dyn Disk) {
    let mut file = disk.create("raw/a/b/one").expect("made");
    assert_eq!(disk.create("raw/a/b/one").map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::AlreadyExists));
    file.append(b"first,").expect("written");
    file.append(b"second").expect("written");
    file.sync().expect("durable");
    file.take_back(6).expect("taken back");
    file.append(b"third").expect("written behind what is left");
    file.sync().expect("durable");
    assert_eq!(disk.read("raw/a/b/one", 0, 100).expect("read"), b"first,third");
    assert_eq!(disk.read("raw/a/b/one", 6, 2).expect("read"), b"th");
    assert_eq!(disk.read("raw/a/b/one", 60, 2).expect("read"), b"");
}

fn files_are_replaced_cut_and_removed(disk: &dyn Disk) {
    disk.replace("raw/two", b"old").expect("made");
    disk.replace("raw/two", b"newer").expect("replaced");
    disk.replace("other/three", b"x").expect("made");
    disk.cut("raw/a/b/one", 5).expect("cut");
    let found = |path: &str, bytes| FoundFile { path: path.to_owned(), bytes };
    assert_eq!(disk.list("raw").expect("listed"), [found("raw/a/b/one", 5), found("raw/two", 5)]);
    assert_eq!(disk.read("raw/two", 0, 100).expect("read"), b"newer");
    disk.remove("raw/two").expect("removed");
    assert_eq!(disk.list("raw").expect("listed"), [found("raw/a/b/one", 5)]);
}

fn what_is_not_there_is_not_found(disk: &dyn Disk) {
    assert_eq!(disk.read("none", 0, 1).map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    assert_eq!(disk.remove("none").map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    assert_eq!(disk.cut("none", 0).map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    assert_eq!(disk.list("none").expect("empty"), []);
}
