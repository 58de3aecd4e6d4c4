//! The signature over a message's four JSON frames.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// Signs and verifies with the key of the connection file. With an empty key it does neither.
#[derive(Clone)]
pub struct Signer(Option<Scheme>);

#[derive(Clone)]
enum Scheme {
    Sha224(Hmac<Sha224>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

/// A signature scheme that is not supported.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown signature scheme {scheme:?}; corebook knows hmac-sha224, hmac-sha256, hmac-sha384 and hmac-sha512"
)]
pub struct UnknownScheme {
    scheme: String,
}

impl Signer {
    /// * `scheme`: as in the connection file, `hmac-sha256` for example.
    /// * `key`: an empty key means that messages are not signed.
    pub fn new(scheme: &str, key: &str) -> Result<Self, UnknownScheme> {
        if key.is_empty() {
            return Ok(Self(None));
        }
        fn keyed<M: KeyInit>(key: &str) -> M {
            M::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length")
        }
        let scheme = match scheme {
            "hmac-sha224" => Scheme::Sha224(keyed(key)),
            "hmac-sha256" => Scheme::Sha256(keyed(key)),
            "hmac-sha384" => Scheme::Sha384(keyed(key)),
            "hmac-sha512" => Scheme::Sha512(keyed(key)),
            other => {
                return Err(UnknownScheme {
                    scheme: other.to_owned(),
                });
            }
        };
        Ok(Self(Some(scheme)))
    }

    /// Whether messages carry a signature.
    pub fn is_signing(&self) -> bool {
        self.0.is_some()
    }

    /// The signature of `frames` in hexadecimal; empty without a key.
    pub fn sign(&self, frames: &[Vec<u8>]) -> String {
        fn digest<M: Mac>(mac: M, frames: &[Vec<u8>]) -> String {
            hex::encode(fed(mac, frames).finalize().into_bytes())
        }
        match self.0.clone() {
            None => String::new(),
            Some(Scheme::Sha224(mac)) => digest(mac, frames),
            Some(Scheme::Sha256(mac)) => digest(mac, frames),
            Some(Scheme::Sha384(mac)) => digest(mac, frames),
            Some(Scheme::Sha512(mac)) => digest(mac, frames),
        }
    }

    /// Whether `signature` belongs to `frames`, compared in constant time.
    ///
    /// Only lower-case hexadecimal is valid. If upper case were valid too, a replayed message could get past the replay
    /// check with the same signature in other letters.
    pub fn verify(&self, signature: &[u8], frames: &[Vec<u8>]) -> bool {
        fn matches<M: Mac>(mac: M, signature: &[u8], frames: &[Vec<u8>]) -> bool {
            let has_capitals = signature.iter().any(u8::is_ascii_uppercase);
            !has_capitals
                && hex::decode(signature)
                    .is_ok_and(|expected| fed(mac, frames).verify_slice(&expected).is_ok())
        }
        match self.0.clone() {
            None => true,
            Some(Scheme::Sha224(mac)) => matches(mac, signature, frames),
            Some(Scheme::Sha256(mac)) => matches(mac, signature, frames),
            Some(Scheme::Sha384(mac)) => matches(mac, signature, frames),
            Some(Scheme::Sha512(mac)) => matches(mac, signature, frames),
        }
    }
}

fn fed<M: Mac>(mut mac: M, frames: &[Vec<u8>]) -> M {
    for frame in frames {
        mac.update(frame);
    }
    mac
}
