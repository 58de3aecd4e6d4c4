//! Builds real templates of a tiny runtime with the real cargo, and uses sessions as `evcxr` does.

#![allow(clippy::unwrap_used, reason = "a test's failure is the message")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use corebook_build::{
    Cache, CrateRequest, Error, Prebuild, RuntimeSource, Session, Template, Toolchain,
};

const MANIFEST: &str = r#"
[package]
name = "corebook"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["lib", "dylib"]

[dependencies]
either = "1"

[workspace]
"#;

const LIBRARY: &str =
    "pub fn answer() -> u32 { either::Either::<u32, u32>::Left(42).into_inner() }\n";

const CELL: &str =
    "#[unsafe(no_mangle)]\npub extern \"C\" fn cell() -> u32 { corebook::answer() }\n";

/// The file in which a build names the library that it wrote.
const RESULT_FILE: &str = "result";

/// A cache, and a runtime that builds in seconds.
struct Fixture {
    folder: tempfile::TempDir,
    toolchain: Toolchain,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("corebook é ")
            .tempdir()
            .unwrap();
        Self {
            folder,
            toolchain: Toolchain::of_user(None).unwrap(),
        }
    }

    fn prebuild(&self) -> Prebuild {
        self.prebuild_of(LIBRARY, &[])
    }

    fn prebuild_of(&self, library: &str, crates: &[CrateRequest]) -> Prebuild {
        let files = [("Cargo.toml", MANIFEST), ("src/lib.rs", library)];
        let files = files
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
            .to_vec();
        // The versions this workspace uses, so that nothing is downloaded.
        let runtime = RuntimeSource {
            files,
            lock: RuntimeSource::embedded().lock,
        };
        Prebuild::of(self.cache(), &self.toolchain, runtime, crates)
    }

    fn cache(&self) -> Cache {
        Cache::at(&self.folder.path().join("cache")).unwrap()
    }

    fn template(&self) -> Template {
        self.prebuild().ensure(&mut |_| {}).unwrap()
    }

    fn entries(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.cache().root().join(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn session_of(template: &Template) -> Session {
    let compiler = Path::new(env!("CARGO_BIN_EXE_cargo-shim"));
    Session::create(template, compiler).unwrap()
}

/// Writes what `evcxr` writes once the runtime is a dependency.
fn use_runtime(session: &Session, template: &Template, more: &str) {
    let path = session.work_dir().join("Cargo.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let (head, _) = manifest.split_once("[dependencies]").unwrap();
    let text = format!(
        "{head}[dependencies]\ncorebook = {}\n{more}\n",
        template.dependency_config()
    );
    fs::write(path, text).unwrap();
    fs::write(session.work_dir().join("src/lib.rs"), CELL).unwrap();
}

/// Runs cargo as `evcxr` does, without a network.
fn cargo(session: &Session, template: &Template, subcommand: &str) -> Output {
    let mut path = session.tool_dirs();
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new(path[0].join("cargo"));
    command
        .args(["--offline", subcommand])
        .current_dir(session.work_dir())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("CARGO_TARGET_DIR", "target")
        .env("CARGO_BUILD_BUILD_DIR", "target")
        .env("RUSTC", &template.toolchain().rustc)
        .env("RUSTFLAGS", "-Cprefer-dynamic")
        .env(
            "EVCXR_EXECUTION_SO_PATH",
            session.work_dir().join(RESULT_FILE),
        )
        .envs(template.build_envs().iter().copied());
    if subcommand != "metadata" {
        command.args([
            "--target",
            &template.toolchain().host,
            "--message-format=json",
        ]);
    }
    command.output().unwrap()
}

/// The crates cargo compiled, which must have succeeded.
fn compiled(output: &Output) -> Vec<String> {
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{log}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let lines = log.lines().map(str::split_whitespace);
    let crates = lines.filter_map(|mut words| match words.next()? {
        "Compiling" | "Checking" | "Dirty" | "Downloading" => words.next().map(str::to_owned),
        _ => None,
    });
    crates.collect()
}

#[test]
fn a_session_compiles_only_the_cell() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    use_runtime(&session, &template, "");
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
    assert_eq!(compiled(&cargo(&session, &template, "check")), ["ctx"]);
    assert!(session.runtime_library().unwrap().is_file());
}

#[test]
fn a_cache_may_lie_in_a_workspace_of_cargo() {
    let fixture = Fixture::new();
    let workspace = "[workspace]\nmembers = []\n";
    fs::write(fixture.folder.path().join("Cargo.toml"), workspace).unwrap();
    let template = fixture.template();
    let session = session_of(&template);
    use_runtime(&session, &template, "");
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
}

#[cfg(unix)]
#[test]
fn only_the_first_of_equal_builds_needs_cargo() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    use_runtime(&session, &template, "");
    let write = |file: &str, text: &str| fs::write(session.work_dir().join(file), text).unwrap();
    let build = || {
        write("src/lib.rs", CELL);
        compiled(&cargo(&session, &template, "build"))
    };
    let through_cargo = ["ctx"];
    assert_eq!(build(), through_cargo);

    let library = session.work_dir().join(RESULT_FILE);
    fs::write(&library, "").unwrap();
    assert!(build().is_empty());
    let library = PathBuf::from(fs::read_to_string(&library).unwrap());
    assert!(library.is_file(), "{}", library.display());

    write("src/lib.rs", "pub fn wrong() -> u32 { \"text\" }\n");
    let failed = cargo(&session, &template, "build");
    assert!(!failed.status.success());
    let messages = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(messages.contains("\"code\":\"E0308\""), "{messages}");

    let manifest = fs::read_to_string(session.work_dir().join("Cargo.toml")).unwrap();
    let slower = manifest.replace("opt-level = 3", "opt-level = 1");
    write("Cargo.toml", &slower);
    assert_eq!(build(), through_cargo);
    assert!(build().is_empty());
    write(".cargo/config.toml", "\n[net]\noffline = true\n");
    assert_eq!(build(), through_cargo);
    let runtime = session.runtime_library().unwrap();
    fs::remove_file(&runtime).unwrap();
    assert_eq!(build(), ["corebook", "ctx"]);
    assert!(build().is_empty());
}

#[cfg(unix)]
#[test]
fn a_crate_in_a_folder_can_change_and_compiles_are_counted() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    let other = fixture.folder.path().join("other");
    fs::create_dir_all(other.join("src")).unwrap();
    let manifest = "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(other.join("Cargo.toml"), manifest).unwrap();
    fs::write(other.join("src/lib.rs"), "").unwrap();
    let dependency = format!("other = {{ path = {other:?} }}");
    use_runtime(&session, &template, &dependency);
    for _ in 0..2 {
        fs::write(other.join("src/lib.rs"), "pub fn changed() {}\n").unwrap();
        let output = cargo(&session, &template, "build");
        assert_eq!(compiled(&output), ["other", "ctx"]);
        let compiles = session.take_compiles();
        assert_eq!(compiles.len(), 1);
        assert!(
            compiles[0]
                .rustc
                .is_some_and(|rustc| rustc >= compiles[0].called)
        );
    }
}

