//! Proxies: which requests go through which one.

use ureq::Proxy;

/// Which requests go through a proxy. By default none does: nothing here looks at the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// The variables that were looked at and are set.
    variables: Vec<(String, String)>,
}

/// A variable does not name a proxy. Its value may hold a password, so it is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not the address of a proxy such as http://proxy.example.org:3128")]
pub struct ProxyError {
    /// The name of the variable.
    pub variable: &'static str,
}

impl igos_report::Explain for ProxyError {
    fn code(&self) -> &'static str {
        "proxy-invalid"
    }

    fn hints(&self) -> Vec<String> {
        vec![format!(
            "correct the variable, or take it away: `unset {}`",
            self.variable
        )]
    }

    fn exit_code(&self) -> u8 {
        3
    }
}

impl Proxies {
    /// Returns the proxies that the customary variables name: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`,
    /// and all but the first in capitals too. (Servers set `HTTP_PROXY` from a header of whoever asks them.)
    ///
    /// # Errors
    ///
    /// Names the variable that is not the address of a proxy.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let mut variables = Vec::new();
        let mut find = |names: &[&'static str]| {
            let found = names.iter().map(|name| (*name, variable(name)));
            let found = found
                .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
                .next();
            let of_use = found.iter();
            variables.extend(of_use.map(|(name, value)| ((*name).to_owned(), value.clone())));
            found
        };
        let except = find(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value);
        let except = except.unwrap_or_default();
        let parse = |found: Option<(&'static str, String)>| {
            found
                .map(|(variable, value)| parse(&value, &except).ok_or(ProxyError { variable }))
                .transpose()
        };
        let http = find(&["http_proxy", "all_proxy", "ALL_PROXY"]);
        let https = find(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
        Ok(Proxies {
            http: parse(http)?,
            https: parse(https)?,
            variables,
        })
    }

    /// Returns variables of which the same proxies can be made again.
    pub(super) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub(super) fn http(&self) -> Option<&Proxy> {
        self.http.as_ref()
    }

    pub(super) fn https(&self) -> Option<&Proxy> {
        self.https.as_ref()
    }
}

/// Returns the proxy at `address` that is not asked for the hosts in `except`, separated by commas.
fn parse(address: &str, except: &str) -> Option<Proxy> {
    // The reason is about an address that may hold a password.
    let plain = Proxy::new(address).ok()?;
    let mut proxy = Proxy::builder(plain.protocol())
        .host(plain.host())
        .port(plain.port())
        .resolve_target(plain.resolve_target());
    if let Some(user) = plain.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = plain.password() {
        proxy = proxy.password(password);
    }
    for host in except.split(',') {
        proxy = proxy.no_proxy(host.trim());
    }
    proxy.build().ok()
}

#[cfg(test)]
mod tests {
    use super::{Proxies, ProxyError};

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn proxies_are_those_of_the_customary_variables() {
        let found = proxies(&[
            ("http_proxy", "http://user:secret@one:8080"),
            ("HTTPS_PROXY", "two:3128"),
            ("no_proxy", "localhost, .example.org"),
        ])
        .expect("these are proxies");
        let http = found.http().expect("it is named");
        assert_eq!((http.host(), http.port()), ("one", 8080));
        assert_eq!(
            (http.username(), http.password()),
            (Some("user"), Some("secret"))
        );
        let https = found.https().expect("it is named");
        assert_eq!((https.host(), https.port()), ("two", 3128));
        for (url, is_excepted) in [
            ("http://localhost/a", true),
            ("http://a.example.org/a", true),
            ("http://example.com/a", false),
        ] {
            let url = url.parse().expect("it is an address");
            assert_eq!(https.is_no_proxy(&url), is_excepted, "{url}");
        }
        let all = proxies(&[("all_proxy", "http://three"), ("HTTP_PROXY", "http://four")]);
        let all = all.expect("these are proxies");
        assert_eq!(all.http().map(|proxy| proxy.host()), Some("three"));
        assert_eq!(all.https().map(|proxy| proxy.host()), Some("three"));
        assert_eq!(proxies(&[("http_proxy", "")]), Ok(Proxies::default()));
        for first in [found, all] {
            let variables = first.variables().iter();
            let variables: Vec<_> = variables.map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(proxies(&variables), Ok(first.clone()));
        }
    }

    #[test]
    fn variable_that_names_no_proxy_is_told_without_its_value() {
        let error = proxies(&[("https_proxy", "gopher://user:secret@h")]);
        let error = error.expect_err("this is no proxy");
        assert_eq!(error.variable, "https_proxy");
        assert!(!error.to_string().contains("secret"));
    }
}
