//! Completes names and versions of crates after `:dep`, from cargo's index on this machine. Never uses the network.
//!
//! Cargo keeps one file for each crate that it has ever looked up, `registry/index/*/.cache/ra/nd/rand`. It contains a
//! JSON object for each version: <https://doc.rust-lang.org/cargo/reference/registry-index.html>.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use corebook_build::toolchain::cargo_home;
use semver::Version;
use serde::Deserialize;

use super::completion_item::{Offer, Offers};

/// Only the newest versions of a crate are offered.
const MOST_VERSIONS: usize = 20;
/// The maximum number of folders between a registry and its crates: `ra/nd`, `3/s`, `2`.
const FOLDERS: usize = 2;

/// Completes `arguments`, the text from `:dep` to byte `cursor` of the cell. Offers nothing after a complete version.
pub fn complete(arguments: &str, cursor: usize) -> Offers {
    match cargo_home() {
        Some(home) => complete_in(&home.join("registry/index"), arguments, cursor),
        None => Offers::none(cursor),
    }
}

fn complete_in(index: &Path, arguments: &str, cursor: usize) -> Offers {
    let typed = arguments.trim_start();
    let Some((name, rest)) = typed.split_once('=') else {
        let mut names = names(index, typed);
        names.sort();
        names.dedup();
        return Offers {
            replace: cursor - typed.len()..cursor,
            items: names
                .into_iter()
                .map(|name| Offer::new(name, "module"))
                .collect(),
        };
    };
    let rest = rest.trim_start();
    let is_version = rest.strip_prefix('"').unwrap_or(rest);
    if is_version.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '+')) {
        return Offers::none(cursor);
    }
    let versions = versions(index, name.trim());
    let items = versions.iter().map(|version| format!("\"{version}\""));
    Offers {
        replace: cursor - rest.len()..cursor,
        items: items
            .filter(|text| text[1..].starts_with(is_version))
            .take(MOST_VERSIONS)
            .map(|text| Offer::new(text, "statement"))
            .collect(),
    }
}

/// The crates whose names begin with `typed`.
fn names(index: &Path, typed: &str) -> Vec<String> {
    let mut folders: Vec<PathBuf> = registries(index).collect();
    let mut names = Vec::new();
    for depth in 0..=FOLDERS {
        let entries = folders.iter().flat_map(|folder| entries(folder));
        let mut deeper = Vec::new();
        for path in entries {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if path.is_dir() {
                deeper.push(path);
            } else if depth > 0 && name.starts_with(typed) {
                names.push(name.to_owned());
            }
        }
        folders = deeper;
    }
    names
}

#[derive(Deserialize)]
struct Release {
    vers: String,
    yanked: bool,
}

/// The versions of a crate, newest first; pre-releases, such as `1.0.0-beta.1`, last.
fn versions(index: &Path, name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let place = match name.len() {
        _ if !name.is_ascii() => return Vec::new(),
        0 => return Vec::new(),
        1 | 2 => format!("{}/{name}", name.len()),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    };
    let contents = registries(index).filter_map(|registry| fs::read(registry.join(&place)).ok());
    let mut versions: Vec<String> = contents
        .flat_map(|content| releases(&content))
        .filter(|release| !release.yanked)
        .map(|release| release.vers)
        .collect();
    versions.sort_by_cached_key(|text| {
        let version = Version::parse(text).ok();
        Reverse(version.map(|version| (version.pre.is_empty(), version)))
    });
    versions
}

/// Parses a file of the index. It alternates versions and their objects, each followed by a zero byte.
fn releases(content: &[u8]) -> Vec<Release> {
    let parts = content.split(|&byte| byte == 0);
    parts
        .filter_map(|part| serde_json::from_slice(part).ok())
        .collect()
}

fn registries(index: &Path) -> impl Iterator<Item = PathBuf> {
    entries(index)
        .into_iter()
        .map(|registry| registry.join(".cache"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(index: &Path, arguments: &str) -> String {
        let offers = complete_in(index, arguments, arguments.len());
        let texts: Vec<String> = offers.items.into_iter().map(|item| item.text).collect();
        format!("{:?} -> {}", &arguments[offers.replace], texts.join(" "))
    }

    #[test]
    fn crates_and_their_versions_come_from_cargos_index() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("index.example-1/.cache");
        let release = |vers: &str, yanked: bool| {
            format!("{vers}\0{{\"name\":\"rand\",\"vers\":\"{vers}\",\"yanked\":{yanked}}}\0")
        };
        // In the order of publication: a fix for an old version can come after a newer version.
        let releases = [
            release("0.9.0-beta.1", false),
            release("0.9.0", true),
            release("0.9.1", false),
            release("0.8.5", false),
        ];
        for (folder, name) in [
            ("ra/nd", "rand"),
            ("ra/nd", "rand_core"),
            ("ra/yo", "rayon"),
            ("3/s", "syn"),
        ] {
            fs::create_dir_all(cache.join(folder)).unwrap();
            fs::write(
                cache.join(folder).join(name),
                format!("\u{3}\0etag\0{}", releases.concat()),
            )
            .unwrap();
        }
        let index = dir.path();
        assert_eq!(offered(index, " ra"), "\"ra\" -> rand rand_core rayon");
        assert_eq!(offered(index, " "), "\"\" -> rand rand_core rayon syn");
        assert_eq!(
            offered(index, "rand = "),
            "\"\" -> \"0.9.1\" \"0.8.5\" \"0.9.0-beta.1\""
        );
        assert_eq!(
            offered(index, "rand = \"0.9"),
            "\"\\\"0.9\" -> \"0.9.1\" \"0.9.0-beta.1\""
        );
        assert_eq!(offered(index, "syn=\"0.8"), "\"\\\"0.8\" -> \"0.8.5\"");
        assert_eq!(offered(index, "rand = { version"), "\"\" -> ");
        assert_eq!(offered(index, "rand = \"0.9.1\""), "\"\" -> ");
        assert_eq!(offered(index, "é = "), "\"\" -> ");
        assert_eq!(offered(&index.join("nothing"), "ra"), "\"ra\" -> ");
    }
}
