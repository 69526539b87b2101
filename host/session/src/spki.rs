//! Public keys as they lie in files: PEM around a `SubjectPublicKeyInfo` (RFC 5280, RFC 8410).
//!
//! Two kinds of key are read, both of a fixed and shallow structure, so that thirty lines of DER are enough.
//! Lengths must be in their shortest form and nothing may follow the end.

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A public key in its parts, not yet checked to be a sound one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Ed25519(Vec<u8>),
    /// Modulus and exponent, big-endian.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Other,
}

/// Reads a PEM text. The error says what to do instead.
pub(crate) fn from_pem(pem: &str) -> Result<PublicKey, &'static str> {
    if pem.contains("PRIVATE KEY-----") {
        return Err(
            "this is a private key, which must not leave the vendor's backend; consider it compromised and write the public key of a new pair (openssl pkey -in private.pem -pubout)",
        );
    }
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "this is no public key in PEM; it begins with -----BEGIN PUBLIC KEY----- (openssl pkey -in private.pem -pubout)"
    })?;
    from_der(&der).ok_or("the PEM holds something other than a public key")
}

fn from_der(der: &[u8]) -> Option<PublicKey> {
    let info = whole(der, SEQUENCE)?;
    let (algorithm, rest) = read(info, SEQUENCE)?;
    let bits = whole(rest, BIT_STRING)?;
    // The first octet counts the unused bits of the last one.
    let (&0, key) = bits.split_first()? else {
        return None;
    };
    let (identifier, parameters) = read(algorithm, OBJECT_IDENTIFIER)?;
    match identifier {
        ED25519 if parameters.is_empty() => Some(PublicKey::Ed25519(key.to_vec())),
        RSA if whole(parameters, NULL)?.is_empty() => {
            let numbers = whole(key, SEQUENCE)?;
            let (n, rest) = read(numbers, INTEGER)?;
            let e = whole(rest, INTEGER)?;
            Some(PublicKey::Rsa {
                n: n.to_vec(),
                e: e.to_vec(),
            })
        }
        _ => Some(PublicKey::Other),
    }
}

/// One element, and nothing after it.
fn whole(input: &[u8], tag: u8) -> Option<&[u8]> {
    let (value, rest) = read(input, tag)?;
    rest.is_empty().then_some(value)
}

/// One element's value, and what follows it.
fn read(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, input) = input.split_first()?;
    let (&first, input) = input.split_first()?;
    if found != tag {
        return None;
    }
    let (length, input) = match first {
        0..=0x7f => (usize::from(first), input),
        0x81 => {
            let (&length, input) = input.split_first()?;
            (length > 0x7f).then_some((usize::from(length), input))?
        }
        0x82 => {
            let (length, input) = input.split_first_chunk::<2>()?;
            let length = u16::from_be_bytes(*length);
            (length > 0xff).then_some((usize::from(length), input))?
        }
        _ => return None,
    };
    input.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INFO: [u8; 12] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];

    #[test]
    fn takes_lengths_in_their_shortest_form_only_and_nothing_after_the_end() {
        let mut der = INFO.to_vec();
        der.extend([7; 32]);
        assert_eq!(from_der(&der), Some(PublicKey::Ed25519(vec![7; 32])));

        let mut long = vec![0x30, 0x81];
        long.extend(&der[1..]);
        assert_eq!(from_der(&long), None);

        der.push(0);
        assert_eq!(from_der(&der), None);
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_der(&octets);
        }

        #[test]
        fn a_key_with_octets_changed_or_cut_never_panics(
            at in 0usize..44, with in any::<u8>(), length in 0usize..44,
        ) {
            let mut der = INFO.to_vec();
            der.extend([7; 32]);
            der[at] = with;
            let _ = from_der(&der[..length]);
            let _ = from_der(&der);
        }
    }
}
