//! rust-analyzer with one project. Answers about a source that is only in memory: the compiler owns the file.

use anyhow::Context;
use ra_ap_hir::ChangeWithProcMacros;
use ra_ap_ide::{
    AnalysisHost, FilePosition, FileRange, HoverConfig, HoverDocFormat, RaFixtureConfig,
    SubstTyLen, TextRange, TextSize,
};
use ra_ap_vfs::FileId;

use crate::completions;
use crate::project::{Folders, Manifest, Project};
use crate::protocol::{Completions, Place};

/// Analysed after a project has been loaded, so that the first question does not wait for it.
const WARM_UP: (&str, &str) = (
    "fn f() { let doubled = vec![1i64, 2].iter().map(|x| x * 2).collect::<Vec<_>>(); doubled.",
    " }",
);

pub struct Host {
    folders: Folders,
    project: Project,
    analysis: AnalysisHost,
    source_file: FileId,
    source: String,
    loaded: Option<Loaded>,
}

/// What has been loaded.
#[derive(PartialEq, Eq)]
struct Loaded {
    manifest: Manifest,
    with_arch: bool,
}

impl Host {
    pub fn new(folders: Folders) -> Self {
        let mut project = Project::new(folders.clone());
        let source_file = project.source_file();
        Self {
            folders,
            project,
            analysis: AnalysisHost::default(),
            source_file,
            source: String::new(),
            loaded: None,
        }
    }

    /// Loads the project, and analyses what most questions need.
    pub fn load(&mut self) -> anyhow::Result<()> {
        let (before, after) = WARM_UP;
        let place = Place {
            source: format!("{before}{after}"),
            offset: before.len(),
        };
        self.completions(&place).map(drop)
    }

    pub fn completions(&mut self, place: &Place) -> anyhow::Result<Completions> {
        let position = FilePosition {
            file_id: self.source_file,
            offset: self.set(place)?,
        };
        let found = self
            .analysis
            .analysis()
            .completions(&completions::config(), position, None)?;
        Ok(completions::convert(
            found.unwrap_or_default(),
            place.offset,
        ))
    }

    /// The documentation of the name at a place, as Markdown.
    pub fn hover(&mut self, place: &Place) -> anyhow::Result<Option<String>> {
        let range = FileRange {
            file_id: self.source_file,
            range: TextRange::empty(self.set(place)?),
        };
        let config = HoverConfig {
            links_in_hover: true,
            memory_layout: None,
            documentation: true,
            keywords: true,
            format: HoverDocFormat::Markdown,
            max_trait_assoc_items_count: None,
            max_fields_count: Some(5),
            max_enum_variants_count: Some(5),
            max_subst_ty_len: SubstTyLen::Unlimited,
            show_drop_glue: false,
            ra_fixture: RaFixtureConfig::default(),
        };
        let found = self.analysis.analysis().hover(&config, range)?;
        Ok(found.map(|found| found.info.markup.to_string()))
    }

    /// Sets the source of the project, which is loaded again if it has changed. Returns the offset.
    fn set(&mut self, place: &Place) -> anyhow::Result<TextSize> {
        let offset = u32::try_from(place.offset)?;
        anyhow::ensure!(
            place.source.is_char_boundary(place.offset),
            "byte {offset} is not the start of a character"
        );
        let mut change = self.loaded_project(has_arch(&place.source))?;
        if let Some(change) = &mut change {
            change.change_file(self.source_file, Some(place.source.clone()));
        } else if self.source != place.source {
            let mut own = ChangeWithProcMacros::default();
            own.change_file(self.source_file, Some(place.source.clone()));
            change = Some(own);
        }
        if let Some(change) = change {
            self.analysis.apply_change(change);
            self.source.clone_from(&place.source);
        }
        Ok(TextSize::from(offset))
    }

    /// The project, if it must be loaded now.
    fn loaded_project(&mut self, needs_arch: bool) -> anyhow::Result<Option<ChangeWithProcMacros>> {
        let with_arch = needs_arch || self.loaded.as_ref().is_some_and(|it| it.with_arch);
        let manifest = Manifest::read(self.folders.project.as_ref());
        let needed = Loaded {
            manifest,
            with_arch,
        };
        if self.loaded.as_ref() == Some(&needed) {
            return Ok(None);
        }
        match self.project.load(with_arch) {
            Ok(change) => {
                self.loaded = Some(needed);
                Ok(Some(change))
            }
            // Cargo may be in the middle of adding a dependency. The next question tries again.
            Err(_) if self.loaded.is_some() => Ok(None),
            Err(error) => Err(error).context("the project can't be loaded"),
        }
    }
}

/// Whether `source` names `std::arch`.
fn has_arch(source: &str) -> bool {
    let is_ident = |c: char| c.is_alphanumeric() || c == '_';
    source.split(|c| !is_ident(c)).any(|word| word == "arch")
}

#[cfg(test)]
mod tests;
