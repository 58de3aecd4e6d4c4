//! The command line: parses arguments, calls the function that does the work, prints the result.

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

/// The exit code if the command line, or a file that it names, can't be used.
const UNUSABLE: u8 = 2;

/// Our crates that log.
const LOGGING_CRATES: [&str; 4] = [
    "corebook_analysis",
    "corebook_kernel",
    "corebook_jupyter",
    "corebook_processes",
];

/// A Jupyter kernel for Rust that shows and measures parallel work.
#[derive(Debug, Parser)]
#[command(name = "corebook", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register the kernel with Jupyter and build the library that cells link to
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
    /// Show how many cores there are and how many are usable
    Cpus(CpusArguments),
    /// Check what a kernel needs, and say how to fix what is missing
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

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    surroundings::ignore_relative_folders();
    let arguments = Arguments::parse();
    start_log();
    let done = match arguments.command {
        Command::Kernel { connection_file } => run_kernel(&connection_file),
        Command::Run(arguments) => arguments
            .into_options()
            .and_then(|options| corebook_runner::run(&options, run::prepare)),
        Command::Cpus(arguments) => print_cpus(&arguments),
        Command::Install(arguments) => install::install(arguments),
        Command::Uninstall(arguments) => install::uninstall(&arguments),
        Command::Doctor(arguments) => Ok(doctor::run(&arguments)),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            // The text can hold names of files and text of a notebook, which may contain control characters.
            eprintln!("corebook: {}", visible(&format!("{error:#}")));
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Logs go to stderr, because a kernel prints nothing on stdout. `COREBOOK_LOG` sets the level.
///
/// A bare level such as `debug` applies to our own crates only: rust-analyzer's log is for its developers.
fn start_log() {
    let setting = std::env::var("COREBOOK_LOG").unwrap_or_else(|_| "warn".to_owned());
    let is_level = !setting.contains(['=', ',']);
    let directives = if is_level {
        own_crates_at(&setting)
    } else {
        setting
    };
    let filter =
        EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new(own_crates_at("warn")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}

/// Log directives: `level` for [`LOGGING_CRATES`], off for all other crates.
fn own_crates_at(level: &str) -> String {
    LOGGING_CRATES.iter().fold("off".to_owned(), |all, name| {
        format!("{all},{name}={level}")
    })
}

fn run_kernel(path: &std::path::Path) -> anyhow::Result<ExitCode> {
    let connection = connection_file::read(path)?;
    kernel::run(connection, surroundings::leave_start_folder())?;
    // The evaluator's thread may still be inside evcxr, which can't be stopped. Its files are removed already.
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
        println!("{}", cpus::render(&report, arguments.verbose));
    }
    Ok(ExitCode::SUCCESS)
}
