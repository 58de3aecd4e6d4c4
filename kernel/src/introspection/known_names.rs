//! Completes names without rust-analyzer, while it is loading or if the user has turned it off.

use crate::shared::notebook_view::NotebookView;

use super::completion_item::Offer;

/// The keywords with which code in a cell can begin, and values.
const KEYWORDS: [&str; 22] = [
    "as", "async", "await", "break", "const", "continue", "else", "enum", "false", "fn", "for",
    "impl", "let", "loop", "match", "mod", "return", "static", "struct", "true", "use", "while",
];

/// The variables and items of the notebook that begin with `typed`, then keywords.
pub fn offers(view: &NotebookView, typed: &str) -> Vec<Offer> {
    let is_variable = |name: &str| view.variables.iter().any(|it| it.name == name);
    let mut names: Vec<&String> = view.names.iter().collect();
    names.sort_by_key(|name| (!is_variable(name), name.to_lowercase()));
    names.dedup();
    let names = names.into_iter().map(|name| {
        let kind = match is_variable(name) {
            true => "instance",
            false if name.starts_with(char::is_uppercase) => "class",
            false => "function",
        };
        Offer::new(name.clone(), kind)
    });
    // An empty prefix fits every keyword, and nobody looks for one then.
    let keywords = KEYWORDS.iter().filter(|_| !typed.is_empty());
    let keywords = keywords.map(|word| Offer::new((*word).to_owned(), "keyword"));
    let all = names.chain(keywords);
    all.filter(|offer| offer.text.starts_with(typed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::notebook_view::ViewedVariable;

    #[test]
    fn variables_come_before_items_and_keywords() {
        let variable = |name: &str| ViewedVariable {
            name: name.to_owned(),
            is_mutable: true,
            type_name: "i32".to_owned(),
        };
        let view = NotebookView {
            items: String::new(),
            variables: vec![variable("form"), variable("x")],
            names: ["fold", "form", "x", "Fog"].map(str::to_owned).to_vec(),
        };
        let texts = |typed| {
            let texts = offers(&view, typed).into_iter().map(|offer| offer.text);
            texts.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(texts("fo"), "form fold for");
        assert_eq!(texts(""), "form x Fog fold");
    }
}
