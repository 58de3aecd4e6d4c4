//! Completes paths in string literals. Reads folders, opens no file.

use std::path::Path;

use super::completion_item::{Offer, Offers};

/// A user would not read a longer list.
const MOST_ENTRIES: usize = 1000;

/// The files and folders that could complete `text`, which ends at byte `cursor` of the cell.
///
/// * `start`: the folder to which relative paths refer, as in a cell's code.
pub fn complete(text: &str, cursor: usize, start: &Path) -> Offers {
    // Paths with an escaped quote or backslash are not completed.
    if text.contains(['\\', '\n']) {
        return Offers::none(cursor);
    }
    let (folder, typed) = match text.rfind('/') {
        Some(slash) => text.split_at(slash + 1),
        None => ("", text),
    };
    let entries = std::fs::read_dir(start.join(folder)).into_iter().flatten();
    let mut items: Vec<Offer> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_match =
                name.starts_with(typed) && (!name.starts_with('.') || typed.starts_with('.'));
            // `is_dir` follows symbolic links.
            let end = if is_match && entry.path().is_dir() {
                "/"
            } else {
                ""
            };
            is_match.then(|| Offer::new(format!("{name}{end}"), "path"))
        })
        .take(MOST_ENTRIES)
        .collect();
    items.sort_by(|one, other| one.text.cmp(&other.text));
    Offers {
        replace: cursor - typed.len()..cursor,
        items,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_begin_as_typed_are_offered() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["data é.csv", "dates", ".hidden"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("dart")).unwrap();
        let root = dir.path().to_str().unwrap();
        let offered = |typed: &str| {
            let text = format!("{root}/{typed}");
            let offers = complete(&text, text.len(), Path::new("/nowhere"));
            assert_eq!(&text[offers.replace.clone()], typed);
            let texts: Vec<String> = offers.items.into_iter().map(|item| item.text).collect();
            texts.join(" | ")
        };
        assert_eq!(offered("da"), "dart/ | data é.csv | dates");
        assert_eq!(offered(""), "dart/ | data é.csv | dates");
        assert_eq!(offered(".h"), ".hidden");
        assert_eq!(offered("x"), "");
        let relative = complete("dar", 3, dir.path());
        assert_eq!(relative.items[0].text, "dart/");
        assert!(complete("no/such/folder/", 15, dir.path()).items.is_empty());
        assert!(complete("a\\\"", 3, dir.path()).items.is_empty());
    }
}
