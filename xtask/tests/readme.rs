//! The commands of the README work as they stand there.

use xtask::{checkout, readme};

#[test]
fn the_readme_runs_word_for_word() {
    let binaries = readme::built_binaries().expect("make test builds the binaries first");
    readme::run(&checkout(), &binaries).expect("every block succeeds");
}
