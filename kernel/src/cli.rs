//! The command line: parses, calls, prints. Each command's work is elsewhere.

mod doctor;
mod install;
mod run;
mod surroundings;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use corebook_jupyter::connection_file;
use corebook_runner::terminal::visible;
use tracing_subscriber::EnvFilter;

use self::doctor::DoctorArguments;
use self::install::{InstallArguments, UninstallArguments};
use self::run::RunArguments;
use crate::kernel;
use crate::shared::cpus;

/// The exit code for a command line, or a file it names, that can't be used.
const UNUSABLE: u8 = 2;

/// The crates of ours that log.
const LOGGING_CRATES: [&str; 3] = ["corebook_kernel", "corebook_jupyter", "corebook_processes"];

/// A Jupyter kernel for Rust that shows and measures parallel work.
#[derive(Debug, Parser)]
#[command(name = "corebook", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell Jupyter of the kernel and prebuild what cells link to
    Install(InstallArguments),
    /// Remove the kernel from Jupyter
    Uninstall(UninstallArguments),
    /// Run the kernel on a connection file; Jupyter calls this
    Kernel {
        /// The connection file that Jupyter has written
        connection_file: PathBuf,
    },
    /// Run notebooks without Jupyter
    Run(RunArguments),
    /// Tell how many cores there are and how many are usable
    Cpus(CpusArguments),
    /// Check what a kernel needs, and say how to mend what is missing
    Doctor(DoctorArguments),
}

#[derive(Debug, clap::Args)]
struct CpusArguments {
    /// Add model, frequency, caches, memory, affinity, quota, hints and load
    #[arg(short, long)]
    verbose: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
    /// Read /proc and /sys below this folder instead
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Count only these CPUs as usable, for example 0-3,8-11
    #[arg(long, value_name = "LIST")]
    affinity: Option<String>,
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    surroundings::ignore_relative_folders();
    let arguments = Arguments::parse();
    start_log();
    let done = match arguments.command {
        Command::Kernel { connection_file } => run_kernel(&connection_file),
        Command::Run(arguments) => arguments
            .into_options()
            .and_then(|options| corebook_runner::run(&options)),
        Command::Cpus(arguments) => print_cpus(&arguments),
        Command::Install(arguments) => install::install(arguments),
        Command::Uninstall(arguments) => install::uninstall(&arguments),
        Command::Doctor(arguments) => Ok(doctor::run(&arguments)),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // It names files, and what notebooks say of themselves.
            eprintln!("corebook: {}", visible(&format!("{error:#}")));
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Logs go to stderr; a kernel's stdout says nothing. `COREBOOK_LOG=debug` says more.
///
/// A bare level is for our own crates: rust-analyzer's log speaks to its own developers.
fn start_log() {
    let asked = std::env::var("COREBOOK_LOG").unwrap_or_else(|_| "warn".to_owned());
    let is_level = !asked.contains(['=', ',']);
    let directives = if is_level {
        own_crates_at(&asked)
    } else {
        asked
    };
    let filter =
        EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new(own_crates_at("warn")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}

/// The log's directives for `level` in every crate of ours that logs, and for silence in all others.
fn own_crates_at(level: &str) -> String {
    LOGGING_CRATES.iter().fold("off".to_owned(), |all, name| {
        format!("{all},{name}={level}")
    })
}

fn run_kernel(path: &std::path::Path) -> anyhow::Result<ExitCode> {
    let connection = connection_file::read(path)?;
    kernel::run(connection, surroundings::leave_start_folder())?;
    // The evaluator may be inside evcxr, which nobody can call back; its files are gone already.
    std::process::exit(0)
}

fn print_cpus(arguments: &CpusArguments) -> anyhow::Result<ExitCode> {
    let affinity = arguments
        .affinity
        .as_deref()
        .map(corebook::cpus::parse_list)
        .transpose()?;
    let report = match (&arguments.root, &affinity) {
        (None, None) => corebook::cpus::live(),
        (root, affinity) => {
            let root = root.as_deref().unwrap_or(std::path::Path::new("/"));
            corebook::cpus::read(root, affinity.as_deref())?
        }
    };
    if arguments.json {
        println!("{}", corebook::cpus::json(&report));
    } else {
        println!("{}", cpus::text(&report, arguments.verbose));
    }
    Ok(ExitCode::SUCCESS)
}
