//! What one kernel will work with: a toolchain, crates and a cache, as its kernelspec says.

use std::collections::BTreeMap;

use corebook_build::cache::CACHE_VARIABLE;
use corebook_build::crates;
use corebook_build::{Cache, Prebuild, RuntimeSource, Toolchain, linker};
use corebook_install::kernelspec::Installed;
use corebook_processes::environment::within;

use crate::evcxr::user_settings::{self, UserSettings};

/// Free space below which a notebook's first `:dep` is in danger, in bytes.
const LITTLE_SPACE: u64 = 500 * 1024 * 1024;

type Found = Result<String, String>;

/// What is found out once for a kernel.
pub struct Setup {
    /// The kernel's name, where there are several.
    label: String,
    /// What the kernel is started with.
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
        let in_words = |error: corebook_build::Error| error.to_string();
        let toolchain = Toolchain::here().map_err(in_words);
        let cache = Cache::locate().map_err(in_words);
        let crates = crates::from_environment();
        let prebuild = crates.map_err(in_words).and_then(|crates| {
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

    pub fn cargo(&self) -> Found {
        let toolchain = self.toolchain.as_ref().map_err(Clone::clone)?;
        Ok(toolchain.cargo.display().to_string())
    }

    pub fn rustc(&self) -> Found {
        let toolchain = self.toolchain.as_ref().map_err(Clone::clone)?;
        Ok(toolchain.version.clone())
    }

    pub fn rust_src(&self) -> Found {
        match self.tools()?.check_rust_src() {
            Ok(()) => Ok("types of variables can be inferred".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub fn linker(&self) -> Found {
        linker::check(self.tools()?).map_err(|error| error.to_string())
    }

    pub fn prebuilt(&self) -> Found {
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

    pub fn network(&self) -> Found {
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

    pub fn disk_space(&self) -> Found {
        let cache = self.cache.as_ref().map_err(Clone::clone)?;
        // The cache may not exist yet; its nearest ancestor lies on the same disk.
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

/// What the user has set for evcxr, which a kernel obeys in part.
pub fn user_settings() -> Found {
    let folder = user_settings::folder().ok_or("there is no folder for settings: set HOME")?;
    let settings = UserSettings::read(&folder)?;
    Ok(match settings == UserSettings::default() {
        true => format!("none in {}", folder.display()),
        false => settings.summary(),
    })
}

const NEEDS_TOOLS: &str = "needs cargo and rustc first";

/// Of kernels that share a toolchain, the first.
pub fn one_for_each_toolchain(setups: &[Setup]) -> Vec<&Setup> {
    one_for_each(setups, |setup| &setup.toolchain)
}

/// Of kernels that share a cache, the first.
pub fn one_for_each_cache(setups: &[Setup]) -> Vec<&Setup> {
    one_for_each(setups, |setup| &setup.cache)
}

fn one_for_each<T: PartialEq>(setups: &[Setup], of: impl Fn(&Setup) -> &T) -> Vec<&Setup> {
    let mut firsts: Vec<&Setup> = Vec::new();
    for setup in setups {
        if !firsts.iter().any(|first| of(first) == of(setup)) {
            firsts.push(setup);
        }
    }
    firsts
}