#[test]
fn a_session_that_compiled_leaves_the_next_one_fresh() {
    let fixture = Fixture::new();
    let template = fixture.template();
    for _ in 0..2 {
        let session = session_of(&template);
        use_runtime(&session, &template, "");
        assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
    }
    let (one, two) = (session_of(&template), session_of(&template));
    assert_ne!(one.work_dir(), two.work_dir());
    use_runtime(&two, &template, "");
    assert_eq!(compiled(&cargo(&two, &template, "build")), ["ctx"]);
}

#[test]
fn a_later_dependency_shares_what_is_built() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    use_runtime(&session, &template, "either = \"1\"");
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
}

#[cfg(unix)]
#[test]
fn checking_another_dependency_keeps_the_locked_versions() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    let work = session.work_dir();
    use_runtime(&session, &template, "");
    compiled(&cargo(&session, &template, "build"));
    let (manifest, lock) = (work.join("Cargo.toml"), work.join("Cargo.lock"));
    let (manifest_before, lock_before) = (
        fs::read_to_string(&manifest).unwrap(),
        fs::read_to_string(&lock).unwrap(),
    );
    let check = "[package]\nname = \"evcxr_dummy_validate_dep\"\nversion = \"0.0.1\"\nedition = \"2024\"\n\
                 [lib]\npath = \"lib.rs\"\n[dependencies]\ncfg-if = \"1\"\n";
    fs::write(&manifest, check).unwrap();
    fs::write(work.join("lib.rs"), "").unwrap();
    compiled(&cargo(&session, &template, "metadata"));
    assert_eq!(fs::read_to_string(&lock).unwrap(), lock_before);
    fs::write(&manifest, manifest_before).unwrap();
    fs::write(work.join("src/lib.rs"), format!("{CELL}// changed\n")).unwrap();
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
}

