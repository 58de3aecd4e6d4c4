//! `corebook install` and `corebook uninstall`: converts their arguments and calls `corebook_install`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use corebook_build::cache::CACHE_VARIABLE;
use corebook_build::{Cache, CrateRequest, Toolchain};
use corebook_install::kernelspec::{self, EnvEntry, Location, Options};
use corebook_processes::environment::within;
use corebook_processes::program;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub struct InstallArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// What JupyterLab shows
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Set an environment variable of the kernel; may be given more than once
    #[arg(long = "env", value_name = "K=V")]
    env: Vec<EnvEntry>,
    /// Let %pool start no more workers than this by itself
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Prebuild these crates, for example rand,itertools@0.14
    #[arg(long, value_name = "CRATES")]
    with: Option<String>,
    /// Compile cells with this toolchain, as rustup knows it
    #[arg(long, value_name = "NAME")]
    toolchain: Option<String>,
    /// Print one JSON object about what was done
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct UninstallArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Print one JSON object about what was done
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct PlaceArguments {
    /// For this user, in any Jupyter (the default)
    #[arg(long, conflicts_with_all = ["sys_prefix", "prefix"])]
    user: bool,
    /// Into the active Python environment
    #[arg(long, conflicts_with = "prefix")]
    sys_prefix: bool,
    /// Into DIR/share/jupyter/kernels
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// The kernelspec's name
    #[arg(long)]
    name: Option<String>,
}

impl PlaceArguments {
    fn location(&self) -> Location {
        match (&self.prefix, self.sys_prefix) {
            (Some(prefix), _) => Location::Prefix(prefix.clone()),
            (None, true) => Location::SysPrefix,
            (None, false) => Location::User,
        }
    }
}

/// Builds the runtime, then writes the kernelspec. So a kernel that Jupyter lists is ready to start.
pub fn install(arguments: InstallArguments) -> anyhow::Result<ExitCode> {
    let is_json = arguments.json;
    let location = arguments.place.location();
    let options = options(arguments)?;
    let called_as = std::env::args_os().next().unwrap_or_default();
    let binary = kernelspec::path_to_keep(&called_as, program::path()?);
    kernelspec::check(&binary, &location, &options)?;
    within(&options.environment(), || prebuild(&options))?;
    let dir = kernelspec::install(&binary, &location, &options)?;
    print_done(is_json, "installed", &options.name, &dir);
    Ok(ExitCode::SUCCESS)
}

fn prebuild(options: &Options) -> anyhow::Result<()> {
    let toolchain = Toolchain::here()?;
    toolchain.check_rust_src()?;
    corebook_build::template(&toolchain, &options.with, &mut |line| eprintln!("{line}"))?;
    Ok(())
}

fn options(arguments: InstallArguments) -> anyhow::Result<Options> {
    let defaults = Options::default();
    let mut env = arguments.env;
    // The kernel must look in the cache in which the runtime is built now.
    let is_named = env.iter().any(|entry| entry.name == CACHE_VARIABLE);
    if !is_named && std::env::var_os(CACHE_VARIABLE).is_some_and(|path| !path.is_empty()) {
        env.push(EnvEntry {
            name: CACHE_VARIABLE.to_owned(),
            value: Cache::locate()?.root().display().to_string(),
        });
    }
    Ok(Options {
        name: arguments.place.name.unwrap_or(defaults.name),
        display_name: arguments.display_name.unwrap_or(defaults.display_name),
        env,
        workers: arguments.workers,
        with: CrateRequest::parse_list(arguments.with.as_deref().unwrap_or_default())?,
        toolchain: arguments.toolchain,
    })
}

/// Removes the kernelspec. The cache stays, because other installations may use it.
pub fn uninstall(arguments: &UninstallArguments) -> anyhow::Result<ExitCode> {
    let name = arguments
        .place
        .name
        .clone()
        .unwrap_or_else(|| Options::default().name);
    let dir = kernelspec::uninstall(&arguments.place.location(), &name)?;
    print_done(arguments.json, "removed", &name, &dir);
    Ok(ExitCode::SUCCESS)
}

fn print_done(as_json: bool, done: &str, name: &str, dir: &Path) {
    if as_json {
        println!(
            "{}",
            json!({ "done": done, "name": name, "kernelspec": dir })
        );
    } else {
        println!("{done} {name} in {}", dir.display());
    }
}
