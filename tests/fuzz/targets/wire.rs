//! Frames of a client: no panic, and a request that was taken comes back the same when it is sent on.

#![no_main]

use corebook_jupyter::wire::{Codec, Incoming, Outgoing, Seen, Signer};
use libfuzzer_sys::fuzz_target;

/// Between two frames of the input; no UTF-8 text holds it.
const BETWEEN: u8 = 0xff;

fuzz_target!(|data: &[u8]| {
    let frames: Vec<Vec<u8>> = data
        .split(|&byte| byte == BETWEEN)
        .map(<[u8]>::to_vec)
        .collect();
    // Without the key nothing gets past the signature.
    assert!(
        codec("key")
            .decode(frames.clone(), &mut Seen::default())
            .is_err()
    );
    let open = codec("");
    let Ok(taken) = open.decode(frames, &mut Seen::default()) else {
        return;
    };
    // Of what a client may only receive, jupyter-protocol reads some that it can't write.
    let is_request = taken.message_type.ends_with("_request");
    if !is_request && taken.message_type != "input_reply" {
        return;
    }
    let again = open
        .decode(open.encode(sent_on(&taken)), &mut Seen::default())
        .expect("what the kernel encodes can be decoded");
    assert_eq!(again.message_type, taken.message_type);
    assert_eq!(again.parent_id, taken.origin.message_id);
    assert_eq!(again.metadata, taken.metadata);
    assert_eq!(again.origin.identities, taken.origin.identities);
});

fn codec(key: &str) -> Codec {
    let signer = Signer::new("hmac-sha256", key).expect("a known scheme");
    Codec::new(signer, "session".to_owned())
}

fn sent_on(taken: &Incoming) -> Outgoing {
    Outgoing {
        content: taken.content.clone(),
        metadata: taken.metadata.clone(),
        parent_header: taken.origin.header.clone(),
        identities: taken.origin.identities.clone(),
    }
}
