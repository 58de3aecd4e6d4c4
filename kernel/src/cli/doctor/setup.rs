//! Toolchain, crates and cache of one kernel, as its kernelspec sets them.

use std::collections::BTreeMap;

use corebook_build::cache::CACHE_VARIABLE;
use corebook_build::crates;
use corebook_build::{Cache, Prebuild, RuntimeSource, Toolchain, linker};
use corebook_install::kernelspec::Installed;
use corebook_processes::environment::within;

use crate::evcxr::user_settings::{self, UserSettings};

/// With less free space, in bytes, a notebook's first `:dep` may fail.
const LITTLE_SPACE: u64 = 500 * 1024 * 1024;

type CheckResult = Result<String, String>;

/// What the checks of one kernel share.
pub struct Setup {
    /// The kernel's name and a colon. Empty unless several kernels are installed.
    label: String,
    /// Environment variables that the kernelspec sets.
    env: BTreeMap<String, String>,
    toolchain: Result<Toolchain, String>,
    cache: Result<Cache, String>,
    prebuild: Result<Prebuild, String>,
}

impl Setup {
    /// One for each installed kernel, or one for the kernel that this environment would start.
    pub fn of_all(installed: &[Installed]) -> Vec<Self> {
        match installed {
            [] => vec![Self::of(String::new(), BTreeMap::new())],
            [only] => vec![Self::of(String::new(), only.env.clone())],
            several => several
                .iter()
                .map(|kernel| Self::of(format!("{}: ", kernel.name), kernel.env.clone()))
                .collect(),
        }
    }

    fn of(label: String, env: BTreeMap<String, String>) -> Self {
        within(&env.clone(), || Self::here(label, env))
    }

    fn here(label: String, env: BTreeMap<String, String>) -> Self {
        let to_text = |error: corebook_build::Error| error.to_string();
        let toolchain = Toolchain::here().map_err(to_text);
        let cache = Cache::locate().map_err(to_text);
        let crates = crates::from_environment();
        let prebuild = crates.map_err(to_text).and_then(|crates| {
            let toolchain = toolchain.as_ref().map_err(|_| NEEDS_TOOLS.to_owned())?;
            let cache = cache.clone()?;
            let runtime = RuntimeSource::embedded();
            Ok(Prebuild::of(cache, toolchain, runtime, &crates))
        });
        Self {
            label,
            env,
            toolchain,
            cache,
            prebuild,
        }
    }

    pub fn cargo(&self) -> CheckResult {
        let toolchain = self.toolchain.as_ref().map_err(Clone::clone)?;
        Ok(toolchain.cargo.display().to_string())
    }

    pub fn rustc(&self) -> CheckResult {
        let toolchain = self.toolchain.as_ref().map_err(Clone::clone)?;
        Ok(toolchain.version.clone())
    }

    pub fn rust_src(&self) -> CheckResult {
        match self.tools()?.check_rust_src() {
            Ok(()) => Ok("types of variables can be inferred".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub fn linker(&self) -> CheckResult {
        linker::check(self.tools()?).map_err(|error| error.to_string())
    }

    pub fn prebuilt(&self) -> CheckResult {
        let prebuild = self.prebuild.as_ref().map_err(Clone::clone)?;
        let (label, version) = (&self.label, &prebuild.toolchain.version);
        if let Some(template) = prebuild.existing() {
            return Ok(format!(
                "{label}built for rustc {version} in {}",
                template.work_dir().display()
            ));
        }
        let what = match prebuild.stale() {
            Some(stale) => {
                format!("stale: built for {stale}, but this kernel needs it for rustc {version}")
            }
            None => format!("not built for rustc {version}"),
        };
        Err(format!(
            "{label}{what}: run `corebook install`, or wait about 15 s at the next start of a kernel"
        ))
    }

    pub fn network(&self) -> CheckResult {
        let prebuild = self.prebuild.as_ref().map_err(Clone::clone)?;
        let label = &self.label;
        match prebuild.existing() {
            Some(template) if within(&self.env, || template.needs_network()) => Err(format!(
                "{label}needed at the next start, because cargo has not downloaded the crates of the prebuilt \
                 session here: connect and run `cargo fetch --locked --manifest-path '{}'`",
                template.work_dir().join("Cargo.toml").display()
            )),
            Some(_) => Ok(format!("{label}not needed to start; a new `:dep` needs it")),
            None => Ok(format!(
                "{label}needed once, to build the session, unless cargo has downloaded its crates before"
            )),
        }
    }

    pub fn disk_space(&self) -> CheckResult {
        let cache = self.cache.as_ref().map_err(Clone::clone)?;
        // The cache may not exist yet. Its nearest existing ancestor is on the same disk.
        let ancestors = cache.root().ancestors();
        let dir = ancestors.into_iter().find(|dir| dir.exists());
        let dir = dir.unwrap_or(cache.root());
        let Ok(stats) = nix::sys::statvfs::statvfs(dir) else {
            return Ok("unknown".to_owned());
        };
        let free = stats.blocks_available() * stats.fragment_size();
        let text = format!("{} MiB free in {}", free / (1024 * 1024), dir.display());
        if free < LITTLE_SPACE {
            Err(format!("{text}: make room, or set {CACHE_VARIABLE}"))
        } else {
            Ok(text)
        }
    }

    fn tools(&self) -> Result<&Toolchain, String> {
        self.toolchain.as_ref().map_err(|_| NEEDS_TOOLS.to_owned())
    }
}

/// The user's settings for evcxr. A kernel uses some of them.
pub fn user_settings() -> CheckResult {
    let folder = user_settings::folder().ok_or("there is no folder for settings: set HOME")?;
    let settings = UserSettings::read(&folder)?;
    Ok(match settings == UserSettings::default() {
        true => format!("none in {}", folder.display()),
        false => settings.summary(),
    })
}

const NEEDS_TOOLS: &str = "needs cargo and rustc first";

/// The first kernel of each toolchain.
pub fn one_for_each_toolchain(setups: &[Setup]) -> Vec<&Setup> {
    one_for_each(setups, |setup| &setup.toolchain)
}

/// The first kernel of each cache.
pub fn one_for_each_cache(setups: &[Setup]) -> Vec<&Setup> {
    one_for_each(setups, |setup| &setup.cache)
}

fn one_for_each<T: PartialEq>(setups: &[Setup], key: impl Fn(&Setup) -> &T) -> Vec<&Setup> {
    let mut firsts: Vec<&Setup> = Vec::new();
    for setup in setups {
        if !firsts.iter().any(|first| key(first) == key(setup)) {
            firsts.push(setup);
        }
    }
    firsts
}
