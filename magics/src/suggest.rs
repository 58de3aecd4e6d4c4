//! Guesses which word the user meant, for "did you mean".

/// The candidate nearest to `typed`: the one with the fewest typing mistakes. At most one mistake is allowed in a
/// word of up to four characters, and two in a longer one. If no candidate is that near, the only one that
/// begins with `typed`, if exactly one does.
pub(crate) fn nearest<'word>(
    typed: &str,
    candidates: impl Iterator<Item = &'word str>,
) -> Option<&'word str> {
    let typed = typed.to_lowercase();
    let allowed = if typed.chars().count() <= 4 { 1 } else { 2 };
    let candidates: Vec<&str> = candidates.collect();
    let by_mistakes = candidates
        .iter()
        .map(|word| (strsim::osa_distance(&typed, word), *word));
    if let Some((mistakes, word)) = by_mistakes.min_by_key(|&(mistakes, _)| mistakes)
        && mistakes <= allowed
    {
        return Some(word);
    }
    let mut beginnings = candidates
        .iter()
        .filter(|word| typed.len() > 1 && word.starts_with(&typed));
    match (beginnings.next(), beginnings.next()) {
        (Some(word), None) => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_has_few_mistakes_or_the_same_start() {
        let near = |typed| {
            nearest(
                typed,
                ["cpus", "pool", "time", "timeit", "compare"].into_iter(),
            )
        };
        assert_eq!(near("timit"), Some("timeit"));
        assert_eq!(near("TimeIt"), Some("timeit"));
        assert_eq!(near("cpu"), Some("cpus"));
        assert_eq!(near("opol"), Some("pool"));
        assert_eq!(near("comp"), Some("compare"));
        assert_eq!(near("ti"), None, "two words begin with it");
        assert_eq!(near("p"), None, "one character says too little");
        assert_eq!(near("matplotlib"), None);
    }
}
