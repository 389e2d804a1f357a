//! Names to addresses, and which of them may be spoken to.
//!
//! A leaked credential, or the text around it, must not make stanch speak to the machine that it runs on, to its
//! neighbours, or to a cloud's metadata service. What is not plainly a public address is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

/// The addresses of `host` (a name, or an address as a URL writes it), asked of the machine's resolver, which knows no
/// time limit of its own.
pub fn resolve(host: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>, String> {
    if let Ok(literal) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(literal, port)]);
    }
    let (answer, answers) = mpsc::channel();
    let name = host.to_owned();
    let ask = move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody listens any more when the patience is over.
        let _ = answer.send(found.map_err(|error| error.to_string()));
    };
    std::thread::Builder::new().name("resolve".into()).spawn(ask).map_err(|error| error.to_string())?;
    match answers.recv_timeout(patience) {
        Ok(Ok(found)) if found.is_empty() => Err("the host has no address".to_owned()),
        Ok(Ok(found)) => Ok(found),
        Ok(Err(why)) => Err(format!("the host was not found: {why}")),
        Err(_) => Err("the host was not resolved in time".to_owned()),
    }
}

/// Refuses an address that is not a public one.
pub fn check(address: IpAddr) -> Result<(), String> {
    let refused = match address {
        IpAddr::V4(v4) => refused_v4(v4),
        IpAddr::V6(v6) => refused_v6(v6),
    };
    match refused {
        Some(kind) => {
            Err(format!("its address is {kind}; only a host that the configuration allows (`allow-private`)"))
        }
        None => Ok(()),
    }
}

/// IPv4: the IANA special-purpose registry (RFC 6890 and its updates), multicast, and Azure's metadata address, which
/// lies among public ones (learn.microsoft.com, "What is IP address 168.63.129.16?").
fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [127, ..] => Some("this machine's own"),
        [169, 254, ..] => Some("link-local (a cloud's metadata service)"),
        [168, 63, 129, 16] => Some("a cloud's metadata service"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("private"),
        [100, 64..=127, ..] => Some("shared (carrier-grade NAT)"),
        [0, ..] | [192, 0, 0, _] | [192, 0, 2, _] | [192, 88, 99, _] => Some("reserved"),
        [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Some("reserved"),
        _ => None,
    }
}

/// IPv6: only global unicast (2000::/3), less what is reserved in it; an IPv4 address inside counts as itself.
fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        refused_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine's own"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfc00..=0xfdff, ..] => Some("private (unique local)"),
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("reserved"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_pass() {
        for text in ["140.82.121.6", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8c52:7906"] {
            assert_eq!(check(text.parse().unwrap()), Ok(()), "{text}");
        }
    }

    #[test]
    fn all_others_are_refused() {
        let refused = "127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 \
            168.63.129.16 100.64.0.1 100.100.100.200 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 \
            255.255.255.255 :: ::1 fe80::1 fd00:ec2::254 fc00::1 ff02::1 2001:db8::1 2001:0:1::1 2002:7f00:1:: \
            2002:a00:1:: ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::a9fe:a9fe ::127.0.0.1 fec0::1";
        for text in refused.split_whitespace() {
            assert!(check(text.parse().unwrap()).is_err(), "{text}");
        }
    }

    #[test]
    fn literals_need_no_resolver() {
        let found = resolve("[::1]", 80, Duration::ZERO).unwrap();
        assert_eq!(found, ["[::1]:80".parse().unwrap()]);
        assert_eq!(resolve("10.1.2.3", 443, Duration::ZERO).unwrap(), ["10.1.2.3:443".parse().unwrap()]);
    }
}
