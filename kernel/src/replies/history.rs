//! `history_reply`: what was run in this session.

use jupyter_protocol::{HistoryEntry, HistoryReply, HistoryRequest};

/// The session that runs now. Requests call it 0, and earlier ones by negative numbers.
const THIS_SESSION: usize = 1;

/// The cells that were run and stored, oldest first.
#[derive(Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    count: usize,
    code: String,
}

impl History {
    /// Notes a cell.
    pub fn push(&mut self, count: usize, code: &str) {
        self.entries.push(Entry {
            count,
            code: code.to_owned(),
        });
    }

    pub fn reply(&self, request: &HistoryRequest) -> HistoryReply {
        let (found, with_output) = match request {
            HistoryRequest::Tail { n, output, .. } => {
                (last(self.entries.iter().collect(), *n), *output)
            }
            HistoryRequest::Range {
                session,
                start,
                stop,
                output,
                ..
            } => (self.range(session.unwrap_or(0), *start, *stop), *output),
            HistoryRequest::Search {
                pattern,
                unique,
                output,
                n,
                ..
            } => (last(self.search(pattern, *unique), *n), *output),
        };
        HistoryReply::new(
            found
                .into_iter()
                .map(|entry| entry.to_wire(with_output))
                .collect(),
        )
    }

    /// Counts from `start` up to and without `stop`.
    fn range(&self, session: i32, start: i32, stop: i32) -> Vec<&Entry> {
        if session != 0 && usize::try_from(session) != Ok(THIS_SESSION) {
            return Vec::new();
        }
        let is_inside = |entry: &&Entry| {
            let count = i32::try_from(entry.count).unwrap_or(i32::MAX);
            start <= count && count < stop
        };
        self.entries.iter().filter(is_inside).collect()
    }

    fn search(&self, pattern: &str, unique: bool) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = Vec::new();
        for entry in self
            .entries
            .iter()
            .filter(|entry| matches_glob(pattern, &entry.code))
        {
            if unique {
                found.retain(|earlier| earlier.code != entry.code);
            }
            found.push(entry);
        }
        found
    }
}

impl Entry {
    fn to_wire(&self, with_output: bool) -> HistoryEntry {
        if with_output {
            HistoryEntry::InputOutput(THIS_SESSION, self.count, (self.code.clone(), String::new()))
        } else {
            HistoryEntry::Input(THIS_SESSION, self.count, self.code.clone())
        }
    }
}

fn last(entries: Vec<&Entry>, most: i32) -> Vec<&Entry> {
    let most = usize::try_from(most).unwrap_or(0);
    let skipped = entries.len().saturating_sub(most);
    entries.into_iter().skip(skipped).collect()
}

/// Whether `text` matches a glob: `*` stands for any text, `?` for one character.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(&expected), _) if expected == '?' || expected == text[t] => {
                p += 1;
                t += 1;
            }
            (_, Some((star_p, star_t))) => {
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let mut history = History::default();
        for (count, code) in ["let a = 1;", "a + 1", "%cpus", "a + 1"].iter().enumerate() {
            history.push(count + 1, code);
        }
        history
    }

    fn counts(request: &HistoryRequest) -> Vec<u64> {
        let reply = serde_json::to_value(history().reply(request)).unwrap();
        reply["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry[1].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn tail_gives_the_newest_in_order() {
        assert_eq!(
            counts(&HistoryRequest::Tail {
                n: 2,
                output: false,
                raw: true
            }),
            [3, 4]
        );
        assert_eq!(
            counts(&HistoryRequest::Tail {
                n: 99,
                output: false,
                raw: true
            }),
            [1, 2, 3, 4]
        );
        assert!(
            counts(&HistoryRequest::Tail {
                n: -1,
                output: false,
                raw: true
            })
            .is_empty()
        );
    }

    #[test]
    fn range_leaves_out_its_end() {
        let range = |session, start, stop| {
            counts(&HistoryRequest::Range {
                session: Some(session),
                start,
                stop,
                output: false,
                raw: true,
            })
        };
        assert_eq!(range(0, 2, 4), [2, 3]);
        assert!(range(-1, 0, 99).is_empty());
    }

    #[test]
    fn search_takes_globs_and_keeps_the_newest_of_equals() {
        let search = |pattern: &str, unique| {
            let pattern = pattern.to_owned();
            counts(&HistoryRequest::Search {
                pattern,
                unique,
                output: false,
                raw: true,
                n: 99,
            })
        };
        assert_eq!(search("a*", false), [2, 4]);
        assert_eq!(search("a*", true), [4]);
        assert_eq!(search("?cpus", false), [3]);
        assert_eq!(search("*1*", false), [1, 2, 4]);
        assert!(search("cpus", false).is_empty());
    }
}
