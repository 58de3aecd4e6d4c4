//! The shim as a program of its own, for the tests of this crate.

use corebook_build::cargo_shim::CargoShim;

fn main() -> std::process::ExitCode {
    let shim = CargoShim::of_this_process().expect("started as a tool of a session");
    shim.run()
}
