//! The address of the REST API, checked once; and which paths go on the wire as they are.

use std::net::IpAddr;

use http::Uri;
use reqwest::Url;

use super::setup_error::SetupError;

/// Scheme, host and port of the REST API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BaseUrl {
    /// `scheme://host[:port]/`.
    uri: Uri,
    /// The `Host` header: with the port unless it is the scheme's own.
    host: String,
}

impl BaseUrl {
    /// Reads an address: https, or http to the loopback; no user, path, query or fragment.
    pub(super) fn parse(text: &str) -> Result<BaseUrl, SetupError> {
        let refuse = |reason| SetupError::BaseUrl {
            url: shown(text),
            reason,
        };
        let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
        let host = url.host_str().ok_or_else(|| refuse("has no host"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err(refuse("sends card data in clear text: use https")),
            _ => return Err(refuse("is neither https nor http")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("has a user name or password"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("has more than a scheme, a host and a port"));
        }
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let uri = format!("{}://{host}/", url.scheme());
        let uri = uri.try_into().map_err(|_| refuse("is not a URL"))?;
        Ok(BaseUrl { uri, host })
    }

    /// Scheme, host and port, and nothing after them.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether calls go over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Host and, unless it is the scheme's own, port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

/// Whether a path, with its query, is one that nothing on the way repairs: what is signed must be what is sent.
///
/// It holds what RFC 3986 allows there and nothing that a URL parser would change: no dot segment, however it is encoded,
/// and no apostrophe in the query.
pub(super) fn is_plain(path_and_query: &str) -> bool {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, query),
        None => (path_and_query, ""),
    };
    path.starts_with('/')
        && path.bytes().all(|byte| is_path(byte) || byte == b'\'')
        && query.bytes().all(|byte| is_path(byte) || byte == b'?')
        && !path.as_bytes().split(|byte| *byte == b'/').any(is_dots)
}

fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'/' | b'-'
                | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
        )
}

/// Whether a segment is one of `.` and `..`, where a dot may be written `%2e`.
fn is_dots(segment: &[u8]) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        rest = match rest {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return false,
        };
        dots += 1;
    }
    matches!(dots, 1 | 2)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The address for an error message; one with a user name may hold a password.
fn shown(url: &str) -> String {
    if url.contains('@') {
        "(not shown: it may hold a password)".into()
    } else {
        format!("{url:?}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_https_and_loopback_http() {
        for (url, host) in [
            ("https://apitest.cybersource.com", "apitest.cybersource.com"),
            (
                "https://apitest.cybersource.com:443/",
                "apitest.cybersource.com",
            ),
            ("https://EXAMPLE.com:8443", "example.com:8443"),
            ("http://127.9.9.9:9090", "127.9.9.9:9090"),
            ("http://[::1]:9090", "[::1]:9090"),
            ("http://localhost:80", "localhost"),
        ] {
            assert_eq!(BaseUrl::parse(url).unwrap().host(), host, "{url}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for url in [
            "http://apitest.cybersource.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "http://[::2]",
            "ftp://127.0.0.1",
            "apitest.cybersource.com",
            "https://",
            "https://example.com/pts",
            "https://example.com/?",
            "https://example.com/#",
            "https://user:canary@example.com",
        ] {
            let error = BaseUrl::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn plain_paths_are_told_from_those_that_would_be_repaired() {
        for path in [
            "/",
            "/pts/v2/payments/",
            "/a?b=c&d=%2F?",
            "/a?",
            "//x",
            "/a%2Fb",
            "/a/%252e",
            "/a/...",
            "/o'neil",
        ] {
            assert!(is_plain(path), "{path:?}");
        }
        for path in [
            "",
            "a",
            "@evil.example",
            ":1/",
            "/a/../b",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/./a",
            "/a b",
            "/a\\b",
            "/a#b",
            "/a#",
            "/a\tb",
            "/a\r\nb",
            "/é",
            "/a?\"",
            "/a?'",
            "/a ",
        ] {
            assert!(!is_plain(path), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_repairs_a_plain_path(path in "/[a-zA-Z2eE./%?'#&=~ \"<>^`{}|\\\\-]{0,12}") {
            if is_plain(&path) {
                let whole = format!("https://example.com{path}");
                let url = Url::parse(&whole).unwrap();
                prop_assert_eq!(url.as_str(), whole);
                let uri: Uri = path.as_str().try_into().unwrap();
                prop_assert_eq!(uri.to_string(), path);
            }
        }
    }
}
