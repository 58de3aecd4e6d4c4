//! `corebook doctor`: what a kernel needs, one line each, with the cure where something is missing.

use std::process::{Command, ExitCode};

use corebook_install::{Cache, Prebuild, Toolchain, kernelspec};

/// Free space below which a notebook's first `:dep` is in danger, in bytes.
const LITTLE_SPACE: u64 = 500 * 1024 * 1024;

/// One check: what was looked at, and what was found or what to do.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

/// Prints all checks. The exit code is 0 when nothing is missing and 1 otherwise.
pub fn run() -> ExitCode {
    let findings = findings();
    for Finding { what, found } in &findings {
        match found {
            Ok(text) => println!("ok       {what}: {text}"),
            Err(cure) => println!("missing  {what}: {cure}"),
        }
    }
    if findings.iter().all(|finding| finding.found.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn findings() -> Vec<Finding> {
    let toolchain = Toolchain::discover().map_err(|error| error.to_string());
    let finding = |what, found| Finding { what, found };
    vec![
        finding(
            "cargo",
            toolchain
                .as_ref()
                .map(|found| found.cargo.display().to_string())
                .map_err(Clone::clone),
        ),
        finding(
            "rustc",
            toolchain
                .as_ref()
                .map(|found| found.version.clone())
                .map_err(Clone::clone),
        ),
        finding("rust-src", with(&toolchain, rust_src)),
        finding("linker", linker()),
        finding("prebuilt session", with(&toolchain, prebuilt)),
        finding("kernelspec", installed()),
        finding("JupyterLab", jupyter()),
        finding("disk space", disk_space()),
        finding(
            "cores",
            Ok(corebook::cpus::summary(&corebook::cpus::live()).replace('\n', "; ")),
        ),
    ]
}

fn with(
    toolchain: &Result<Toolchain, String>,
    check: impl Fn(&Toolchain) -> Result<String, String>,
) -> Result<String, String> {
    match toolchain {
        Ok(toolchain) => check(toolchain),
        Err(_) => Err("needs cargo and rustc first".to_owned()),
    }
}

fn rust_src(toolchain: &Toolchain) -> Result<String, String> {
    toolchain
        .check_rust_src()
        .map(|()| "types of variables can be inferred".to_owned())
        .map_err(|error| error.to_string())
}

/// rustc calls the system's C compiler to link.
fn linker() -> Result<String, String> {
    let runs = Command::new("cc").arg("--version").output();
    match runs {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()
            .unwrap_or("cc")
            .to_owned()),
        _ => {
            Err("there is no `cc`: install a C compiler, for example `apt install gcc`".to_owned())
        }
    }
}

fn prebuilt(toolchain: &Toolchain) -> Result<String, String> {
    let crates = kernelspec::crates_from_environment().map_err(|error| error.to_string())?;
    let prebuild = Prebuild::new(toolchain, &crates).map_err(|error| error.to_string())?;
    match prebuild.existing() {
        Some(template) => Ok(format!(
            "{}; kernels start without a network",
            template.work_dir().display()
        )),
        None => Err(format!(
            "not built for rustc {}: run `corebook install`, or wait about 15 s at the next start of a kernel",
            toolchain.version
        )),
    }
}

fn installed() -> Result<String, String> {
    let installed = kernelspec::installed();
    if installed.is_empty() {
        return Err("Jupyter does not know the kernel: run `corebook install`".to_owned());
    }
    if let Some(gone) = installed.iter().find(|kernel| !kernel.binary.exists()) {
        return Err(format!(
            "{} starts {}, which is gone: run `corebook install` again",
            gone.dir.display(),
            gone.binary.display()
        ));
    }
    let dirs: Vec<String> = installed
        .iter()
        .map(|kernel| kernel.dir.display().to_string())
        .collect();
    Ok(dirs.join(", "))
}

fn jupyter() -> Result<String, String> {
    let output = Command::new("jupyter")
        .args(["kernelspec", "list"])
        .output();
    match output {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("corebook") => {
            Ok("`jupyter kernelspec list` names corebook".to_owned())
        }
        Ok(_) => Err("`jupyter kernelspec list` does not name corebook: run `corebook install --user`, or `--sys-prefix` in Jupyter's environment".to_owned()),
        Err(_) => Err("there is no `jupyter` on PATH: run `install/lab`, or `pip install jupyterlab`; `corebook run` needs none".to_owned()),
    }
}

fn disk_space() -> Result<String, String> {
    let cache = Cache::locate().map_err(|error| error.to_string())?;
    // The cache may not exist yet; its nearest ancestor lies on the same disk.
    let dir = cache
        .root()
        .ancestors()
        .find(|dir| dir.exists())
        .unwrap_or(cache.root());
    let Ok(stats) = nix::sys::statvfs::statvfs(dir) else {
        return Ok("unknown".to_owned());
    };
    let free = stats.blocks_available() * stats.fragment_size();
    let text = format!("{} MiB free in {}", free / (1024 * 1024), dir.display());
    if free < LITTLE_SPACE {
        Err(format!("{text}: make room, or set COREBOOK_CACHE_DIR"))
    } else {
        Ok(text)
    }
}
