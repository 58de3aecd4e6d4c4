//! Converts rust-analyzer's completions: keeps what a client can insert as it is. Chooses none by its rank.

use ra_ap_ide::{
    CallableSnippets, CompletionConfig, CompletionFieldsToResolve, CompletionItem,
    CompletionItemKind, RaFixtureConfig, SymbolKind,
};
use ra_ap_ide_completion::CompletionRelevanceTypeMatch;
use ra_ap_ide_db::SnippetCap;
use ra_ap_ide_db::imports::insert_use::{ImportGranularity, InsertUseConfig, PrefixKind};

use crate::protocol::{Completion, Completions, Kind};

/// Private names are left out, and so is everything that would edit other code than the name.
pub fn config() -> CompletionConfig<'static> {
    CompletionConfig {
        enable_postfix_completions: false,
        enable_imports_on_the_fly: false,
        enable_self_on_the_fly: true,
        enable_auto_iter: true,
        enable_auto_await: true,
        enable_private_editable: false,
        enable_term_search: false,
        term_search_fuel: 0,
        full_function_signatures: false,
        callable: Some(CallableSnippets::FillArguments),
        add_colons_to_module: false,
        add_semicolon_to_unit: false,
        // The arguments of functions are only in snippets.
        snippet_cap: SnippetCap::new(true),
        insert_use: InsertUseConfig {
            granularity: ImportGranularity::Item,
            enforce_granularity: false,
            prefix_kind: PrefixKind::ByCrate,
            group: false,
            skip_glob_imports: false,
        },
        prefer_no_std: false,
        prefer_prelude: false,
        prefer_absolute: false,
        snippets: Vec::new(),
        limit: None,
        fields_to_resolve: CompletionFieldsToResolve::empty(),
        exclude_flyimport: Vec::new(),
        exclude_traits: &[],
        ra_fixture: RaFixtureConfig::default(),
    }
}

/// * `offset`: where the completions were asked for.
pub fn convert(found: Vec<CompletionItem>, offset: usize) -> Completions {
    let range = found.first().map(|item| item.source_range);
    let (start, end) = range.map_or((offset, offset), |range| {
        (range.start().into(), range.end().into())
    });
    let items = found.iter().filter(|item| Some(item.source_range) == range);
    Completions {
        start,
        end,
        items: items.filter_map(convert_item).collect(),
    }
}

fn convert_item(item: &CompletionItem) -> Option<Completion> {
    let kind = kind(item.kind)?;
    let name = name(&item.label.primary, kind)?;
    let inserted = item
        .text_edit
        .iter()
        .last()
        .map(|edit| edit.insert.as_str());
    // The brackets of a macro do not show its arguments.
    let signature = inserted
        .filter(|_| kind == Kind::Function)
        .and_then(|inserted| signature(&without_placeholders(inserted)));
    let relevance = item.relevance;
    let has_type = relevance.type_match == Some(CompletionRelevanceTypeMatch::Exact);
    Some(Completion {
        name: name.to_owned(),
        kind,
        signature,
        is_expected: relevance.exact_name_match || has_type,
        is_detour: relevance.is_skipping_completion,
        is_deprecated: item.deprecated,
    })
}

/// None for what inserts more than a name.
fn kind(kind: CompletionItemKind) -> Option<Kind> {
    Some(match kind {
        CompletionItemKind::SymbolKind(symbol) => match symbol {
            SymbolKind::Function | SymbolKind::Method => Kind::Function,
            SymbolKind::Struct
            | SymbolKind::Enum
            | SymbolKind::Union
            | SymbolKind::Trait
            | SymbolKind::TypeAlias
            | SymbolKind::TypeParam
            | SymbolKind::SelfType
            | SymbolKind::Impl => Kind::Type,
            SymbolKind::Module | SymbolKind::CrateRoot | SymbolKind::ToolModule => Kind::Module,
            SymbolKind::Macro
            | SymbolKind::ProcMacro
            | SymbolKind::Derive
            | SymbolKind::DeriveHelper
            | SymbolKind::Attribute
            | SymbolKind::BuiltinAttr => Kind::Macro,
            SymbolKind::Field => Kind::Field,
            SymbolKind::Local
            | SymbolKind::SelfParam
            | SymbolKind::ValueParam
            | SymbolKind::Label
            | SymbolKind::LifetimeParam => Kind::Variable,
            SymbolKind::Const
            | SymbolKind::ConstParam
            | SymbolKind::Static
            | SymbolKind::Variant
            | SymbolKind::InlineAsmRegOrRegClass => Kind::Value,
        },
        CompletionItemKind::Binding => Kind::Variable,
        CompletionItemKind::BuiltinType | CompletionItemKind::InferredType => Kind::Type,
        CompletionItemKind::Keyword => Kind::Keyword,
        CompletionItemKind::Snippet
        | CompletionItemKind::UnresolvedReference
        | CompletionItemKind::Expression => return None,
    })
}

/// The name, which is what a completion inserts.
///
/// Examples of labels: `map(…)`, `len()`, `println!(…)`, `Vec<…>`, `iter().map(…)`, `if let`.
fn name(label: &str, kind: Kind) -> Option<&str> {
    let last = label.rfind("().").map_or(0, |detour| detour + "().".len());
    let end = match kind {
        Kind::Keyword => None,
        _ => label[last..]
            .find(['(', '<', '{', '[', ' ', ','])
            .map(|end| last + end),
    };
    let name = label[..end.unwrap_or(label.len())].trim_end_matches("::");
    (!name[last.min(name.len())..].is_empty()).then_some(name)
}

/// The arguments of a function, such as `(f, items)`, from the code that would call it.
fn signature(call: &str) -> Option<String> {
    let call = call.trim_end_matches([';', ',']);
    let open = match call.find("().") {
        Some(detour) => detour + "().".len() + call[detour + "().".len()..].find('(')?,
        None => call.find('(')?,
    };
    call.ends_with(')').then(|| call[open..].to_owned())
}

/// The text of a snippet: `f(${1:x})$0` is `f(x)`.
fn without_placeholders(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet;
    while let Some(start) = rest.find('$') {
        text.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(inner) = rest.strip_prefix('{') {
            let end = inner.find('}').unwrap_or(inner.len());
            let (_, shown) = inner[..end].split_once(':').unwrap_or_default();
            text.push_str(shown);
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_is_inserted() {
        let named = |label, kind| name(label, kind).unwrap_or("∅").to_owned();
        assert_eq!(named("map(…)", Kind::Function), "map");
        assert_eq!(named("println!(…)", Kind::Macro), "println!");
        assert_eq!(named("Vec<…>", Kind::Type), "Vec");
        assert_eq!(named("iter().map(…)", Kind::Function), "iter().map");
        assert_eq!(named("if let", Kind::Keyword), "if let");
        assert_eq!(named("(…)", Kind::Function), "∅");
    }

    #[test]
    fn signatures_show_arguments() {
        let shown = |snippet| signature(&without_placeholders(snippet)).unwrap_or_default();
        assert_eq!(shown("scale(${1:value}, ${2:factor})$0"), "(value, factor)");
        assert_eq!(shown("len()$0"), "()");
        assert_eq!(shown("push(${1:value});$0"), "(value)");
        assert_eq!(shown("iter().map(${1:f})$0"), "(f)");
        assert_eq!(shown("name"), "");
    }
}
