//! `corebook doctor`: checks what a kernel needs, one line for each check, with the fix if something is missing.
//!
//! Checks what each kernelspec sets, because a kernel is started with that: toolchain, crates, cache. Builds and
//! changes nothing.
//!
//! * [`setup`]: toolchain, crates and cache of one kernel
//! * [`jupyter`]: the installed kernelspecs, and which of them Jupyter lists

mod jupyter;
mod setup;

use std::process::ExitCode;

use corebook_install::kernelspec;
use corebook_runner::terminal::visible;
use serde_json::json;

use self::setup::Setup;

/// Arguments of `corebook doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArguments {
    /// Print one JSON array with an object for each check
    #[arg(long)]
    json: bool,
}

/// One check: its name, and what was found or how to fix it.
struct Finding {
    what: &'static str,
    result: Result<String, String>,
}

/// Prints all checks. The exit code is 0 if nothing is missing, otherwise 1.
pub fn run(arguments: &DoctorArguments) -> ExitCode {
    let findings = findings();
    if arguments.json {
        println!("{:#}", as_json(&findings));
    } else {
        for Finding { what, result } in &findings {
            match result {
                Ok(text) => println!("ok       {what}: {}", visible(text)),
                Err(fix) => println!("missing  {what}: {}", visible(fix)),
            }
        }
    }
    if findings.iter().all(|finding| finding.result.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn as_json(findings: &[Finding]) -> serde_json::Value {
    let object = |finding: &Finding| {
        let (is_ok, text) = match &finding.result {
            Ok(text) => (true, text),
            Err(fix) => (false, fix),
        };
        json!({ "check": finding.what, "ok": is_ok, "text": text })
    };
    findings.iter().map(object).collect()
}

fn findings() -> Vec<Finding> {
    let installed = kernelspec::installed();
    let setups = Setup::of_all(&installed);
    let mut findings = Vec::new();
    let mut add = |what, result| findings.push(Finding { what, result });
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
    for result in jupyter::kernelspecs(&installed) {
        add("kernelspec", result);
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
