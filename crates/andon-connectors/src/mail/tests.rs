use andon_testkit::memory_journal::MemoryJournal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

fn smtp(more: &str) -> Result<Smtp, Problem> {
    let text = format!("host = '127.0.0.1'\nfrom = 'andon@plant.example'\n{more}");
    Smtp::new(toml::from_str(&text).unwrap(), Arc::new(MemoryJournal::default()))
}

fn letter(text: &Secret) -> Outgoing<'_> {
    let date = Timestamp::from_micros(1_772_719_200_000_000);
    Outgoing { to: "ada@plant.example", subject: "Device pump-01", text, id: "7f", date }
}

/// A mail server that says what it is told to, line by line, whatever it hears; then it is gone. Gives its port.
async fn server_that_says(lines: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.split();
        let mut heard = BufReader::new(read).lines();
        for line in lines {
            write.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
            let mut last = heard.next_line().await.ok().flatten();
            while line.starts_with("354") && last.as_deref().is_some_and(|last| last != ".") {
                last = heard.next_line().await.ok().flatten();
            }
        }
    });
    port
}

async fn code_of(lines: &'static [&'static str]) -> Option<Code> {
    let smtp = smtp(&format!("encryption = 'none'\nport = {}", server_that_says(lines).await)).unwrap();
    smtp.send(&letter(&Secret::new("text"))).await.err().map(|problem| problem.code)
}

#[tokio::test]
async fn what_the_server_says_decides_whether_it_is_tried_again() {
    assert_eq!(code_of(&["220 hello", "250 hello", "250 sender", "250 to", "354 go", "250 taken"]).await, None);
    let check = async |lines, expect| assert_eq!(code_of(lines).await, Some(expect), "{lines:?}");
    check(&["554 not today"], Code::MailServer).await;
    check(&["220 hello", "250 hello", "451 sender", "221 bye"], Code::MailServer).await;
    check(&["220 hello", "250 hello", "550 sender", "221 bye"], Code::LetterRefused).await;
    check(&["220 hello", "250 hello", "250 sender", "550 nobody", "221 bye"], Code::LetterRefused).await;
    check(&["220 hello", "250 hello", "250 sender", "250 to", "354 go", "452 full", "221 bye"], Code::MailServer).await;
    check(&["220 hello", "250 hello", "250 sender", "250 to", "354 go"], Code::MailServer).await;
    check(&["what?"], Code::MailServer).await;
}

#[tokio::test]
async fn a_server_that_talks_without_end_is_left() {
    for encryption in ["none", "starttls"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let talking = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut said, chunk) = (0, [b'A'; 8_192]);
            while stream.write_all(&chunk).await.is_ok() && said < 1 << 30 {
                said += chunk.len();
            }
            said
        });
        let smtp = smtp(&format!("encryption = '{encryption}'\nport = {port}")).unwrap();
        let problem = smtp.send(&letter(&Secret::new("text"))).await.unwrap_err();
        assert!(problem.code == Code::MailServer && problem.detail.contains("128 KiB"), "{problem}");
        // Beside what we read, there is what both systems keep for a connection.
        assert!(talking.await.unwrap() < 1 << 30, "it is left, not listened to");
    }
}

#[tokio::test]
async fn nothing_that_the_server_says_is_repeated_but_its_numbers() {
    let check = async |lines: &'static [&'static str], expect: &str| {
        let smtp = smtp(&format!("encryption = 'none'\nport = {}", server_that_says(lines).await)).unwrap();
        let problem = smtp.send(&letter(&Secret::new("Refresh token   family.s3cret="))).await.unwrap_err();
        assert_eq!(problem.detail, expect, "{lines:?}");
    };
    let quoting =
        &["220 hello", "250 hello", "250 sender", "250 to", "354 go", "550 5.7.1 family.s3cret=3D", "221 bye"];
    check(quoting, "the mail server answered 550 5.7.1: the recipient, or we, are not welcome").await;
    let quoting = &["220 hello", "250 hello", "250 sender", "250 to", "354 go", "451 family.s3=", "221 bye"];
    check(quoting, "the mail server answered 451: it cannot now").await;
    let unread = &["220 hello", "250 hello", "250 sender", "250 to", "354 go", "family.s3cret", "221 bye"];
    check(unread, "the mail server gave no reply as SMTP has it, or went away").await;
}

#[test]
fn plain_text_is_sent_as_it_is() {
    let check = |text: String, expect: &str| {
        let message = smtp("encryption = 'none'").unwrap().message(&letter(&Secret::new(text.clone()))).unwrap();
        let formatted = String::from_utf8(message.formatted()).unwrap();
        assert!(formatted.contains(&format!("Content-Transfer-Encoding: {expect}\r\n")), "{formatted}");
        let is_there = formatted.ends_with(&format!("\r\n\r\n{}", text.replace('\n', "\r\n")));
        assert_eq!(is_there, expect == "7bit", "{formatted}");
    };
    check("Refresh token   a.b=\n".to_owned(), "7bit");
    check(format!("Refresh token   {}\n\nbye\n", "=".repeat(900)), "7bit");
    check("Device          pump-01 \u{fc}\n".to_owned(), "quoted-printable");
    check(format!("{}\n", "x".repeat(999)), "quoted-printable");
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_hears_no_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 hello\r\n").await.unwrap();
        let mut heard = [0; 512];
        let _ = stream.read(&mut heard).await.unwrap();
        stream.write_all(b"250-hello\r\n250 AUTH PLAIN LOGIN\r\n").await.unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        rest
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret").unwrap();
    let password = format!("{{ file = '{}' }}", file.path().display());
    let smtp = smtp(&format!("port = {port}\nuser = 'andon'\npassword = {password}")).unwrap();
    let problem = smtp.send(&letter(&Secret::new("text"))).await.unwrap_err();
    assert!(problem.code == Code::MailServer && problem.detail.contains("STARTTLS"), "{problem}");
    assert_eq!(server.await.unwrap(), "");
}

#[test]
fn a_letter_keeps_its_message_id() {
    let text = Secret::new("Device          pump-01 ü\n");
    let message = smtp("encryption = 'none'").unwrap().message(&letter(&text)).unwrap();
    let formatted = String::from_utf8(message.formatted()).unwrap();
    for part in [
        "Message-ID: <7f@plant.example>\r\n",
        "To: ada@plant.example\r\n",
        "Subject: Device pump-01\r\n",
        "Date: Thu, 05 Mar 2026 14:00:00 +0000\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
    ] {
        assert!(formatted.contains(part), "{part:?} in {formatted}");
    }
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_no_address_is_not() {
    // The port of a listener that is gone.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let smtp = smtp(&format!("encryption = 'none'\nport = {port}")).unwrap();
    let text = Secret::new("text");
    assert_eq!(smtp.send(&letter(&text)).await.unwrap_err().code, Code::MailServer);
    assert_eq!(smtp.greet().await.unwrap_err().code, Code::MailServer);
    let nobody = Outgoing { to: "nobody", ..letter(&text) };
    assert_eq!(smtp.send(&nobody).await.unwrap_err().code, Code::LetterRefused);
}

#[test]
fn wrong_settings_name_their_key() {
    let check = |more: &str, key: &str| {
        let problem = smtp(more).err().expect("refused");
        assert_eq!((problem.code, problem.place.as_deref()), (Code::Setting, Some(key)), "{more}");
    };
    check("timeout = '1 h'", "[mail] timeout");
    check("ca = '/nowhere/ca.pem'", "[mail] ca");
    let empty = tempfile::NamedTempFile::new().unwrap();
    check(&format!("ca = '{}'", empty.path().display()), "[mail] ca");
}
