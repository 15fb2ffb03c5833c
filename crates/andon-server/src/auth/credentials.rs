//! Reading the token out of the `Authorization` header.

use andon_model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The token in the header: as bearer, as it is, or as the password of basic authentication under any user name.
/// `None` when there is no such header, more than one, or one of another form.
pub(super) fn token_of(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let value = value.to_str().ok()?.trim();
    let Some((scheme, rest)) = value.split_once(' ') else { return bare(value) };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return (!rest.is_empty()).then(|| Secret::new(rest));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        return password_of(rest);
    }
    None
}

/// Gateway wizards send a token without a word before it.
fn bare(value: &str) -> Option<Secret> {
    let is_scheme = ["bearer", "basic"].iter().any(|scheme| value.eq_ignore_ascii_case(scheme));
    (!value.is_empty() && !is_scheme).then(|| Secret::new(value))
}

/// RFC 7617: the user name ends at the first colon.
fn password_of(encoded: &str) -> Option<Secret> {
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    (!password.is_empty()).then(|| Secret::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_either_scheme() {
        let check = |value: &str, expected: Option<&str>| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(token_of(&headers).as_ref().map(Secret::expose), expected, "{value}");
        };
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic dXNlcjphYmM=", Some("abc"));
        check("basic dXNlcjphOmI=", Some("a:b"));
        check("Basic OmFiYw==", Some("abc"));
        check("Basic dXNlcjo=", None);
        check("Basic dXNlcg==", None);
        check("Basic %%%", None);
        check("Bearer ", None);
        check("Bearer", None);
        check("abc", Some("abc"));
        check("basic", None);
        check("Digest abc", None);
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        assert!(token_of(&headers).is_none());
        headers.append(AUTHORIZATION, "Bearer a".parse().unwrap());
        headers.append(AUTHORIZATION, "Bearer b".parse().unwrap());
        assert!(token_of(&headers).is_none());
    }
}
