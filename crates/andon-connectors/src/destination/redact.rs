//! Keeping credentials out of everything that is stored or shown (invariant K1).

/// Shortest text that is taken out of an answer; shorter ones occur by chance, as `1010` does in plants.
const SHORTEST: usize = 8;

/// The credentials that went out with a request. An answer may echo them, as error pages do.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    /// Adds a text that must not be seen again.
    pub(crate) fn hide(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.0.push(secret.to_owned());
        }
    }

    /// The text with every hidden one replaced.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), "[secret]") } else { text }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoed_credentials_are_replaced() {
        let mut redactor = Redactor::default();
        redactor.hide("cGxhbnQ6c2VjcmV0");
        redactor.hide("1010");
        let echo = "authorization: Basic cGxhbnQ6c2VjcmV0, plant 1010";
        assert_eq!(redactor.clean(echo), "authorization: Basic [secret], plant 1010");
    }
}
