//! Networks whose addresses are exempt.

use std::net::IpAddr;
use std::str::FromStr;

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        let (bits, is_v4, _) = bits(address);
        is_v4 == self.is_v4 && bits & self.mask == self.address & self.mask
    }
}

fn bits(address: IpAddr) -> (u128, bool, u32) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), true, 32),
        IpAddr::V6(v6) => (v6.to_bits(), false, 128),
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, length) = text.split_once('/').ok_or(())?;
        let (address, is_v4, width) = bits(address.parse().map_err(|_| ())?);
        let length: u32 = length.parse().map_err(|_| ())?;
        let free = width.checked_sub(length).ok_or(())?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Ok(Self { address, mask, is_v4 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_only() {
        let network: Network = "127.0.0.0/8".parse().unwrap();
        assert!(network.holds("127.9.9.9".parse().unwrap()));
        assert!(!network.holds("128.0.0.1".parse().unwrap()));
        assert!(!network.holds("::1".parse().unwrap()));
        assert!("::1/128".parse::<Network>().unwrap().holds("::1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("0.0.0.0/0".parse::<Network>().unwrap().holds("1.2.3.4".parse().unwrap()));
    }
}
