//! Where `make setup` has put the independent programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A file or folder beside this one.
pub(crate) fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent").join(path)
}

/// The folder of an installed program, which must be what the lock file of this checkout asks for.
pub(crate) fn installed(name: &str, lock_file: &str) -> PathBuf {
    let folder = tools().join(name);
    let wanted = fs::read(own(name).join(lock_file)).expect("the lock file of the checkout");
    let found = fs::read(folder.join("installed-from")).unwrap_or_default();
    assert!(found == wanted, "{name} is not installed in {} as {lock_file} asks: run make setup", folder.display());
    folder
}

/// The same folder as in the Makefile.
fn tools() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let tools = set("ANDON_TOOLS").or_else(|| Some(cache()?.join("andon-tools")));
    tools.expect("a home folder, or ANDON_TOOLS")
}
