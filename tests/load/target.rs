//! Which server is loaded, and the refusal to load somebody else's.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, bail};

/// One gateway: its `Host` header value and the address it resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub host: String,
    pub address: SocketAddr,
}

/// Parses base URLs and resolves them once, so that name look-ups are no part of what is measured.
/// Fails on `https` (the generator belongs beside the server, in front of no proxy) and, without `owned`, on anything but loopback.
pub fn resolve(urls: &[String], owned: bool) -> Result<Vec<Target>> {
    urls.iter().flat_map(|list| list.split_whitespace()).map(|url| resolve_one(url, owned)).collect()
}

fn resolve_one(url: &str, owned: bool) -> Result<Target> {
    let uri: http::Uri = url.parse().with_context(|| format!("{url} is not a URL"))?;
    if uri.scheme_str() != Some("http") {
        bail!("{url}: only http:// is supported; run the generator beside the server");
    }
    let authority = uri.authority().with_context(|| format!("{url} names no host"))?;
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = authority.port_u16().unwrap_or(80);
    let found: Vec<SocketAddr> = (name, port).to_socket_addrs().with_context(|| format!("{name} cannot be resolved"))?.collect();
    // IPv4 first: a server that listens on 0.0.0.0 is not reachable through ::1.
    let address = *found.iter().find(|a| a.is_ipv4()).or(found.first()).with_context(|| format!("{name} has no address"))?;
    if !owned && !is_local(address.ip()) {
        bail!("{url} is not this machine; add --i-own-this-server if you may put load on it");
    }
    Ok(Target { host: authority.as_str().to_owned(), address })
}

fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || matches!(ip, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(list: &[&str]) -> Vec<String> {
        list.iter().map(|u| (*u).to_owned()).collect()
    }

    #[test]
    fn loopback_is_accepted_and_resolved() {
        let found = resolve(&urls(&["http://localhost:8065", "http://127.0.0.1:9 http://[::1]:7"]), false).expect("loopback");
        assert_eq!(found.iter().map(|t| t.address.port()).collect::<Vec<_>>(), [8065, 9, 7]);
        assert!(found.iter().all(|t| t.address.ip().is_loopback()));
        assert_eq!(found[1].host, "127.0.0.1:9");
    }

    #[test]
    fn other_machines_need_the_flag() {
        assert!(resolve(&urls(&["http://192.0.2.1:8065"]), false).is_err());
        assert_eq!(resolve(&urls(&["http://192.0.2.1:8065"]), true).expect("owned")[0].address.port(), 8065);
    }

    #[test]
    fn tls_and_nonsense_are_refused() {
        assert!(resolve(&urls(&["https://localhost"]), false).is_err());
        assert!(resolve(&urls(&["localhost"]), false).is_err());
    }
}
