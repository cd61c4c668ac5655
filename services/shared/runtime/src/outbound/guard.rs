//! Which addresses may be reached (reference: files and integrations, "Outgoing HTTP").

use crate::ConfigFeed;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

/// What `AllowedUntrustedInternalConnections` lists.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    hosts: Vec<String>,
    networks: Vec<(IpAddr, u8)>,
}

impl Guard {
    /// Host names as they stand in URLs and networks (`10.0.0.0/8`), separated by blanks or commas.
    pub fn new(allowed: &str) -> Self {
        let mut guard = Self::default();
        for entry in allowed.split([' ', ',', '\t', '\n']).filter(|entry| !entry.is_empty()) {
            match entry.split_once('/').map(|(address, bits)| (address.parse(), bits.parse())) {
                Some((Ok(address), Ok(bits))) => guard.networks.push((address, bits)),
                _ => guard.hosts.push(entry.trim_start_matches('[').trim_end_matches(']').to_lowercase()),
            }
        }
        guard
    }

    /// Whether `address`, to which `host` was resolved, may be connected to.
    pub fn allows(&self, host: &str, address: IpAddr) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let address = plain(address);
        self.hosts.contains(&host)
            || self.networks.iter().any(|(network, bits)| contains(*network, *bits, address))
            || !(is_reserved(address) || is_own(address))
    }
}

/// An IPv4 address in IPv6 clothes is that address.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        // Mapped, compatible (but for :: and ::1), translated.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => embedded(high, low),
        // 6to4
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            (u32::from(network) ^ u32::from(address)).checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            (u128::from(network) ^ u128::from(address)).checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// Addresses that mean nothing, or something else, on the public internet.
fn is_reserved(address: IpAddr) -> bool {
    const V4: [(Ipv4Addr, u8); 15] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        // Link-local; cloud metadata among it.
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
    ];
    const V6: [(Ipv6Addr, u8); 8] = [
        // Unspecified, loopback.
        (Ipv6Addr::UNSPECIFIED, 127),
        (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
        (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
        // Link-local and the site-local ones of old.
        (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 9),
        (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    ];
    match address {
        IpAddr::V4(_) => V4.iter().any(|(network, bits)| contains(IpAddr::V4(*network), *bits, address)),
        IpAddr::V6(_) => V6.iter().any(|(network, bits)| contains(IpAddr::V6(*network), *bits, address)),
    }
}

/// Whether the address is this machine's: then a socket can be bound to it. Machines that let sockets be bound to any
/// address (some load balancers do) cannot be asked.
fn is_own(address: IpAddr) -> bool {
    const NOBODYS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let binds = |address: IpAddr| UdpSocket::bind((address, 0)).is_ok();
    binds(address) && !binds(NOBODYS)
}

/// Resolves names to the addresses that may be reached, and to no other.
pub struct GuardedResolver(pub ConfigFeed);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Guard::new(&self.0.get().settings.allowed_untrusted_internal_connections);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| guard.allows(&host, address.ip())).collect();
            if allowed.is_empty() {
                let error = io::Error::new(io::ErrorKind::PermissionDenied, format!("{host} has no address that may be reached"));
                return Err(error.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &str, host: &str, address: &str) -> bool {
        Guard::new(allowed).allows(host, address.parse().expect("an address"))
    }

    #[test]
    fn internal_addresses_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:a9fe:a9fe",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!allows("", "x", address), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "192.167.0.1", "100.128.0.1", "2a00:1450::1", "64:ff9b::8.8.8.8", "2606:4700::1111"] {
            assert!(allows("", "x", address), "{address}");
        }
    }

    #[test]
    fn listed_hosts_and_networks_pass() {
        let list = "Intranet.example 10.0.0.0/8,fd00::/8 127.0.0.1 nonsense/x";
        assert!(allows(list, "intranet.EXAMPLE", "192.168.1.1"));
        assert!(!allows(list, "other.example", "192.168.1.1"));
        assert!(allows(list, "x", "10.255.0.1") && !allows(list, "x", "172.16.0.1"));
        assert!(allows(list, "x", "fd00::5") && !allows(list, "x", "fc00::5"));
        assert!(allows(list, "127.0.0.1", "127.0.0.1") && !allows(list, "x", "127.0.0.1"));
        assert!(allows("0.0.0.0/0", "x", "127.0.0.1") && !allows("0.0.0.0/0", "x", "::1"));
    }
}
