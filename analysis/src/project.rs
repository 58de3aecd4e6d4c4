//! Reads a project from its folder, with its dependencies and the standard library, for rust-analyzer. Starts cargo,
//! writes no file, and reads each file once.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ra_ap_hir::ChangeWithProcMacros;
use ra_ap_ide::SourceRoot;
use ra_ap_ide_db::FxHashMap;
use ra_ap_paths::{AbsPath, AbsPathBuf};
use ra_ap_project_model::{CargoConfig, ProjectManifest, ProjectWorkspace, ProjectWorkspaceKind};
use ra_ap_vfs::file_set::FileSet;
use ra_ap_vfs::{FileId, VfsPath};

use crate::library;

/// Where a project is.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Contains `Cargo.toml`.
    pub project: AbsPathBuf,
    /// The source of the standard library, `None` if it is not installed.
    pub library: Option<AbsPathBuf>,
}

/// The files that have been read. Their numbers never change, as rust-analyzer demands.
pub struct Project {
    folders: Folders,
    files: HashMap<PathBuf, File>,
    next_id: u32,
}

struct File {
    id: FileId,
    /// When the file that was read had been changed last.
    changed: Option<SystemTime>,
}

impl Project {
    pub fn new(folders: Folders) -> Self {
        Self {
            folders,
            files: HashMap::new(),
            next_id: 0,
        }
    }

    /// The project's own file, whose content is never read.
    pub fn source_file(&mut self) -> FileId {
        let path = self.source_path();
        self.file(Path::new(path.as_str())).0
    }

    /// The project as it is now, as a change of rust-analyzer's state.
    ///
    /// * `with_arch`: also read `std::arch`.
    ///
    /// # Errors
    ///
    /// When cargo can't list the packages, for example because one is not downloaded yet.
    pub fn load(&mut self, with_arch: bool) -> anyhow::Result<ChangeWithProcMacros> {
        let workspace = self.workspace()?;
        let mut change = ChangeWithProcMacros::default();
        let mut own = FileSet::default();
        let (source, path) = (self.source_file(), self.source_path());
        own.insert(source, VfsPath::from(path));
        // Everything else can't be edited. So rust-analyzer checks after each change only what depends on the own
        // file, and offers no private names of other crates.
        let mut roots = vec![SourceRoot::new_local(own)];
        for root in self.library_roots(&workspace) {
            let mut set = FileSet::default();
            self.read(&root, with_arch, &mut set, &mut change);
            roots.push(SourceRoot::new_library(set));
        }
        change.set_roots(roots);
        let mut load = |path: &AbsPath| {
            let path: &Path = path.as_ref();
            self.files.get(path).map(|file| file.id)
        };
        let (graph, _) = workspace.to_crate_graph(&mut load, &FxHashMap::default());
        change.set_crate_graph(graph);
        Ok(change)
    }

    /// The packages, from cargo, and the standard library.
    fn workspace(&self) -> anyhow::Result<ProjectWorkspace> {
        let manifest = self.folders.project.join("Cargo.toml");
        let manifest = ProjectManifest::from_manifest_file(manifest)?;
        let config = CargoConfig {
            // Cargo has downloaded everything when it compiled the cells.
            metadata_extra_args: vec!["--offline".to_owned()],
            ..CargoConfig::default()
        };
        let mut workspace = ProjectWorkspace::load(manifest, &config, &|_| {})?;
        if let ProjectWorkspaceKind::Cargo {
            error: Some(error), ..
        } = &workspace.kind
        {
            anyhow::bail!("the dependencies are unknown: {error:#}");
        }
        if let Some(source) = &self.folders.library {
            workspace.sysroot = library::library(source)?;
        }
        Ok(workspace)
    }

    /// The folders whose files belong together, each with the folders in it that are not read.
    fn library_roots(&self, workspace: &ProjectWorkspace) -> Vec<Root> {
        let project: &Path = self.folders.project.as_ref();
        let library = self
            .folders
            .library
            .as_ref()
            .map(|it| -> &Path { it.as_ref() });
        let packages = workspace.to_roots().into_iter().flat_map(|root| {
            let left_out: Vec<PathBuf> = root.exclude.into_iter().map(Into::into).collect();
            root.include.into_iter().map(move |folder| Root {
                folder: folder.into(),
                left_out: left_out.clone(),
            })
        });
        let is_library = |folder: &Path| library.is_some_and(|library| folder.starts_with(library));
        let mut roots: Vec<Root> = packages
            .filter(|root| root.folder != project && !is_library(&root.folder))
            .collect();
        roots.extend(library.map(|library| Root {
            folder: library.to_owned(),
            left_out: Vec::new(),
        }));
        roots
    }

    /// Adds the files of `root` to `set`, and to `change` those that are new.
    fn read(
        &mut self,
        root: &Root,
        with_arch: bool,
        set: &mut FileSet,
        change: &mut ChangeWithProcMacros,
    ) {
        let is_std = self
            .folders
            .library
            .as_ref()
            .is_some_and(|library| root.folder == AsRef::<Path>::as_ref(library));
        let mut folders: Vec<PathBuf> = if is_std {
            let arch = with_arch.then(|| root.folder.join(library::ARCH));
            library::folders(&root.folder).chain(arch).collect()
        } else {
            vec![root.folder.clone()]
        };
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if path.is_dir() {
                    let name = entry.file_name();
                    let is_left_out = root.left_out.contains(&path)
                        || name.as_encoded_bytes().starts_with(b".")
                        || is_std && library::LEFT_OUT.iter().any(|left_out| name == **left_out);
                    // A link to a folder could lead back.
                    if !is_left_out && !kind.is_symlink() {
                        folders.push(path);
                    }
                } else if path.extension().is_some_and(|end| end == "rs") {
                    self.read_file(&path, set, change);
                }
            }
        }
    }

    fn read_file(&mut self, path: &Path, set: &mut FileSet, change: &mut ChangeWithProcMacros) {
        let Some(text_path) = path.to_str() else {
            return;
        };
        let changed = fs::metadata(path).and_then(|file| file.modified()).ok();
        let (id, is_new) = self.file(path);
        let known = self.files.get_mut(path);
        let is_changed =
            known.is_some_and(|known| std::mem::replace(&mut known.changed, changed) != changed);
        set.insert(id, VfsPath::new_real_path(text_path.to_owned()));
        if is_new || is_changed {
            // rust-analyzer takes a file that can't be read for an empty one.
            change.change_file(id, fs::read_to_string(path).ok());
        }
    }

    /// The number of a file, and whether it is new.
    fn file(&mut self, path: &Path) -> (FileId, bool) {
        if let Some(file) = self.files.get(path) {
            return (file.id, false);
        }
        let id = FileId::from_raw(self.next_id);
        self.next_id += 1;
        let changed = None;
        self.files.insert(path.to_owned(), File { id, changed });
        (id, true)
    }

    fn source_path(&self) -> AbsPathBuf {
        self.folders.project.join("src/lib.rs")
    }
}

/// A folder whose files belong together.
struct Root {
    folder: PathBuf,
    left_out: Vec<PathBuf>,
}

/// The content of the two files that decide about a project's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    manifest: Option<Vec<u8>>,
    lock: Option<Vec<u8>>,
}

impl Manifest {
    pub fn read(project: &Path) -> Self {
        let content = |name: &str| fs::read(project.join(name)).ok();
        Self {
            manifest: content("Cargo.toml"),
            lock: content("Cargo.lock"),
        }
    }
}
