//! `corebook doctor`: what a kernel needs, one line each, with the cure where something is missing.
//!
//! A kernel is started with what its kernelspec sets, so that is what is checked: its toolchain, its
//! crates, its cache. Nothing is built or changed here.
//!
//! * [`setup`]: what a kernel will work with, and whether it is ready
//! * [`jupyter`]: which kernels there are, and which of them Jupyter sees

mod jupyter;
mod setup;

use std::process::ExitCode;

use corebook_install::kernelspec;
use corebook_runner::terminal::visible;
use serde_json::json;

use self::setup::Setup;

/// What `corebook doctor` takes.
#[derive(Debug, clap::Args)]
pub struct DoctorArguments {
    /// Print one JSON array with an object for each check
    #[arg(long)]
    json: bool,
}

/// One check: what was looked at, and what was found or what to do.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

/// Prints all checks. The exit code is 0 when nothing is missing and 1 otherwise.
pub fn run(arguments: &DoctorArguments) -> ExitCode {
    let findings = findings();
    if arguments.json {
        println!("{:#}", as_json(&findings));
    } else {
        for Finding { what, found } in &findings {
            match found {
                Ok(text) => println!("ok       {what}: {}", visible(text)),
                Err(cure) => println!("missing  {what}: {}", visible(cure)),
            }
        }
    }
    if findings.iter().all(|finding| finding.found.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn as_json(findings: &[Finding]) -> serde_json::Value {
    let object = |finding: &Finding| {
        let (is_ok, text) = match &finding.found {
            Ok(text) => (true, text),
            Err(cure) => (false, cure),
        };
        json!({ "check": finding.what, "ok": is_ok, "text": text })
    };
    findings.iter().map(object).collect()
}

fn findings() -> Vec<Finding> {
    let installed = kernelspec::installed();
    let setups = Setup::of_all(&installed);
    let mut findings = Vec::new();
    let mut add = |what, found| findings.push(Finding { what, found });
    for setup in setup::one_for_each_toolchain(&setups) {
        add("cargo", setup.cargo());
        add("rustc", setup.rustc());
        add("rust-src", setup.rust_src());
        add("linker", setup.linker());
    }
    for setup in &setups {
        add("prebuilt session", setup.prebuilt());
        add("network", setup.network());
    }
    for found in jupyter::kernelspecs(&installed) {
        add("kernelspec", found);
    }
    add("Jupyter", jupyter::view(&installed));
    add("evcxr's settings", setup::user_settings());
    for setup in setup::one_for_each_cache(&setups) {
        add("disk space", setup.disk_space());
    }
    let cores = corebook::cpus::summary(&corebook::cpus::live());
    add("cores", Ok(cores.replace('\n', "; ")));
    findings
}
