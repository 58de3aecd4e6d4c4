//! `kernel_info_reply`: name, version and language of this kernel.

use corebook_jupyter::wire::PROTOCOL_VERSION;
use jupyter_protocol::{CodeMirrorMode, HelpLink, KernelInfoReply, LanguageInfo, ReplyStatus};

/// * `rust_version`: the version of the compiler that compiles cells, for example `1.95.0`.
pub fn reply(rust_version: &str) -> KernelInfoReply {
    let version = env!("CARGO_PKG_VERSION");
    KernelInfoReply {
        status: ReplyStatus::Ok,
        protocol_version: PROTOCOL_VERSION.to_owned(),
        implementation: "corebook".to_owned(),
        implementation_version: version.to_owned(),
        language_info: LanguageInfo {
            name: "rust".to_owned(),
            version: rust_version.to_owned(),
            mimetype: Some("text/x-rust".to_owned()),
            file_extension: Some(".rs".to_owned()),
            pygments_lexer: Some("rust".to_owned()),
            codemirror_mode: Some(CodeMirrorMode::Simple("rust".to_owned())),
            nbconvert_exporter: Some("script".to_owned()),
        },
        banner: format!(
            "corebook {version}: Rust {rust_version} with %cpus, %pool and %timeit. %magics lists all magics."
        ),
        help_links: help_links(),
        debugger: false,
        error: None,
    }
}

fn help_links() -> Vec<HelpLink> {
    [
        (
            "The Rust Programming Language",
            "https://doc.rust-lang.org/book/",
        ),
        ("Rust standard library", "https://doc.rust-lang.org/std/"),
        (
            "Rust by Example",
            "https://doc.rust-lang.org/rust-by-example/",
        ),
        ("rayon", "https://docs.rs/rayon"),
    ]
    .map(|(text, url)| HelpLink {
        text: text.to_owned(),
        url: url.to_owned(),
    })
    .to_vec()
}
