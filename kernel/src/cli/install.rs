//! `corebook install` and `corebook uninstall`: from the command line to the crate that does it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use corebook_install::kernelspec::{self, EnvEntry, Location, Options};
use corebook_install::{CrateRequest, Prebuild, Toolchain};
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
    /// For this user, whichever Jupyter they run (the default)
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

/// Prebuilds the runtime, then writes the kernelspec: what Jupyter can choose is ready to start.
pub fn install(arguments: InstallArguments) -> anyhow::Result<ExitCode> {
    let with = CrateRequest::parse_list(arguments.with.as_deref().unwrap_or_default())?;
    let mut options = Options {
        env: arguments.env,
        workers: arguments.workers,
        with,
        toolchain: arguments.toolchain,
        ..Options::default()
    };
    if let Some(name) = &arguments.place.name {
        options.name.clone_from(name);
    }
    if let Some(display_name) = arguments.display_name {
        options.display_name = display_name;
    }
    let toolchain = Toolchain::named(options.toolchain.as_deref())?;
    toolchain.check_rust_src()?;
    Prebuild::new(&toolchain, &options.with)?.ensure(&mut |line| eprintln!("{line}"))?;
    let binary = std::env::current_exe()?;
    let dir = kernelspec::install(&binary, &arguments.place.location(), &options)?;
    told(arguments.json, "installed", &options.name, &dir);
    Ok(ExitCode::SUCCESS)
}

/// Removes the kernelspec; the cache stays for other installations.
pub fn uninstall(arguments: &UninstallArguments) -> anyhow::Result<ExitCode> {
    let name = arguments
        .place
        .name
        .clone()
        .unwrap_or_else(|| Options::default().name);
    let dir = kernelspec::uninstall(&arguments.place.location(), &name)?;
    told(arguments.json, "removed", &name, &dir);
    Ok(ExitCode::SUCCESS)
}

fn told(as_json: bool, done: &str, name: &str, dir: &Path) {
    if as_json {
        println!(
            "{}",
            json!({ "done": done, "name": name, "kernelspec": dir })
        );
    } else {
        println!("{done} {name} in {}", dir.display());
    }
}
