//! The address of the REST API: checked once, joined with a path without changing a byte.

use std::net::IpAddr;

use reqwest::Url;

use super::setup_error::SetupError;

/// Scheme, host and port of the REST API.
#[derive(Debug, Clone)]
pub(super) struct BaseUrl {
    /// `scheme://host[:port]`, nothing after it.
    origin: String,
    /// The `Host` header as hyper sends it: with the port unless it is the scheme's own.
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
        Ok(BaseUrl {
            origin: format!("{}://{host}", url.scheme()),
            host,
        })
    }

    /// Host and, unless it is the scheme's own, port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The URL that puts exactly `path` on the request line; `None` if there is none.
    ///
    /// URL parsing repairs what it reads (dot segments, backslashes, spaces, fragments). What is
    /// signed must be what is sent, so a path that would be repaired is no path.
    pub(super) fn join(&self, path: &str) -> Option<Url> {
        if !path.starts_with('/') {
            return None;
        }
        let url = Url::parse(&format!("{}{path}", self.origin)).ok()?;
        let same = match url.query() {
            Some(query) => path.split_once('?') == Some((url.path(), query)),
            None => path == url.path(),
        };
        (same && url.fragment().is_none()).then_some(url)
    }
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
    fn joins_without_changing_a_byte_or_not_at_all() {
        let base = BaseUrl::parse("https://example.com:8443").unwrap();
        for path in [
            "/",
            "/pts/v2/payments/",
            "/a?b=c&d=%2F?",
            "/a?",
            "//x",
            "/a%2Fb",
            "/a/%252e",
        ] {
            let url = base.join(path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!(url.as_str(), format!("https://example.com:8443{path}"));
        }
        for path in [
            "",
            "a",
            "@evil.example",
            ":1/",
            "/a/../b",
            "/a/%2e%2E/b",
            "/./a",
            "/a b",
            "/a\\b",
            "/a#b",
            "/a#",
            "/a\tb",
            "/a\r\nb",
            "/é",
            "/a?\"",
            "/a ",
        ] {
            assert!(base.join(path).is_none(), "{path:?}");
        }
    }
}