#[test]
fn another_optimisation_level_changes_only_the_cells() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    use_runtime(&session, &template, "");
    let manifest = session.work_dir().join("Cargo.toml");
    let slow = fs::read_to_string(&manifest)
        .unwrap()
        .replace("opt-level = 3", "opt-level = 0");
    fs::write(&manifest, slow).unwrap();
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
    assert!(session.is_runtime_original().unwrap());
}

#[test]
fn recompiling_the_runtime_is_noticed_and_stays_in_the_session() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    use_runtime(
        &session,
        &template,
        "either = { version = \"1\", features = [\"use_std\"] }",
    );
    assert!(session.is_runtime_original().unwrap());
    assert!(compiled(&cargo(&session, &template, "build")).contains(&"corebook".to_owned()));
    assert!(!session.is_runtime_original().unwrap());
    let next = session_of(&template);
    assert!(next.is_runtime_original().unwrap());
    use_runtime(&next, &template, "");
    assert_eq!(compiled(&cargo(&next, &template, "build")), ["ctx"]);
}

/// The one test that builds the runtime itself.
#[test]
fn features_that_other_crates_enable_are_built_in() {
    let fixture = Fixture::new();
    let prebuild = Prebuild::of(
        fixture.cache(),
        &fixture.toolchain,
        RuntimeSource::embedded(),
        &[],
    );
    let template = prebuild.ensure(&mut |_| {}).unwrap();
    let session = session_of(&template);
    let dependencies = "rayon = \"1\"\neither = { version = \"1\", features = [\"use_std\"] }\n\
                  libc = { version = \"0.2\", features = [\"extra_traits\"] }\n";
    use_runtime(&session, &template, dependencies);
    fs::write(session.work_dir().join("src/lib.rs"), "pub fn cell() {}\n").unwrap();
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
}

#[test]
fn an_existing_template_is_returned_without_output() {
    let fixture = Fixture::new();
    let mut lines = Vec::new();
    assert!(fixture.prebuild().existing().is_none());
    fixture
        .prebuild()
        .ensure(&mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("compiling corebook v0.1.0")),
        "{lines:?}"
    );
    let mut lines = Vec::new();
    fixture
        .prebuild()
        .ensure(&mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert_eq!(lines, Vec::<String>::new());
    assert!(fixture.prebuild().existing().is_some());
}

#[test]
fn two_starts_at_once_build_one_template() {
    let fixture = Fixture::new();
    let built = std::thread::scope(|scope| {
        let threads = [(), ()].map(|()| {
            scope.spawn(|| {
                let mut compiled = false;
                fixture
                    .prebuild()
                    .ensure(&mut |line| compiled |= line.starts_with("compiling corebook"))
                    .unwrap();
                compiled
            })
        });
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(built.iter().filter(|compiled| **compiled).count(), 1);
    assert_eq!(fixture.entries("templates").len(), 1);
}

#[test]
fn the_next_build_removes_leftovers_of_a_killed_one() {
    let fixture = Fixture::new();
    let leftover = fixture
        .cache()
        .root()
        .join("templates/building-killed/work/src");
    fs::create_dir_all(&leftover).unwrap();
    fixture.template();
    assert_eq!(fixture.entries("templates").len(), 1);
}

#[test]
fn a_runtime_that_does_not_compile_leaves_nothing_and_shows_why() {
    let fixture = Fixture::new();
    let error = fixture
        .prebuild_of("pub fn answer() -> u32 { \"no\" }", &[])
        .ensure(&mut |_| {})
        .unwrap_err();
    assert!(error.to_string().contains("mismatched types"), "{error}");
    assert_eq!(fixture.entries("templates"), Vec::<String>::new());
}

#[test]
fn a_template_that_lost_a_part_is_built_again() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let host = template.toolchain().host.clone();
    let deps = template
        .work_dir()
        .join("target")
        .join(host)
        .join("debug/deps");
    fs::remove_dir_all(deps).unwrap();
    assert!(fixture.prebuild().existing().is_none());
    let session = session_of(&fixture.template());
    assert!(session.runtime_library().unwrap().is_file());
    assert_eq!(fixture.entries("templates").len(), 1);
}

#[test]
fn another_compiler_makes_the_old_template_stale() {
    let fixture = Fixture::new();
    assert_eq!(fixture.prebuild().stale(), None);
    fixture.template();
    assert_eq!(fixture.prebuild().stale(), None);
    let mut newer = fixture.prebuild();
    let version = &newer.toolchain.verbose_version;
    newer.toolchain.verbose_version = version.replace("release: ", "release: 1");
    assert!(newer.existing().is_none());
    let built_for = format!("rustc {}", fixture.toolchain.version);
    assert_eq!(newer.stale(), Some(built_for));
    let crates = CrateRequest::parse_list("rand").unwrap();
    let richer = fixture.prebuild_of(LIBRARY, &crates);
    assert_eq!(richer.stale(), Some("no further crates".to_owned()));
}

/// A class shares the template that its teacher has built.
#[cfg(unix)]
#[test]
fn others_can_read_a_template() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let template = fixture.template();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    let probe = fixture.folder.path().join("probe");
    fs::create_dir(&probe).unwrap();
    let root = fixture.cache().root().to_owned();
    for folder in template
        .work_dir()
        .ancestors()
        .take_while(|dir| dir.starts_with(&root))
    {
        assert_eq!(mode(folder), mode(&probe), "{}", folder.display());
    }
    assert_eq!(mode(&root.join("runtime")), mode(&probe));
}

