//! Which addresses may be reached.
//!
//! A connector runs inside somebody's network. Whatever name it asks for, the connection must end on
//! the public internet, not at a database next door or at the cloud's metadata service. The list is of
//! what *is* global, from the IANA special-purpose registries; forms that carry an IPv4 address inside
//! an IPv6 one (NAT64, 6to4, Teredo, IPv4-compatible) are refused altogether, because where they end is
//! decided by somebody else's gateway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What may be reached through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The public internet.
    Global,
    /// That, and private networks: an origin that the operator has granted.
    GlobalOrPrivate,
    /// Private networks only: a plain http origin that the operator has granted.
    Private,
    /// Anything: where the operator has written the destination.
    Any,
}

impl Reach {
    /// Whether `ip` lies within reach.
    pub(crate) fn covers(self, ip: IpAddr) -> bool {
        match (self, class(ip)) {
            (Self::Any, _)
            | (Self::Global | Self::GlobalOrPrivate, Class::Global)
            | (Self::GlobalOrPrivate | Self::Private, Class::Private) => true,
            (_, Class::Special)
            | (Self::Global, Class::Private)
            | (Self::Private, Class::Global) => false,
        }
    }
}

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Routed on the public internet.
    Global,
    /// This machine's or an organisation's own network: open to an explicit grant.
    Private,
    /// Metadata services, link-local, multicast, documentation, translation: never a remote system.
    Special,
}

/// The class of an address.
pub(crate) fn class(ip: IpAddr) -> Class {
    match ip {
        IpAddr::V4(ip) => class_v4(ip),
        // The socket would connect to the IPv4 address.
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(|| class_v6(ip), class_v4),
    }
}

fn class_v4(ip: Ipv4Addr) -> Class {
    let [a, b, c, d] = ip.octets();
    match (a, b, c, d) {
        // Metadata and control services that lie outside of link-local: Alibaba, Azure.
        (100, 100, 100, 200) | (168, 63, 129, 16) => Class::Special,
        (10 | 127, ..) | (192, 168, ..) => Class::Private,
        (172, b, ..) if b & 0xf0 == 16 => Class::Private,
        // Carrier-grade NAT, also used by overlay networks.
        (100, b, ..) if b & 0xc0 == 64 => Class::Private,
        (0, ..) | (169, 254, ..) => Class::Special,
        // Protocol assignments (Oracle's metadata among them), documentation, the 6to4 relay.
        (192, 0, 0 | 2, _) | (192, 88, 99, _) | (198, 51, 100, _) | (203, 0, 113, _) => {
            Class::Special
        }
        // Benchmarks.
        (198, 18 | 19, ..) => Class::Special,
        // Multicast, reserved, broadcast.
        (224..=255, ..) => Class::Special,
        _ => Class::Global,
    }
}

fn class_v6(ip: Ipv6Addr) -> Class {
    const METADATA: [Ipv6Addr; 2] = [
        // AWS and Google: inside the range of private networks.
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    let [first, second, ..] = ip.segments();
    if METADATA.contains(&ip) {
        Class::Special
    } else if ip == Ipv6Addr::LOCALHOST || first & 0xfe00 == 0xfc00 {
        Class::Private
    } else if first & 0xe000 != 0x2000 {
        // Only 2000::/3 has been handed out: this leaves out ::, IPv4-compatible, NAT64 (64:ff9b::/96
        // and 64:ff9b:1::/48), discard-only, segment routing, link-local, site-local, multicast.
        Class::Special
    } else if first == 0x2001 && (second < 0x200 || second == 0xdb8) {
        // Protocol assignments (Teredo, benchmarks, ORCHID) and documentation.
        Class::Special
    } else if first == 0x2002 || (first == 0x3fff && second < 0x1000) {
        // 6to4 and documentation.
        Class::Special
    } else {
        Class::Global
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(class_of: Class, addresses: &[&str]) {
        for address in addresses {
            let ip: IpAddr = address.parse().unwrap();
            assert_eq!(class(ip), class_of, "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_global() {
        all(
            Class::Global,
            &[
                "1.1.1.1",
                "8.8.8.8",
                "9.255.255.255",
                "11.0.0.0",
                "52.28.0.1",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.0.3.0",
                "192.88.98.255",
                "192.88.100.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "198.51.99.255",
                "198.51.101.0",
                "203.0.112.255",
                "203.0.114.0",
                "223.255.255.255",
                "2000::1",
                "2001:200::1",
                "2001:4860:4860::8888",
                "2003::1",
                "2606:4700::1111",
                "2a00:1450:4001::1",
                "3ffe::1",
                "3fff:1000::1",
                "::ffff:8.8.8.8",
            ],
        );
    }

    #[test]
    fn private_networks_are_open_to_a_grant_only() {
        let private = [
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "::1",
            "fc00::1",
            "fd00:ec2::253",
            "fdff:ffff::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:192.168.1.1",
        ];
        all(Class::Private, &private);
        for address in private {
            let ip = address.parse().unwrap();
            assert!(!Reach::Global.covers(ip), "{address}");
            assert!(
                Reach::GlobalOrPrivate.covers(ip) && Reach::Private.covers(ip),
                "{address}"
            );
        }
    }

    #[test]
    fn special_addresses_are_no_remote_system_even_with_a_grant() {
        let special = [
            "0.0.0.0",
            "0.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "192.0.0.0",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            // IPv6: unspecified, IPv4-compatible, IPv4-translated, NAT64 (both), discard-only.
            "::",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            // Teredo, benchmarks, ORCHID, documentation, 6to4, segment routing.
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            // Link-local, site-local, multicast, metadata.
            "fe80::1",
            "fe80::a9fe:a9fe",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ffff::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
        ];
        all(Class::Special, &special);
        for address in special {
            let ip = address.parse().unwrap();
            for reach in [Reach::Global, Reach::GlobalOrPrivate, Reach::Private] {
                assert!(!reach.covers(ip), "{address} {reach:?}");
            }
            assert!(Reach::Any.covers(ip));
        }
    }

    #[test]
    fn plain_http_never_leaves_the_private_network() {
        assert!(!Reach::Private.covers("8.8.8.8".parse().unwrap()));
        assert!(Reach::GlobalOrPrivate.covers("8.8.8.8".parse().unwrap()));
    }
}
