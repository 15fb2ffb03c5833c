//! Another system that the program asks: an HTTP server of a few lines, which remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

type Shared<T> = Arc<Mutex<T>>;

/// Answers each path with what was put there; 404 elsewhere. Lives as long as the test's process.
pub(crate) struct StandIn {
    pub(crate) url: String,
    answers: Shared<BTreeMap<String, String>>,
    asked: Shared<Vec<(String, String)>>,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, asked) = (Shared::<BTreeMap<_, _>>::default(), Shared::<Vec<_>>::default());
        let (known, seen) = (answers.clone(), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &known, &seen);
            }
        });
        Self { url, answers, asked }
    }

    pub(crate) fn answer(&self, path: &str, body: &Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), body.to_string());
    }

    /// Path and body of everything that was asked.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request, one answer, and the connection is over.
fn serve(mut stream: TcpStream, answers: &Shared<BTreeMap<String, String>>, asked: &Shared<Vec<(String, String)>>) {
    let Some((path, body)) = read(&stream) else { return };
    let found = answers.lock().unwrap().get(&path).cloned();
    asked.lock().unwrap().push((path, body));
    let (status, text) = found.map_or(("404 Not Found", String::new()), |text| ("200 OK", text));
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
    let _ = stream.write_all(format!("{head}{text}").as_bytes());
}

fn read(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? <= 2 {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}
