//! Promises of `Tokens` and `Secrets`.

use andon_journal::{NewToken, Role, Secrets, TokenRow, Tokens};
use andon_model::Secret;

use super::Fixture;
use super::samples::{at, name};

fn token(role: Role, sha256: &str) -> NewToken {
    NewToken { name: name("erp"), role, sha256: sha256.to_owned(), expires_at: Some(at(60)), at: at(5) }
}

/// One token per name.
pub async fn tokens_are_stored_replaced_and_removed(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let other = NewToken { name: name("admin"), expires_at: None, ..token(Role::Admin, "00") };
    for token in [token(Role::Intake, "aa"), other, token(Role::Viewer, "bb")] {
        store.put_token(token).await.expect("stored");
    }
    let admin = TokenRow { name: name("admin"), role: Role::Admin, created_at: at(5), expires_at: None };
    let erp = TokenRow { name: name("erp"), role: Role::Viewer, created_at: at(5), expires_at: Some(at(60)) };
    let expected = [(admin, "00".to_owned()), (erp, "bb".to_owned())];
    assert_eq!(store.tokens().await.expect("read"), expected);
    assert!(store.delete_token(&name("erp")).await.expect("removed"));
    assert!(!store.delete_token(&name("erp")).await.expect("not there"));
    assert_eq!(store.tokens().await.expect("read"), expected[..1]);
}

/// One secret per name; the list shows names only.
pub async fn secrets_are_stored_replaced_and_removed(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for (secret_name, text, second) in [("sap", "old", 1), ("sap", "n\0w ß", 2), ("mail", "", 3)] {
        store.put_secret(&name(secret_name), Secret::new(text), at(second)).await.expect("stored");
    }
    let read = store.secret(&name("sap")).await.expect("read").expect("there");
    assert_eq!(read.expose(), "n\0w ß");
    assert_eq!(store.secret_names().await.expect("read"), [(name("mail"), at(3)), (name("sap"), at(2))]);
    assert!(store.delete_secret(&name("sap")).await.expect("removed"));
    assert!(!store.delete_secret(&name("sap")).await.expect("not there"));
    assert!(store.secret(&name("sap")).await.expect("read").is_none());
}

/// The next process opens them with the same key.
pub async fn secrets_survive_a_kill(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let long = "s".repeat(64 * 1024);
    store.put_secret(&name("sap"), Secret::new(long.clone()), at(1)).await.expect("stored");
    fixture.kill(store).await;
    let read = fixture.open().await.secret(&name("sap")).await.expect("read").expect("there");
    assert!(read.expose() == long);
}