#[test]
fn downloaded_crates_need_no_network() {
    let fixture = Fixture::new();
    assert!(!fixture.template().needs_network());
}

#[test]
fn a_source_that_was_deleted_is_unpacked_again_without_a_build() {
    let fixture = Fixture::new();
    let template = fixture.template();
    fs::remove_dir_all(fixture.cache().root().join("runtime")).unwrap();
    let mut lines = Vec::new();
    fixture
        .prebuild()
        .ensure(&mut |line| lines.push(line.to_owned()))
        .unwrap();
    assert_eq!(lines, Vec::<String>::new());
    let session = session_of(&template);
    use_runtime(&session, &template, "");
    assert_eq!(compiled(&cargo(&session, &template, "build")), ["ctx"]);
}

#[test]
fn dropped_sessions_are_removed_and_stale_ones_swept() {
    let fixture = Fixture::new();
    let template = fixture.template();
    let session = session_of(&template);
    let live = session.work_dir();
    let sessions = fixture.cache().root().join("sessions");
    fs::create_dir_all(sessions.join("stale/work")).unwrap();
    fs::write(sessions.join("stale.lock"), "").unwrap();
    let other = session_of(&template);
    assert!(live.is_dir(), "a live session stays");
    assert!(!sessions.join("stale").exists());
    drop((session, other));
    assert_eq!(fixture.entries("sessions"), ["sweep.lock"]);
}

#[test]
fn a_session_that_is_removed_before_it_is_filled_leaves_nothing() {
    let fixture = Fixture::new();
    let session = Session::reserve(&fixture.template()).unwrap();
    session.remove();
    session.fill(Path::new("no-compiler")).unwrap();
    assert_eq!(fixture.entries("sessions"), ["sweep.lock"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_look_into_a_session() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let session = session_of(&fixture.template());
    let folder: PathBuf = session.work_dir().parent().map(Path::to_owned).unwrap();
    assert_eq!(
        fs::metadata(folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn a_cache_below_a_file_is_an_error_that_names_it() {
    let fixture = Fixture::new();
    let file = fixture.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let cache = Cache::at(&file.join("cache")).unwrap();
    let prebuild = Prebuild::of(cache, &fixture.toolchain, RuntimeSource::embedded(), &[]);
    let error = prebuild.ensure(&mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn another_crate_list_is_another_template() {
    let fixture = Fixture::new();
    let plain = fixture.prebuild();
    let rich = fixture.prebuild_of(
        LIBRARY,
        &CrateRequest::parse_list("rand,rand,itertools").unwrap(),
    );
    assert_ne!(plain.key(), rich.key());
    let sorted = fixture.prebuild_of(
        LIBRARY,
        &CrateRequest::parse_list("itertools,rand").unwrap(),
    );
    assert_eq!(rich.key(), sorted.key());
}
