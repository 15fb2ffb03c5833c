//! A private `PostgreSQL` for tests: one cluster per test process, one database per test.
//!
//! **Constraints.** Needs the server's programs (`apt-get install postgresql`), not a running server. It
//! listens on a Unix socket in its own folder only and does not sync to disk. When root, it runs as the
//! user `postgres`, because the server refuses root. A missing server is an error, never a skipped test.
//!
//! **Life of a cluster.** The first [`database`] of a process starts a small shell script that creates the
//! cluster, starts the server and then waits for the end of its standard input. Dropping the last
//! [`Database`], or the death of the test process by whatever signal, closes that pipe: the script stops
//! the server and removes the folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// `$1`: folder of the server's programs. Prints the cluster's folder, then `ready`.
const SCRIPT: &str = r#"
dir=$(mktemp -d /tmp/andon-postgres.XXXXXX) && cd "$dir" || exit 1
echo "$dir"
"$1/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions --wal-segsize=4 >log 2>&1 &&
{
    "$1/postgres" -D data -k "$dir" -F -c listen_addresses= -c shared_buffers=32MB -c max_connections=200 >>log 2>&1 &
    server=$!
    while kill -0 $server && ! "$1/pg_isready" -q -h "$dir"; do sleep 0.02; done 2>/dev/null
    kill -0 $server 2>/dev/null && echo ready
} || cat log
read -r _
kill -INT $server 2>/dev/null
wait $server
rm -rf "$dir"
"#;

/// Why there is no database.
#[derive(Debug)]
pub enum PostgresError {
    /// The server's programs are not installed.
    NotInstalled,
    /// The cluster did not start; the server's own words.
    NotStarted(String),
    /// A client program failed.
    Client(String),
}

impl std::fmt::Display for PostgresError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInstalled => f.write_str(
                "PostgreSQL is not installed (neither in PATH nor in /usr/lib/postgresql): \
                 run `apt-get install postgresql`, a running server is not needed",
            ),
            Self::NotStarted(log) => write!(f, "PostgreSQL did not start: {log}"),
            Self::Client(said) => write!(f, "PostgreSQL's client failed: {said}"),
        }
    }
}

impl std::error::Error for PostgresError {}

impl From<std::io::Error> for PostgresError {
    fn from(error: std::io::Error) -> Self {
        Self::NotStarted(error.to_string())
    }
}

/// An empty database on this process's cluster. Keeps the cluster alive.
pub struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    /// `postgres://…`, for the store, `psql` and everything else that reads such URLs.
    pub fn url(&self) -> String {
        let host = self.server.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost/{}?host={host}", self.name)
    }

    /// Executes SQL by `psql` and returns what it prints: rows as lines, columns separated by `|`.
    pub fn execute(&self, sql: &str) -> Result<String, PostgresError> {
        self.server.client("psql", &["-v", "ON_ERROR_STOP=1", "-qAtc", sql, &self.name])
    }
}

/// Creates a database; starts the cluster when this process has none. Blocks for about a second then.
pub fn database() -> Result<Database, PostgresError> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let server = shared_server()?;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    server.client("createdb", &[&name])?;
    Ok(Database { server, name })
}

fn shared_server() -> Result<Arc<Server>, PostgresError> {
    static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Ok(server);
    }
    let server = Arc::new(Server::start()?);
    *shared = Arc::downgrade(&server);
    Ok(server)
}

struct Server {
    programs: PathBuf,
    folder: PathBuf,
    script: Child,
}

impl Server {
    fn start() -> Result<Self, PostgresError> {
        let programs = find_programs().ok_or(PostgresError::NotInstalled)?;
        let mut script = script_command(&programs).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut said = script.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
        let folder = said.next().transpose()?.map(PathBuf::from).unwrap_or_default();
        let server = Self { programs, folder, script };
        match said.next().transpose()?.as_deref() {
            Some("ready") => Ok(server),
            // Dropping the server ends the script, which ends its output.
            first => {
                let first = first.unwrap_or_default().to_owned();
                drop(server);
                Err(PostgresError::NotStarted(said.map_while(Result::ok).fold(first, |all, line| all + "\n" + &line)))
            }
        }
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Result<String, PostgresError> {
        let mut command = Command::new(self.programs.join(program));
        let output = command.arg("-h").arg(&self.folder).args(["-U", "postgres"]).args(arguments).output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(PostgresError::Client(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ended: std::io::Result<ExitStatus> = self.script.wait();
    }
}

fn script_command(programs: &Path) -> Command {
    let as_root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let mut command = if as_root { Command::new("runuser") } else { Command::new("sh") };
    if as_root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    command.args(["-c", SCRIPT, "andon-postgres"]).arg(programs).current_dir("/");
    command
}

/// The folder with `initdb`, `postgres` and the clients: by `PATH`, else the newest that Debian installs.
fn find_programs() -> Option<PathBuf> {
    let in_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            Some((entry.as_ref().ok()?.file_name().to_str()?.parse().ok()?, entry.ok()?.path().join("bin")))
        })
        .collect();
    installed.sort_unstable();
    let newest_first = installed.into_iter().rev().map(|(_, folder)| folder);
    in_path.chain(newest_first).find_map(|folder| real_folder(&folder))
}

/// Follows a link in `PATH` to where the other programs are.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let server = folder.join("postgres").canonicalize().ok()?;
    let folder = server.parent()?.to_owned();
    folder.join("initdb").is_file().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_share_a_server_that_ends_with_the_last_of_them() {
        let (one, two) = (database().expect("a database"), database().expect("another"));
        assert_ne!(one.url(), two.url());
        one.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)").expect("executed");
        assert_eq!(one.execute("SELECT a, a + 1 FROM t ORDER BY a").expect("read"), "1|2\n2|3");
        let refused = two.execute("SELECT a FROM t").expect_err("another database").to_string();
        assert!(refused.contains("does not exist"), "{refused}");
        let folder = one.server.folder.clone();
        assert!(folder.exists());
        drop((one, two));
        assert!(!folder.exists());
    }
}
